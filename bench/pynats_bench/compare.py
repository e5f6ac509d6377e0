"""`python -m pynats_bench.compare`: our server and the reference side by side.

Alternates the contenders sample by sample, so that a slow minute of the machine hits both.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import json
import os
import resource
import shlex
import sys
from pathlib import Path

from rich.console import Console

from pynats_bench.accounts import account_rows
from pynats_bench.consumers.rows import consumer_rows
from pynats_bench.contender import Contender, find_program, relay_contender
from pynats_bench.model import LoadError
from pynats_bench.report import (
    OURS,
    REFERENCE,
    Outcome,
    machine_facts,
    markdown,
    notes,
    rich_tables,
)
from pynats_bench.rows import PubSubRow, Row, Setting, all_rows
from pynats_bench.streams.rows import PublishRow, Recovery, jetstream_rows
from pynats_bench.tls.rows import tls_rows

HEAVY_ROUNDS_MAX = 2  # memory hardly varies, and filling it is slow
DESCRIPTORS = 12_000  # ten thousand connections, plus the process's own


def parse_cores(text: str) -> frozenset[int]:
    """`0`, `0,1` or `0-3` as a CPU set; argparse reports CPUs that this machine does not have."""
    cores: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            cores.update(range(int(first), int(last or first) + 1))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a list of cores: {text!r}") from None
    allowed = os.sched_getaffinity(0)
    if not cores or not cores <= allowed:
        raise argparse.ArgumentTypeError(f"cores {text} are not all among {sorted(allowed)}")
    return frozenset(cores)


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"not a positive number: {text!r}")
    return value


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pynats_bench.compare", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, no heavy rows")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="rows by name, * allowed")
    parser.add_argument("--list", action="store_true", help="list the rows and stop")
    parser.add_argument("--rounds", type=_positive, help="samples per contender (default 3)")
    parser.add_argument(
        "--cores-server",
        type=parse_cores,
        metavar="CORES",
        help="the servers' CPU set, e.g. 0 or 0,1 (default: all, as a user would run them)",
    )
    parser.add_argument(
        "--cores-load", type=parse_cores, metavar="CORES", help="the generator's CPU set"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page (Markdown)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample (JSON)")
    parser.add_argument(
        "--store", type=Path, metavar="FOLDER", help="where JetStream stores go (a real disk)"
    )
    parser.add_argument(
        "--recovery-messages",
        type=_positive,
        default=Recovery().messages,
        metavar="COUNT",
        help="messages of the stream that is recovered (default %(default)s)",
    )
    parser.add_argument(
        "--recovery-size",
        type=_positive,
        default=Recovery().payload_bytes,
        metavar="BYTES",
        help="payload of each of them (default %(default)s)",
    )
    parser.add_argument("--ours", metavar="CMD", help="command of our server")
    parser.add_argument("--reference", metavar="CMD", help="command of the reference server")
    return parser


def select_rows(only: list[str] | None, quick: bool, recovery: Recovery | None = None) -> list[Row]:
    """The rows asked for, in table order. LoadError for a name that matches none."""
    rows = all_rows() + account_rows() + tls_rows()
    rows += jetstream_rows(recovery=recovery) + consumer_rows()
    if only:
        for pattern in only:
            if not any(fnmatch.fnmatch(row.heading.name, pattern) for row in rows):
                names = ", ".join(row.heading.name for row in rows)
                raise LoadError(f"no row named {pattern!r}; rows: {names}")
        return [row for row in rows if any(fnmatch.fnmatch(row.heading.name, p) for p in only)]
    return [row for row in rows if not (quick and row.heading.heavy)]


def find_contenders(
    ours: str | None, reference: str | None, console: Console
) -> tuple[list[Contender], list[tuple[str, str]]]:
    """The usable servers and their versions; reports which cannot run and why."""
    found, versions = [], []
    for name, command in ((OURS, ours), (REFERENCE, reference)):
        try:
            program = tuple(shlex.split(command)) if command else find_program(name)
            contender = Contender(name, program)
            versions.append((name, contender.version()))
            found.append(contender)
        except (LoadError, ValueError) as error:
            console.print(f"[yellow]{name} is left out: {error}[/yellow]")
            versions.append((name, f"left out: {error}"))
    if not found:
        raise LoadError("no server to measure")
    return found, versions


def measure_row(
    row: Row, contenders: list[Contender], rounds: int, setting: Setting, console: Console
) -> Outcome:
    """All rounds of one row, contenders in turn. A contender that fails is not asked again."""
    payload = row.load.payload_bytes if isinstance(row, PubSubRow | PublishRow) else 0
    outcome = Outcome(row.heading, payload)
    contenders = [*contenders, *([relay_contender()] if row.against_relay else [])]
    for _ in range(min(rounds, HEAVY_ROUNDS_MAX) if row.heading.heavy else rounds):
        for contender in contenders:
            if contender.name in outcome.errors:
                continue
            try:
                sample = row.sample(contender, setting)
            except LoadError as error:
                outcome.errors[contender.name] = str(error)
                console.print(f"{row.heading.name}: {contender.name} failed: {error}")
                continue
            outcome.samples.setdefault(contender.name, []).append(sample)
    return outcome


def raise_descriptor_limit() -> None:
    """Ten thousand connections need as many descriptors, here and in the server (inherited)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _cores_text(cores: frozenset[int] | None) -> str:
    return ",".join(map(str, sorted(cores))) if cores else "all"


def compare(options: argparse.Namespace, command: str, console: Console) -> list[Outcome]:
    """Measures, prints, and writes the requested files."""
    recovery = Recovery(options.recovery_messages, options.recovery_size)
    rows = select_rows(options.only, options.quick, recovery)
    contenders, facts = find_contenders(options.ours, options.reference, console)
    rounds = options.rounds or (1 if options.quick else 3)
    setting = Setting(
        seconds=0.3 if options.quick else 1.0,
        cores_server=options.cores_server,
        cores_load=options.cores_load,
        verify=True,
        counts={},
        store_folder=options.store,
    )
    facts = [
        *machine_facts(),
        *facts,
        ("Server cores", _cores_text(options.cores_server)),
        ("Load generator cores", _cores_text(options.cores_load)),
        ("Rounds", f"{rounds} of about {setting.seconds:g} s"),
    ]
    for name, value in facts:
        console.print(f"{name}: {value}", highlight=False)
    raise_descriptor_limit()
    outcomes = []
    for row in rows:
        with console.status(row.heading.title):
            outcomes.append(measure_row(row, contenders, rounds, setting, console))
    for table in rich_tables(outcomes):
        console.print(table)
    for line in notes(outcomes):
        console.print(line, highlight=False)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(markdown(outcomes, command, facts), encoding="utf-8")
    if options.json:
        raw = [dataclasses.asdict(outcome) for outcome in outcomes]
        options.json.write_text(json.dumps({"facts": dict(facts), "rows": raw}, indent=1))
    return outcomes


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when all was measured, 1 when a row failed or nothing could be measured."""
    given = sys.argv[1:] if arguments is None else arguments
    options = build_parser().parse_args(given)
    # Without a terminal (a log, a file) the tables must not be folded to 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 160)
    if options.list:
        for row in select_rows(None, options.quick):
            console.print(f"{row.heading.name:40} {row.heading.title}", highlight=False)
        return 0
    command = shlex.join(["python", "-m", "pynats_bench.compare", *given])
    try:
        outcomes = compare(options, command, console)
    except (LoadError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("compare: interrupted", file=sys.stderr)
        return 130
    return 1 if any(outcome.errors for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
