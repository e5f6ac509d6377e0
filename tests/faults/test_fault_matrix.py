"""Whatever operation of the disk fails, in whatever work: what was acknowledged is there, what was
refused has not happened, and a full disk stops nothing for good.

A part of all cases is played here, always the same one, and every one of them by `make fuzz`;
`python -m tests.faults.run` plays single ones and counts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kinds import WORKS
from tests.faults.known import KNOWN
from tests.faults.matrix import Tally, every, sample
from tests.support.fuzzing import FUZZING, examples

CASES = 40  # of each kind of work
SHOWN = 5


@pytest.mark.parametrize("work", WORKS)
def test_no_fault_breaks_a_promise(scratch: Path, work: str) -> None:
    tally = Tally()
    for report in every(work, 0, scratch) if FUZZING else sample(work, 0, examples(CASES), scratch):
        tally.add(report)
    print(tally.told())
    assert tally.hits > CASES // 4 and set(tally.by_ending) == {"close", "kill", "power"}
    codes = {finding.code for report in tally.failures for finding in report.findings}
    known = {code for code, (_, works) in KNOWN.items() if work in works.split(", ")}
    shown = [
        f"{report.case}\n    {finding.code}: {finding.text}"
        for report in tally.failures
        for finding in report.findings
        if finding.code not in known
    ]
    assert not shown, "\n".join(shown[:SHOWN])
    if not FUZZING:
        assert codes == known, f"these hold now: {known - codes}"
