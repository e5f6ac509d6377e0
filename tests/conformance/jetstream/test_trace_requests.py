"""Messages that ask for a trace, at streams and at the API, as the real server was recorded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.jetstream.reference import Reference
from tests.support.oracle import Oracle

_DEST = b"NATS/1.0\r\nNats-Trace-Dest: trace.here\r\n"
_ONLY = _DEST + b"Nats-Trace-Only: true\r\n\r\n"
_BLOCKS = {
    "only": _ONLY,
    "only-in-a-batch": _ONLY[:-2] + b"Nats-Batch-Id: b\r\nNats-Batch-Sequence: 1\r\n\r\n",
    "only-with-an-id": _ONLY[:-2] + b"Nats-Msg-Id: 1\r\n\r\n",
    "not-only": _DEST + b"Nats-Trace-Only: no\r\n\r\n",
}


def _stored(client: Oracle, name: str) -> dict[str, Any]:
    """The stream after a message with this block, then one with the same id without a trace. Where
    the first has an answer, it is taken for that of the second."""
    client.create("S", subjects=["s"], allow_atomic=True)
    client.send(b"s", b"traced", _BLOCKS[name], reply=name in ("only", "only-with-an-id"))
    ack = client.request(b"s", b"plain", b"NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n").decode()
    return {"ack": ack, "messages": client.api("STREAM.INFO.S")["state"]["messages"]}


@pytest.mark.parametrize("name", list(_BLOCKS))
def test_a_message_that_is_only_traced_is_not_stored(
    name: str, ours: Oracle, reference: Reference
) -> None:
    expected = reference.of(lambda client: _stored(client, name))
    assert _stored(ours, name) == expected


def test_the_api_does_not_see_a_request_that_is_only_traced(
    ours: Oracle, reference: Reference
) -> None:
    def answer(client: Oracle) -> str:
        return client.request(b"$JS.API.STREAM.NAMES", b"", _ONLY).decode()

    assert answer(ours) == reference.of(answer)
