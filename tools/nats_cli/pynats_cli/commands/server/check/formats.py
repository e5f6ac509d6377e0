"""A check's result as Nagios, Prometheus, JSON and people read it."""

from __future__ import annotations

import json
from typing import Any

from pynats_common.go.text import bytes_of

from pynats_cli.screen.human import number
from pynats_cli.screen.tables import table
from pynats_cli.servers.checks.result import Perf, Result

_METRIC_HEADERS = (
    "Metric", "Value", "Unit", "Critical Threshold", "Warning Threshold", "Description",
)  # fmt: skip


def render(result: Result, form: str, namespace: str) -> str:
    """The result in one of the forms, with a final line end."""
    if form == "json":
        return as_json(result) + "\n"
    if form == "prometheus":
        return as_prometheus([result], namespace)
    if form == "text":
        return as_text(result) + "\n"
    return as_nagios(result) + "\n"


def as_nagios(result: Result) -> str:
    """`STATUS name Crit:… Warn:… OK:… | name=value;warn;crit`, in one line."""
    parts = [f"Unknown:{text}" for text in result.unknowns]
    parts += [f"Crit:{text}" for text in result.criticals]
    parts += [f"Warn:{text}" for text in result.warnings]
    parts += [f"OK:{text}" for text in result.oks]
    line = " ".join([result.status.name, result.name, *parts])
    if result.perf:
        line += " | " + " ".join(_nagios_perf(item) for item in result.perf)
    return _one_line(line)


def _nagios_perf(item: Perf) -> str:
    text = f"{item.name}={_figure(item, item.value)}{item.unit}"
    if item.warning is not None or item.critical is not None:
        text += f";{_figure(item, item.warning)}"
    if item.critical is not None:
        text += f";{_figure(item, item.critical)}"
    return text


def _figure(item: Perf, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if item.unit == "s" else f"{value:.0f}"


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def as_json(result: Result) -> str:
    """The result as a JSON document."""
    document: dict[str, Any] = {
        "status": result.status.name,
        "check_suite": result.suite,
        "check_name": result.name,
    }
    for key, messages in (
        ("warning", result.warnings), ("critical", result.criticals), ("ok", result.oks),
        ("unknown", result.unknowns),
    ):  # fmt: skip
        if messages:
            document[key] = messages
    document["perf_data"] = [_json_perf(item) for item in result.perf]
    return json.dumps(document, indent=2, ensure_ascii=False)


def _json_perf(item: Perf) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": item.name,
        "value": _plain(item.value),
        "warning": _plain(item.warning or 0),
        "critical": _plain(item.critical or 0),
    }
    if item.unit:
        found["unit"] = item.unit
    return found


def _plain(value: float) -> float | int:
    """Whole numbers without a fraction, as Go writes them."""
    return int(value) if float(value).is_integer() else value


def as_prometheus(results: list[Result], namespace: str) -> str:
    """The results as a page for Prometheus: gauges sorted by name, each with its help once."""
    gauges: dict[str, tuple[str, list[str]]] = {}
    for result in results:
        item = _label(result.name)
        for perf in result.perf:
            name = f"{namespace}_{result.suite}_{perf.name}"
            help = perf.help or f"Measured by the check {result.suite}"
            gauges.setdefault(name, (help, []))[1].append(
                f'{name}{{item="{item}"}} {_plain(perf.value)}'
            )
        name = f"{namespace}_{result.suite}_status_code"
        help = f"Nagios compatible status code for {result.suite}"
        gauges.setdefault(name, (help, []))[1].append(
            f'{name}{{item="{item}",status="{result.status.name}"}} {int(result.status)}'
        )
    lines = []
    for name, (help, values) in sorted(gauges.items()):
        lines += [f"# HELP {name} {help}", f"# TYPE {name} gauge", *values]
    return "".join(f"{line}\n" for line in lines)


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def as_text(result: Result) -> str:
    """The result for people: a table of messages, a table of figures."""
    parts = [f"{result.name}: {result.status.name}"]
    rows = [
        [word, message]
        for word, messages in (
            ("OK", result.oks), ("Warning", result.warnings), ("Critical", result.criticals),
            ("Unknown", result.unknowns),
        )
        for message in messages
    ]  # fmt: skip
    if rows:
        parts += ["Status Detail", table("", ("Status", "Message"), rows)]
    if result.perf:
        figures = [_text_perf(item) for item in result.perf]
        parts += ["Check Metrics", table("", _METRIC_HEADERS, figures)]
    return "\n\n".join(parts)


def _text_perf(item: Perf) -> list[str]:
    return [
        item.name, number(item.value), item.unit, number(item.critical or 0),
        number(item.warning or 0), item.help,
    ]  # fmt: skip


def encoded(text: str) -> bytes:
    """The bytes of a rendered result; names from arguments can hold any bytes."""
    return bytes_of(text)
