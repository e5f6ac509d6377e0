"""Every row, played against ours: the transcript must be the one recorded of the real server.

`pytest tests/conformance/protocol --server-under-test reference` plays the reference instead,
which must say what it said. A row that states `ours` is a difference on purpose, and ours must say
exactly that.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from tests.conformance.protocol import (
    rows_accounts,
    rows_auth,
    rows_connect,
    rows_denied,
    rows_keys,
    rows_routing,
    rows_tracing,
    rows_verbs,
)
from tests.conformance.protocol.configs import CONFIGS
from tests.support.deadline import pause
from tests.support.pool import ServerPool
from tests.support.process import PYNATS
from tests.support.raw import RawClient
from tests.support.records import Recorded
from tests.support.script import AFTER_CLOSE_S, Row, Send, run_row
from tests.support.transcript import TIMED_OUT, parse_transcript, show

ROWS: list[Row] = [
    *rows_verbs.ROWS,
    *rows_connect.ROWS,
    *rows_routing.ROWS,
    *rows_auth.ROWS,
    *rows_keys.ROWS,
    *rows_accounts.ROWS,
    *rows_tracing.ROWS,
    *rows_denied.ROWS,
]

GREETING = "INFO <the greeting>"  # in records of rows; `test_greeting` has it


def test_row_names_are_unique() -> None:
    repeated = [name for name, count in Counter(row.name for row in ROWS).items() if count > 1]
    assert repeated == []


@pytest.mark.parametrize("config", CONFIGS)
def test_greeting(
    config: str,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    expected = recorded.of(lambda: _greeting(reference_servers, config))
    assert _greeting(servers_under_test, config) == expected


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_row(
    case: Row,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    theirs = recorded.of(lambda: _play(reference_servers, case))
    ours = _play(servers_under_test, case)
    assert all(TIMED_OUT not in text for text in theirs.values()), (
        f"the row itself is wrong, the reference left a fence unanswered:\n{_story(theirs)}"
    )
    if case.ours is not None and servers_under_test.kind == PYNATS:
        assert _shown(ours) == case.ours, f"{case.why}\n{_story(ours)}"
        assert _shown(theirs) != case.ours, "no difference any more: the row need not state it"
        return
    assert ours == theirs, (
        f"sent:\n{_sent(case)}\n\nreference:\n{_story(theirs)}\n\nours:\n{_story(ours)}"
    )


def _play(servers: ServerPool, case: Row) -> dict[str, str]:
    """What each connection was told, a line per item."""
    greeting = _greeting(servers, case.config)
    port = servers.get(case.config, CONFIGS[case.config]).port
    texts = {}
    for name, items in run_row(port, case).items():
        lines = [GREETING if line == greeting else line for line in map(show, items)]
        texts[name] = "\n".join(sorted(lines) if case.any_order else lines)
    return texts


@cache
def _greeting(servers: ServerPool, config: str) -> str:
    """What everybody is told who connects."""
    with RawClient(servers.get(config, CONFIGS[config]).port) as client:
        client.read_info()
        client.finish()
        pause(AFTER_CLOSE_S)
        (info,) = parse_transcript(bytes(client.received), client.port)
    return show(info)


def _shown(texts: dict[str, str]) -> dict[str, list[str]]:
    """Without the greeting, as rows write it down."""
    return {name: text.split("\n")[1:] for name, text in texts.items()}


def _sent(case: Row) -> str:
    lines = []
    for step in case.steps:
        text = repr(step.data)[:400] if isinstance(step, Send) else type(step).__name__
        lines.append(f"  {step.conn} > {text}")
    return "\n".join(lines)


def _story(texts: dict[str, str]) -> str:
    return "\n".join(f"  [{name}]\n{text}" for name, text in texts.items())
