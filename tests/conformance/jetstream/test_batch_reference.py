"""Atomic and fast batches against the real server: what is answered, and what is kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.jetstream.batch_cases import CASES, BatchCase, Configure, Part, whole
from tests.conformance.jetstream.reference import reference_server
from tests.conformance.jetstream.shorten import shorten
from tests.support.client import INBOX, Client, header_lines
from tests.support.deadline import wait_until
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, ServerProcess
from tests.support.records import Recorded, plain

STREAM = "B"
ADVISORY = f"$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.{STREAM}"
QUIET_S = 0.2
INBOX_SID = 1
FENCE = b"NATS/1.0\r\nNats-Batch-Id: fence\r\nNats-Batch-Sequence: 2\r\n\r\n"


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("batches")
    with ServerProcess(PYNATS, folder, flags=("-js", "-sd", str(folder / "store"))) as server:
        yield server


def api(client: Client, subject: str, request: Any = None) -> dict[str, Any]:
    reply = client.request(f"$JS.API.{subject}", json.dumps(request).encode() if request else b"")
    assert reply is not None, subject
    answer: dict[str, Any] = json.loads(reply.payload)
    return answer


def settings(case: dict[str, Any]) -> dict[str, Any]:
    return {"name": STREAM, "subjects": ["s.>"], **case}


def block(part: Part) -> bytes:
    if not part.headers:
        return b""
    return header_lines(f"{name}: {value}" for name, value in part.headers)


def shown(payload: bytes) -> Any:
    return json.loads(payload) if payload else ""


def answers(client: Client, parts: list[Part], no_ack: bool, least: int = 0) -> list[Any]:
    """What comes back for some messages: up to the answer to one more, which starts a batch in
    its middle and so is refused without any trace. That answer does not wait for the disk, so it
    may overtake others, of which there are `least` in all."""
    for part in parts:
        reply = f"{INBOX}.{part.reply}" if part.reply else ""
        client.publish(part.subject, part.payload, block(part), reply)
    found = []
    if no_ack:
        client.flush()
        while (message := client.next(INBOX_SID, QUIET_S)) is not None:
            found.append((message.subject, shown(message.payload)))
        return found
    fence = client.inbox()
    client.publish("s.fence", b"", FENCE, fence)
    while (message := client.next(INBOX_SID)) is not None and message.subject != fence:
        found.append((message.subject, shown(message.payload)))
    assert message is not None, "no answer to the last message"
    while len(found) < least and (message := client.next(INBOX_SID)) is not None:
        found.append((message.subject, shown(message.payload)))
    return found


def stored(client: Client) -> list[Any]:
    state = api(client, f"STREAM.INFO.{STREAM}")["state"]
    found: list[Any] = [state["messages"], state["bytes"], state["first_seq"], state["last_seq"]]
    for seq in range(max(state["first_seq"], 1), state["last_seq"] + 1):
        answer = api(client, f"STREAM.MSG.GET.{STREAM}", {"seq": seq})
        message = answer.get("message")
        if message is None:
            found.append((seq, answer["error"]["err_code"]))
        else:
            headers = base64.b64decode(message.get("hdrs", "")).decode()
            found.append((seq, message["subject"], headers, message.get("data")))
    return found


def play(
    port: int, case: BatchCase, quiet_s: float, expected: list[list[Any]] | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Answers, advisories and what is stored. More advisories than the case speaks of are waited
    for until there was none for `quiet_s` seconds. As many answers are waited for as `expected`
    has for each step."""
    with Client(port) as client:
        api(client, f"STREAM.DELETE.{STREAM}")
        created = api(client, f"STREAM.CREATE.{STREAM}", settings(case.config))
        assert "error" not in created, created
        advisories = client.subscribe(ADVISORY)
        client.flush()
        no_ack = bool(case.config.get("no_ack"))
        heard: list[Any] = []
        for step in case.steps:
            if isinstance(step, Configure):
                updated = api(client, f"STREAM.UPDATE.{STREAM}", settings(step.config))
                assert "error" not in updated, updated
            else:
                parts = step if isinstance(step, list) else [step]
                least = len(expected[len(heard)]) if expected else 0
                heard.append(answers(client, parts, no_ack, least))
        kept = stored(client)
        events = []
        while (event := client.next(advisories, quiet_s)) is not None or (
            len(events) < case.advisories and (event := client.next(advisories)) is not None
        ):
            body = json.loads(event.payload)
            events.append(
                (event.subject, body["type"], body["stream"], body["batch"], body["reason"])
            )
        api(client, f"STREAM.DELETE.{STREAM}")
        return heard, events, kept


@pytest.mark.parametrize("case", CASES, ids=str)
def test_batches_as_the_reference(
    case: BatchCase, recorded: Recorded, reference_servers: ServerPool, own_server: ServerProcess
) -> None:
    def ask() -> Any:
        return shorten(plain(play(reference_server(reference_servers).port, case, QUIET_S)))

    expected = recorded.of(ask)
    # Ours tells what it tells before it answers what is asked next.
    assert shorten(plain(play(own_server.port, case, 0, expected[0]))) == expected


def copies(port: int) -> list[Any]:
    """The headers of a batch's messages in a mirror and in a stream that sources it."""
    with Client(port) as client:
        for name in ("M", "S", STREAM):
            api(client, f"STREAM.DELETE.{name}")
        api(client, f"STREAM.CREATE.{STREAM}", settings({"allow_atomic": True}))
        api(client, "STREAM.CREATE.M", {"name": "M", "mirror": {"name": STREAM}})
        api(client, "STREAM.CREATE.S", {"name": "S", "sources": [{"name": STREAM}]})
        answers(client, whole("x", 3, payload=b"p"), False)
        found = []
        for name in ("M", "S"):
            wait_until(
                lambda name=name: api(client, f"STREAM.INFO.{name}")["state"]["messages"] == 3,
                f"{name} has everything",
            )
            for seq in (1, 2, 3):
                message = api(client, f"STREAM.MSG.GET.{name}", {"seq": seq})["message"]
                headers = base64.b64decode(message.get("hdrs", "")).decode()
                found.append((name, headers.rpartition(" ")[0], message["data"]))
        for name in ("M", "S", STREAM):
            api(client, f"STREAM.DELETE.{name}")
        return found


def test_copies_lose_the_headers_of_batches(
    recorded: Recorded, reference_servers: ServerPool, own_server: ServerProcess
) -> None:
    expected = recorded.of(lambda: copies(reference_server(reference_servers).port))
    assert plain(copies(own_server.port)) == expected
    assert not any("Batch" in headers for _, headers, _ in expected)
