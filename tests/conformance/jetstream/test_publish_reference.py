"""Publishing: the acknowledgements and the stored messages are as recorded of the real server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.conformance.jetstream.publish_rows import ROWS, Api, Pub, PublishRow
from tests.conformance.jetstream.reference import Reference
from tests.conformance.jetstream.shorten import shorten
from tests.support.client import header_block
from tests.support.deadline import wait_until
from tests.support.oracle import Oracle
from tests.support.records import plain


def publish(client: Oracle, row: PublishRow, pub: Pub) -> Any:
    """The PubAck, parsed; None where none is asked for."""
    block = pub.headers if isinstance(pub.headers, bytes) else header_block(pub.headers)
    if not pub.headers:
        block = b""
    subject = f"{row.name}.{pub.subject}".encode()
    if not pub.reply:
        client.send(subject, pub.payload, block)
        return None
    return json.loads(client.request(subject, pub.payload, block))


def call(client: Oracle, row: PublishRow, step: Api, config: dict[str, Any]) -> Any:
    if step.verb in ("UPDATE", "SEAL"):
        changed = {**config, **step.body, "sealed": step.verb == "SEAL"}
        answer = client.api(f"STREAM.UPDATE.{row.name}", **changed)
        return answer.get("error")
    return client.api(f"{step.verb}.{row.name}", **step.body)


def create(client: Oracle, config: dict[str, Any]) -> None:
    """The real server removes files of a deleted stream later, and refuses the name until then."""

    def created() -> bool:
        error = client.api(f"STREAM.CREATE.{config['name']}", **config).get("error")
        assert error is None or error["err_code"] == 10049, error
        return error is None

    wait_until(created, f"stream {config['name']}")


def play(client: Oracle, row: PublishRow, storage: str) -> dict[str, Any]:
    config = {"name": row.name, "subjects": [f"{row.name}.>"], "storage": storage, **row.config}
    create(client, config)
    answers = [
        publish(client, row, step) if isinstance(step, Pub) else call(client, row, step, config)
        for step in row.steps
    ]
    return {"answers": answers, **stored(client, row.name)}


def stored(client: Oracle, name: str) -> dict[str, Any]:
    """The state and the messages of a stream, without times."""
    state = client.api(f"STREAM.INFO.{name}")["state"]
    messages = []
    for seq in range(state["first_seq"], state["last_seq"] + 1):
        found = client.api(f"STREAM.MSG.GET.{name}", seq=seq).get("message")
        if found is not None:
            messages.append(
                (
                    seq,
                    found["subject"],
                    base64.b64decode(found.get("hdrs", "")),
                    base64.b64decode(found.get("data", "")),
                )
            )
    figures = {key: state[key] for key in ("messages", "bytes", "first_seq", "last_seq")}
    return {"state": figures, "messages": messages}


def shown(played: dict[str, Any]) -> Any:
    """What `play` saw, as it stands in a record: bytes as text of as many characters."""
    return shorten(plain(_as_text(played)))


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    return value


@pytest.mark.parametrize("storage", ["memory", "file"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_same_acknowledgements_and_messages(
    row: PublishRow, storage: str, reference: Reference, ours: Oracle
) -> None:
    theirs = reference.of(lambda oracle: shown(play(oracle, row, storage)))
    mine = shown(play(ours, row, storage))
    for step, own, other in zip(row.steps, mine["answers"], theirs["answers"], strict=True):
        assert own == other, step
    assert mine == theirs
