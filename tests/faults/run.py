"""Plays cases of the fault matrix.

`python -m tests.faults.run CASE…` shows some, `--sample N` plays N of each kind of work, `--all`
plays every one with some seeds; `--work NAME` only those of a kind.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.kinds import WORKS, Report, parse_case
from tests.faults.matrix import Tally, every, play, sample, shortened


def show(text: str, scratch: Path, shorten: bool) -> None:
    report = play(parse_case(text), scratch)
    if shorten and report.findings:
        report, skip = shortened(report, scratch)
        print("without the operations", sorted(skip))
    print("\n".join(f"  {line}" for line in report.log))
    print(report.case, report.hits, "operations failed", dict(report.counts))
    for finding in report.findings:
        print(finding.code, finding.text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--work", action="append", choices=WORKS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--shorten", action="store_true")
    parser.add_argument("--told", type=int, default=2, help="findings shown of each kind")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="store-sweep-", dir="/dev/shm") as name:
        scratch = Path(name)
        for text in given.cases:
            show(text, scratch, given.shorten)
        if not (given.sample or given.all):
            return
        tally, told = Tally(), Counter[tuple[str, str]]()
        for seed in range(given.seed, given.seed + given.seeds):
            for work in given.work or WORKS:
                plays = every(work, seed, scratch) if given.all else None
                for report in plays or sample(work, seed, given.sample, scratch):
                    tally.add(report)
                    tell(report, told, given.told)
        print(tally.told())
        for (work, code), count in sorted(told.items()):
            print(f"  {work}: {code} {count}")


def tell(report: Report, told: Counter[tuple[str, str]], most: int) -> None:
    for finding in report.findings:
        key = report.case.work, finding.code
        told[key] += 1
        if told[key] <= most:
            print(f"{report.case}\n    {finding.code}: {finding.text[:1200]}", flush=True)


if __name__ == "__main__":
    main()
