"""Every case: answers equal to the recorded ones of the reference, step by step.

`pytest tests/conformance/jetstream --server-under-test reference` compares the reference with
itself, which shows that a case is fair.
"""

from __future__ import annotations

import json
from collections import Counter
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.jetstream import (
    cases_consumers,
    cases_direct,
    cases_listing,
    cases_messages,
    cases_publish,
    cases_streams,
    cases_system,
)
from tests.conformance.jetstream.case import Case, Step, api, case, create, fill, info, pub
from tests.conformance.jetstream.case_differences import DIFFERENCES, as_ours
from tests.conformance.jetstream.play import NO_REPLY, Player
from tests.conformance.jetstream.servers import GLOBAL_ACCOUNT, accounts, configuration, connect
from tests.conformance.jetstream.shorten import shorten
from tests.support.deadline import wait_until
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded, plain

CASES: list[Case] = [
    *cases_streams.CASES,
    *cases_listing.CASES,
    *cases_consumers.CASES,
    *cases_messages.CASES,
    *cases_direct.CASES,
    *cases_publish.CASES,
    *cases_system.CASES,
]
ACCOUNTS = accounts(CASES)
HOLD = "hold"  # a file among the folders of streams


def test_case_names_are_unique_and_gaps_are_cases() -> None:
    names = Counter(case.name for case in CASES)
    assert [name for name, count in names.items() if count > 1] == []
    assert sorted(DIFFERENCES.keys() - set(names)) == []


@pytest.mark.parametrize("case", [case for case in CASES if not case.restarts], ids=str)
def test_case(
    case: Case,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    theirs = recorded.of(lambda: _play(_shared(reference_servers, case), case))
    ours = _play(_shared(servers_under_test, case), case)
    _compare(case, theirs, ours, servers_under_test.kind)


@pytest.mark.parametrize("case", [case for case in CASES if case.restarts], ids=str)
def test_restart(case: Case, recorded: Recorded, kind_under_test: str, tmp_path: Path) -> None:
    def played(kind: str, place: str) -> list[Any]:
        with ServerProcess(kind, tmp_path / place, _setting(case, [case])) as server:
            return _play(server, case)

    theirs = recorded.of(lambda: played(REFERENCE, "reference"))
    _compare(case, theirs, played(kind_under_test, "ours"), kind_under_test)


def test_a_stream_made_anew_starts_empty(
    kind_under_test: str, servers_under_test: ServerPool
) -> None:
    if kind_under_test != PYNATS:
        pytest.skip("the reference may find messages of the deleted stream")
    steps = [create("ANEW"), *fill(3, "ANEW"), api("STREAM.DELETE.ANEW")]
    whole = case("anew", *steps, create("ANEW"), pub("ANEW"), info("ANEW"))
    server = _shared(servers_under_test, whole)
    with Player(lambda: connect(server.port, GLOBAL_ACCOUNT)) as player:
        answers = player.play(whole)
        player.clean()
    assert answers[-2][0]["payload"] == {"stream": "ANEW", "seq": 1}
    assert answers[-1][0]["payload"]["state"]["messages"] == 1


def _shared(pool: ServerPool, case: Case) -> ServerProcess:
    """The server that all cases with the setting of `case` share."""
    alike = [
        c
        for c in CASES
        if (c.server, c.needs_account) == (case.server, case.needs_account) and not c.restarts
    ]
    name = f"jetstream-{case.server}" + ("-accounts" if case.needs_account else "")
    return pool.get(name, _setting(case, alike))


def _setting(case: Case, alike: list[Case]) -> str:
    return configuration(case.server, [(ACCOUNTS[c.name], c) for c in alike])


def _play(server: ServerProcess, case: Case) -> list[Any]:
    def restart() -> None:
        server.stop()
        server.start()

    account = server.folder / "store" / "jetstream" / ACCOUNTS[case.name]
    if server.kind == REFERENCE and not case.restarts:
        _hold(account)
    with Player(lambda: connect(server.port, ACCOUNTS[case.name]), restart) as player:
        answers: list[Any] = shorten(plain(player.play(case)))
        player.clean()
        _wait_for_removal(account)
        if server.kind == REFERENCE:
            assert NO_REPLY not in json.dumps(answers), (
                "the case itself is wrong, the reference left a request unanswered:\n"
                f"{_story(case, answers)}"
            )
        return answers


def _hold(account: Path) -> None:
    """The reference removes the folder of an account with its last stream, and may do so just
    after the next one was asked for, which it then cannot make: not while something is in there."""
    streams = account / "streams"
    streams.mkdir(parents=True, exist_ok=True)
    (streams / HOLD).touch()


def _wait_for_removal(account: Path) -> None:
    """The reference removes files after its answer, and what it has not removed yet becomes part
    of a new stream of the same name. Names near the file system's limit it never removes."""

    def removed() -> bool:
        names = [path.name for path in account.glob("streams/*")]
        return all(name == HOLD or len(name) >= 240 for name in names)

    wait_until(removed, f"{account} without streams")


def _compare(case: Case, theirs: list[Any], ours: list[Any], kind: str) -> None:
    deviation = DIFFERENCES.get(case.name)
    if deviation is not None and kind == PYNATS:
        theirs = as_ours(theirs, deviation)
    if ours != theirs:
        difference = unified_diff(
            _story(case, theirs).splitlines(),
            _story(case, ours).splitlines(),
            "reference",
            "under test",
            lineterm="",
            n=4,
        )
        pytest.fail(f"{case.name}\n" + "\n".join(difference), pytrace=False)


def _story(case: Case, answers: list[Any]) -> str:
    lines: list[str] = []
    for number, (step, answer) in enumerate(zip(case.steps, answers, strict=True), 1):
        lines.append(f"{number} {_shown(step)}")
        if answer is not None:
            lines.append(json.dumps(answer, indent=1, sort_keys=True))
    return "\n".join(lines)


def _shown(step: Step) -> str:
    return repr(step)[:600]
