"""Operators and resolvers in configurations: accepted or refused as by the real server, by its
check and at a start, in its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.config.check import check_verdict
from tests.conformance.config.test_start_failures_against_reference import last_line
from tests.conformance.jwt.configurations import CASES, FILES, filled
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
_KEY = re.compile(r"\b[A-Z2-7]{56}\b")
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(filled(text))
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_check(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(filled(CASES[case]), folder, monkeypatch, recorded)


def started(kind: str, folder: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The last words of a server that does not start, or that it does."""
    monkeypatch.chdir(folder)
    try:
        with ServerProcess(kind, folder / kind, filled(CASES[case])):
            return "starts"
    except ServerFailed as failed:
        return last_line(str(failed).rstrip()).replace(str(folder / kind), "@FOLDER@")


@pytest.mark.parametrize("case", STARTED)
def test_start(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    expected = recorded.of(lambda: started(REFERENCE, folder, case, monkeypatch))
    assert started(PYNATS, folder, case, monkeypatch) == expected
