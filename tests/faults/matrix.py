"""Which cases there are: every kind of work, form and ending, and every operation that may fail."""

from __future__ import annotations

import errno
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.cases import Runner
from tests.faults.kinds import ENDINGS, KILL, WORKS, Case, Report
from tests.support.faultdisk import FOR_GOOD, SPACE, Fault

KINDS = (
    "open", "write", "short", "sync", "sync_folder", "truncate", "rename", "remove", "make_folder",
    "read", "names", "any",
)  # fmt: skip
FULL_KINDS = (*sorted(SPACE), "short", "sync", "any")
WHILES = (3, 12, 40)
"""After so many operations there is room again."""


def faults(counts: Counter[str]) -> Iterator[Fault]:
    """Every fault that something hits: at every operation of its kind, for once or longer."""
    for kind in KINDS:
        probe = Fault(kind, 1)
        total = sum(count for name, count in counts.items() if probe.covers(name))
        for nth in range(1, total + 1):
            for lasting in (0, FOR_GOOD):
                yield Fault(kind, nth, errno.EIO, lasting)
            if kind in FULL_KINDS:
                for code in (errno.ENOSPC, errno.EDQUOT):
                    for lasting in (0, *WHILES, FOR_GOOD):
                        yield Fault(kind, nth, code, lasting)


@dataclass
class Tally:
    """What was played. `by` counts (work, fault, ending) of faults that happened."""

    cases: int = 0
    hits: int = 0
    by_work: Counter[str] = field(default_factory=Counter)
    by_fault: Counter[str] = field(default_factory=Counter)
    by_ending: Counter[str] = field(default_factory=Counter)
    failures: list[Report] = field(default_factory=list)

    def add(self, report: Report) -> None:
        case, hit = report.case, report.hits > 0
        self.cases += 1
        self.hits += report.hits
        self.by_work[case.work] += hit
        self.by_ending[case.ending] += hit
        if case.fault is not None and hit:
            name = errno.errorcode[case.fault.code]
            self.by_fault[f"{case.fault.kind} {name}"] += 1
        if report.findings:
            self.failures.append(report)

    def merge(self, other: Tally) -> None:
        self.cases += other.cases
        self.hits += other.hits
        self.by_work += other.by_work
        self.by_fault += other.by_fault
        self.by_ending += other.by_ending
        self.failures += other.failures

    def told(self) -> str:
        """The counts, in lines."""
        lines = [
            f"{self.cases} cases, {self.hits} operations failed, {len(self.failures)} findings"
        ]
        for name, counts in (
            ("work", self.by_work), ("fault", self.by_fault), ("ending", self.by_ending),
        ):  # fmt: skip
            parts = ", ".join(f"{key} {count}" for key, count in sorted(counts.items()))
            lines.append(f"  by {name}: {parts}")
        return "\n".join(lines)


def play(case: Case, scratch: Path, skip: frozenset[int] = frozenset()) -> Report:
    """Runs a case in a folder that it leaves empty."""
    root = scratch / "case"
    try:
        return Runner(case, root, skip).run()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def bases(work: str, seed: int) -> Iterator[Case]:
    """The cases of a kind of work without a fault."""
    for form in WORKS[work].forms:
        for stepped in (False, True):
            yield Case(work, form, stepped, None, KILL, seed)


def every(work: str, seed: int, scratch: Path) -> Iterator[Report]:
    """All cases of a kind of work that begin like this."""
    for base in bases(work, seed):
        for ending in ENDINGS:
            first = play(replace(base, ending=ending), scratch)
            yield first
            for fault in faults(first.counts):
                yield play(replace(base, ending=ending, fault=fault), scratch)


def sample(work: str, seed: int, most: int, scratch: Path) -> Iterator[Report]:
    """Some of them, always the same, of each kind of fault alike."""
    chance = random.Random(repr((work, seed)))
    menu: list[tuple[Case, dict[str, list[Fault]]]] = []
    for base in bases(work, seed):
        first = play(base, scratch)
        yield first
        by_kind: dict[str, list[Fault]] = {}
        for fault in faults(first.counts):
            by_kind.setdefault(fault.kind, []).append(fault)
        if by_kind:
            menu.append((base, by_kind))
    for _ in range(most):
        base, by_kind = chance.choice(menu)
        fault = chance.choice(by_kind[chance.choice(sorted(by_kind))])
        yield play(replace(base, ending=chance.choice(ENDINGS), fault=fault), scratch)


def shortened(report: Report, scratch: Path) -> tuple[Report, frozenset[int]]:
    """The same finding with fewer operations, and which of them are left out."""
    skip: frozenset[int] = frozenset()
    code = report.findings[0].code
    tried = True
    while tried:
        tried = False
        for number in range(1, report.operations + 1):
            if number in skip:
                continue
            for case in _nearer(report.case):
                shorter = play(case, scratch, skip | {number})
                if shorter.findings and shorter.findings[0].code == code:
                    report, skip, tried = shorter, skip | {number}, True
                    break
    return report, skip


def _nearer(case: Case) -> Iterator[Case]:
    yield case
    if case.fault is not None:
        for nth in range(case.fault.nth - 1, max(0, case.fault.nth - 4), -1):
            yield replace(case, fault=replace(case.fault, nth=nth))
