"""Operators and resolvers in configurations: accepted or refused as by the real server, by its
check and at a start, in its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.config.check import NAME, check_verdict, complaints, ours, theirs
from tests.conformance.config.test_start_failures_against_reference import last_line
from tests.conformance.jwt import differences
from tests.conformance.jwt.configurations import CASES, FILES, filled
from tests.conformance.jwt.world import SYS
from tests.support.process import PYNATS, REFERENCE, ServerFailed, ServerProcess
from tests.support.records import Recorded

# Which of those that pass the check are started; the others are like them.
STARTED = [
    "operator: good", "operator: two", "operator: of OP_FUTURE", "operator: of OP_VERSION",
    "operator: of OP_EARLY", "operator: no resolver", "operator: a resolver and nobody trusted",
    "operator: a key trusted", "operator: with accounts", "operator: with a user",
    "operator: with users", "operator: with keys", "operator: with a user for nobody",
    "operator: with a callout", "operator: with an empty authorization",
    "system account: not preloaded", "system account: the operator's, not preloaded",
    "system account: the operator's", "system account: expired", "system account: foreign",
    "system account: of no operator", "resolver: full", "resolver: full in a file",
    "resolver: full below a file", "resolver: full without a system account",
    "resolver: cache", "resolver: URL", "preload: expired", "preload: foreign",
    "preload: with an invalid mapping", "other: pinned", "other: sentinel",
    "other: sentinel that is no bearer", "other: sentinel that has expired",
    "other: sentinel without an operator",
]  # fmt: skip

# Last words that are other ones.
STARTS_OTHERWISE = {
    "operator: no resolver": "operators require an account resolver to be configured",
    "system account: of no operator":
        f'error resolving system account: "{SYS.public_key}" is not among the accounts',
    "resolver: full in a file": "dir needs to point to an accessible directory",
    "resolver: URL":
        'could not fetch <"http://127.0.0.1:1/jwt/v1/accounts/">: connection refused',
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(filled(text))
    return tmp_path


def by_lines(output: str) -> list[str]:
    """Complaints without columns: the real server gives some as 0."""
    return [re.sub(r"^(a\.conf:\d+):\d+:", r"\1:", line) for line in complaints(output)]


@pytest.mark.parametrize("case", CASES)
def test_check(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    if case in differences.REFUSED_AT_START:
        (folder / NAME).write_text(filled(CASES[case]))
        assert (theirs(recorded, folder)[0], ours(folder, monkeypatch)[0]) == (1, 0)
        return
    words = differences.REFUSED_AT_ONCE.get(case) or differences.OTHER_WORDS.get(case)
    if words is None:
        check_verdict(filled(CASES[case]), folder, monkeypatch, recorded, by_lines)
        return
    (folder / NAME).write_text(filled(CASES[case]))
    expected, _ = theirs(recorded, folder)
    assert expected == (0 if case in differences.REFUSED_AT_ONCE else 1)
    code, output = ours(folder, monkeypatch)
    assert code == 1
    assert words in output and "a.conf:" in output


def started(kind: str, folder: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The last words of a server that does not start, or that it does."""
    monkeypatch.chdir(folder)
    try:
        with ServerProcess(kind, folder / kind, filled(CASES[case])):
            return "starts"
    except ServerFailed as failed:
        words = last_line(str(failed).rstrip())
        return re.sub(r"^(\[FTL\] |\S+/server\.conf:\d+:\d+: )", "", words)


@pytest.mark.parametrize("case", STARTED)
def test_start(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    expected = recorded.of(lambda: started(REFERENCE, folder, case, monkeypatch))
    told = started(PYNATS, folder, case, monkeypatch)
    assert told == STARTS_OTHERWISE.get(case, expected)
