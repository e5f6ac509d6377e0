"""Every row, against both servers: the transcripts must be equal.

`pytest tests/conformance/protocol --server-under-test reference` compares the reference with
itself. A row that states `ours` is a difference on purpose and is checked against that instead.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.conformance.protocol import (
    rows_accounts,
    rows_auth,
    rows_connect,
    rows_routing,
    rows_verbs,
)
from tests.conformance.protocol.configs import CONFIGS
from tests.support.pool import ServerPool
from tests.support.process import PYNATS
from tests.support.script import Row, Send, run_row
from tests.support.transcript import TIMED_OUT, Item, render

ROWS: list[Row] = [
    *rows_verbs.ROWS,
    *rows_connect.ROWS,
    *rows_routing.ROWS,
    *rows_auth.ROWS,
    *rows_accounts.ROWS,
]

pytestmark = pytest.mark.reference


def test_row_names_are_unique() -> None:
    repeated = [name for name, count in Counter(row.name for row in ROWS).items() if count > 1]
    assert repeated == []


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_row(case: Row, reference_servers: ServerPool, servers_under_test: ServerPool) -> None:
    config = CONFIGS[case.config]
    theirs = run_row(reference_servers.get(case.config, config).port, case)
    ours = run_row(servers_under_test.get(case.config, config).port, case)
    assert all(TIMED_OUT not in items for items in theirs.values()), (
        f"the row itself is wrong, the reference left a fence unanswered:\n{_story(case, theirs)}"
    )
    if case.ours is not None and servers_under_test.kind == PYNATS:
        assert _shown(ours) == case.ours, f"{case.why}\n{_story(case, ours)}"
        return
    if case.any_order:
        theirs, ours = _sorted(theirs), _sorted(ours)
    assert ours == theirs, (
        f"sent:\n{_sent(case)}\n\nreference:\n{_story(case, theirs)}\n\nours:\n{_story(case, ours)}"
    )


def _sorted(transcripts: dict[str, list[Item]]) -> dict[str, list[Item]]:
    return {name: sorted(items, key=json.dumps) for name, items in transcripts.items()}


def _shown(transcripts: dict[str, list[Item]]) -> dict[str, list[str]]:
    """Without the greeting, as rows write it down."""
    return {
        name: [item if isinstance(item, str) else json.dumps(item) for item in items[1:]]
        for name, items in transcripts.items()
    }


def _sent(case: Row) -> str:
    lines = []
    for step in case.steps:
        text = repr(step.data)[:400] if isinstance(step, Send) else type(step).__name__
        lines.append(f"  {step.conn} > {text}")
    return "\n".join(lines)


def _story(case: Row, transcripts: dict[str, list[Item]]) -> str:
    return "\n".join(f"  [{name}]\n{render(items)}" for name, items in transcripts.items())
