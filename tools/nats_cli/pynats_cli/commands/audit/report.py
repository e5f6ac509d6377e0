"""An audit's report as text and as Markdown."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import local_time
from pynats_cli.servers.audit.outcome import Outcome

_BEST_LAST = (Outcome.FAIL, Outcome.WARN, Outcome.PASS, Outcome.SKIP)


def as_text(report: dict[str, Any], source: str, most: int) -> str:
    """The report for people, with at most so many examples of each check (0 = all)."""
    captured = local_time(_about(report, "capture_timestamp")) or "an unknown time"
    lines = [f'NATS Audit Report "{source}" captured at {captured}', ""]
    for row in report["checks"]:
        check = row["check"]
        lines.append(f"[{row['outcome_string']}] [{check['code']}] {check['description']}")
        error = row["examples"].get("error")
        if error:
            lines.append(f"Error: {error}")
        lines += _examples(row["examples"].get("examples") or [], most)
    return "\n".join(lines) + "\n\n" + _summary(report)


def _examples(examples: list[str], most: int) -> list[str]:
    shown = examples[:most] if most else examples
    lines = [f" - {example}" for example in shown]
    if len(shown) < len(examples):
        lines.append(f" - ... and {len(examples) - len(shown)} more ...")
    return [*lines, ""] if lines else []


def _summary(report: dict[str, Any]) -> str:
    screen = Columns("Report Summary")
    if report.get("metadata"):
        screen.section("Archive Information")
        screen.add_if("Connection Server", _about(report, "connect_url"))
        screen.add_if("Server Version", _about(report, "connected_server_version"))
        screen.add_if("Creator", _about(report, "version"))
        screen.add_if("User", _about(report, "user_name"))
    screen.section("Summary of Checks")
    for outcome in _BEST_LAST:
        screen.add(outcome.name, str(report["outcomes"].get(outcome.name, 0)))
    return screen.render()


def _about(report: dict[str, Any], key: str) -> str:
    return str((report.get("metadata") or {}).get(key) or "")


def as_markdown(report: dict[str, Any]) -> str:
    """The report as a Markdown document."""
    lines = [f"# NATS Audit Report produced {local_time(report['time'])}", ""]
    server = _about(report, "connect_url")
    if server:
        lines += [
            "## Connection Details", "",
            f"Report generated using archive from **{server}** by "
            f"**{_about(report, 'user_name')}** created "
            f"**{local_time(_about(report, 'capture_timestamp'))}**", "",
        ]  # fmt: skip
    lines += ["## Report Summary", "", "|Status|Count|", "|------|-----|"]
    lines += [f"|{each.name}|{report['outcomes'].get(each.name, 0)}|" for each in _BEST_LAST]
    lines += ["", "## Results"]
    for suite, rows in groupby(report["checks"], key=lambda row: row["check"]["suite"]):
        lines.append(f"### Check Suite: {suite}")
        for row in rows:
            lines += _markdown_row(row)
    return "\n".join(lines)


def _markdown_row(row: dict[str, Any]) -> list[str]:
    lines = [f"#### {row['check']['name']}", "", f"Outcome: **{row['outcome_string']}**", ""]
    if row["examples"].get("error"):
        lines += [f"Error: {row['examples']['error']}", ""]
    examples = row["examples"].get("examples") or []
    if examples:
        lines += ["|#|Example|", "|-|-------|"]
        lines += [f"|{number}|{_cell(text)}|" for number, text in enumerate(examples, 1)]
        lines.append("")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
