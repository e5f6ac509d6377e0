"""The figures of a benchmark as lines for people, and as the rows of a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_cli.commands.bench.results import Figures, Outcome
from pynats_cli.errors import CliError
from pynats_cli.screen.human import bytes_text, thousands
from pynats_cli.screen.output import line, log

if TYPE_CHECKING:
    from pynats_bench.clients.histogram import Histogram

_SHOWN = (("P50", 0.5), ("P90", 0.9), ("P99", 0.99), ("P99.9", 0.999))
_COLUMNS = ("#RunID", "ClientID", "MsgCount", "MsgBytes", "MsgsPerSec", "BytesPerSec",
            "DurationSecs")  # fmt: skip
_TIMES = ("Min", "Avg", "Max", *(name for name, _ in _SHOWN), "StdDev")


def result_lines(outcome: Outcome) -> list[str]:
    """What is printed at the end; nothing when nothing was done."""
    clients = outcome.clients
    if not clients:
        return []
    label = outcome.plan.kind.label
    if outcome.plan.clients == 1:
        (_, figures) = clients[0]
        lines = ["", f"NATS {label} stats: {_rate(figures)}{_latency(figures.operations)}"]
    else:
        total, rates = outcome.total, outcome.rates()
        spread = " | ".join(f"{name} {thousands(rate)}" for name, rate in rates.items())
        lines = [
            "",
            *(
                f"  [{number}] {_rate(figures)}{_latency(figures.operations)} "
                f"({thousands(figures.messages)} msgs)"
                for number, figures in clients
            ),
            "",
            f" NATS {label} aggregated stats: {_rate(total)}",
            f" message rates {spread} msgs",
        ]
        if total.operations is not None:
            lines.append(f" latencies per operation {_spread(total.operations)}")
    deliveries = outcome.total.deliveries
    if deliveries is not None:
        lines.append(f" delivery latencies {_spread(deliveries)}")
    return [*lines, ""]


def _rate(figures: Figures) -> str:
    return f"{thousands(int(figures.rate))} msgs/sec ~ {bytes_text(int(figures.byte_rate))}/sec"


def _micro(ns: float) -> str:
    """Two decimals, and not rounded up."""
    return f"{int(ns / 10) / 100:,.2f}us"


def _latency(times: Histogram | None) -> str:
    if times is None or not times.count:
        return ""
    parts = [("min", times.minimum), ("avg", times.mean), ("max", times.maximum)]
    parts += [(name, times.quantile(fraction)) for name, fraction in _SHOWN]
    return "".join(f" ~ {name}: {_micro(value)}" for name, value in parts)


def _spread(times: Histogram) -> str:
    parts = [("min", times.minimum), ("avg", times.mean), ("max", times.maximum)]
    parts += [("stddev", times.stddev)]
    parts += [(name, times.quantile(fraction)) for name, fraction in _SHOWN[:-1]]
    # The last one has a colon: programs look for it.
    last, fraction = _SHOWN[-1]
    shown = [f"{name} {_micro(value)}" for name, value in parts]
    return " | ".join([*shown, f"{last}: {_micro(times.quantile(fraction))}"])


def check_csv(name: str) -> None:
    """Before the run: whether there will be a file. Raises CliError."""
    if name and (Path(name).is_dir() or not Path(name).absolute().parent.is_dir()):
        raise CliError(f"--csv: no file can be made at {name}")


def save_csv(path: str, text: str, structured: bool) -> None:
    """Writes the file of `--csv` and says so, beside a document on standard error. Raises
    CliError."""
    try:
        Path(path).write_text(text)
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    saved = f"Saved metric data in csv file {path}"
    log(saved) if structured else line(saved)


def csv_text(outcome: Outcome) -> str:
    """A row for each client that has done anything."""
    clients = outcome.clients
    timed = any(figures.operations is not None for _, figures in clients)
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    more = [f"{name}LatencyMicroSecs" for name in _TIMES] if timed else []
    writer.writerow([*_COLUMNS, *more])
    role = "P" if outcome.plan.kind.publishes else "S"
    for number, figures in clients:
        row = [outcome.run_id, f"{role}{number - 1}", figures.messages, figures.payload_bytes,
               int(figures.rate), f"{figures.byte_rate:f}", f"{figures.seconds:f}"]  # fmt: skip
        writer.writerow([*row, *_row_times(figures.operations)] if timed else row)
    return rows.getvalue()


def _row_times(times: Histogram | None) -> Iterator[str]:
    if times is None:
        return
    values = (times.minimum, times.mean, times.maximum,
              *(times.quantile(fraction) for _, fraction in _SHOWN), times.stddev)  # fmt: skip
    for value in values:
        yield f"{value / 1_000:f}"
