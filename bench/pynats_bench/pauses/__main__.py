"""`python -m pynats_bench.pauses`: what a client waits for its PONG while another account's does
its worst."""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import shlex
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from pynats_bench.compare import find_contenders, parse_cores
from pynats_bench.contender import Contender
from pynats_bench.model import LoadError
from pynats_bench.pauses.cases import CASES
from pynats_bench.pauses.probe import Figures, Probe
from pynats_bench.pauses.world import Case, World
from pynats_bench.report import machine_facts, shown_command

TIMEOUT_S = 30.0  # for each answer that a case waits for
HEADING = "Case | Server | Requests | p50 ms | p99 ms | p99.9 ms | Largest ms | Took s"

Line = tuple[Case, str, Figures | str, float]


def measure(contender: Contender, cases: list[Case], options: argparse.Namespace) -> list[Line]:
    """The cases of one group on one server. A case that fails is reported and ends the group."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="pauses-", dir=options.store) as folder:
        world = World(contender, options.size, options.timeout, Path(folder), options.cores_server)
        try:
            with world:
                for case in cases:
                    lines.append(_measured(world, case))
                    if isinstance(lines[-1][2], str):
                        break  # it is stuck, or has ended
        except (LoadError, OSError) as error:
            lines.append((cases[min(len(lines), len(cases) - 1)], contender.name, str(error), 0.0))
    return lines


def _measured(world: World, case: Case) -> Line:
    try:
        if case.prepare is not None:
            case.prepare(world)
        with Probe(world.running.endpoint, case.kind) as probe:
            begun = time.monotonic()
            problem = ""
            try:
                case.act(world)
            except (LoadError, OSError) as error:
                problem = str(error)
            took = time.monotonic() - begun
            time.sleep(case.rest_s)
            figures = probe.end()
    except (LoadError, OSError) as error:
        return case, world.contender.name, str(error), 0.0
    finally:
        world.tidy()
    if problem:
        if world.running.alive():
            world.renew()
        print(f"{case.name}: {world.contender.name}: {problem}", file=sys.stderr)
    return case, world.contender.name, figures, took


def cells(line: Line) -> tuple[str, ...]:
    """One line of the table."""
    case, name, figures, took = line
    if isinstance(figures, str):
        return case.title, name, figures, "", "", "", "", ""
    shown = (figures.p50_ms, figures.p99_ms, figures.p999_ms, figures.largest_ms)
    return case.title, name, f"{figures.count:,}", *(f"{ms:.2f}" for ms in shown), f"{took:.2f}"


def build_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(prog="python -m pynats_bench.pauses", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=["*"], help="cases, * allowed")
    parser.add_argument("--list", action="store_true", help="list the cases and stop")
    parser.add_argument(
        "--size", type=int, default=1_000_000, metavar="COUNT",
        help="subjects and messages of a large stream (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS",
        help="for each answer that a case waits for (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--cores-server", type=parse_cores, metavar="CORES", help="e.g. 0")
    parser.add_argument("--store", type=Path, metavar="FOLDER", help="where stores go")
    parser.add_argument("--ours", metavar="CMD", help="command of our server")
    parser.add_argument("--reference", metavar="CMD", help="command of the reference server")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page (Markdown)")
    return parser


def select(patterns: list[str]) -> list[Case]:
    """The cases asked for, with those before them that their group needs. LoadError for a name that
    matches none."""
    for pattern in patterns:
        if not any(fnmatch.fnmatch(case.name, pattern) for case in CASES):
            raise LoadError(f"no case named {pattern!r}; --list shows them")
    wanted = [case for case in CASES if any(fnmatch.fnmatch(case.name, p) for p in patterns)]
    groups = {case.group for case in wanted}
    firsts = {case.group: case for case in reversed(CASES) if case.group in groups}
    return [case for case in CASES if case in wanted or case in firsts.values()]


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when every case was measured on every server."""
    given = sys.argv[1:] if arguments is None else arguments
    options = build_parser().parse_args(given)
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        cases = select(options.only)
        if options.list:
            for case in cases:
                console.print(f"{case.name:28} {case.title}", highlight=False)
            return 0
        contenders, versions = find_contenders(options.ours, options.reference, console)
    except LoadError as error:
        print(f"pauses: {error}", file=sys.stderr)
        return 1
    lines: list[Line] = []
    for _, group in itertools.groupby(cases, key=lambda case: case.group):
        together = list(group)
        for contender in contenders:
            for line in measure(contender, together, options):
                lines.append(line)
                console.print(" | ".join(cells(line)), highlight=False)
    lines.sort(key=lambda line: CASES.index(line[0]))
    if options.output:
        command = shlex.join(["python", "-m", "pynats_bench.pauses", *given])
        facts = "\n".join(f"- {name}: {value}" for name, value in [*machine_facts(), *versions])
        rows = "\n".join(f"| {' | '.join(cells(line))} |" for line in lines)
        rule = " | ".join(["---", "---", *["---:"] * 6])
        options.output.write_text(
            f"{PAGE}\n{shown_command(command)}\n{facts}\n\n| {HEADING} |\n| {rule} |\n{rows}\n"
        )
    return 1 if any(isinstance(line[2], str) for line in lines) else 0


PAGE = """\
# Pauses

How long a small request of one account waits while a client of *another* account does what each
line says. The waiting client is a process of its own that asks about every millisecond: PING, where
the line does not name another request. Servers with default limits but for large payloads; the
cases of a group share a server and what earlier ones did to it. Written by the command:
"""

if __name__ == "__main__":
    sys.exit(main())
