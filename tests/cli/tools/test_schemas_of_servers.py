"""What servers answer and tell is what its schema says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.reference.schemas import catalog

from tests.cli.conftest import KINDS
from tests.support.deadline import wait_until_async
from tests.support.jetstream import PatientClient, connect
from tests.support.process import ServerProcess

API = "io.nats.jetstream.api.v1."
CONFIG = """
accounts {{
  A {{ users [{{user: a, password: a}}], jetstream: enabled }}
  SYS {{ users [{{user: s, password: s}}] }}
}}
system_account: SYS
jetstream {{ store_dir: "{}" }}
"""
STREAM = {
    "name": "V", "subjects": ["v.>"], "retention": "limits", "max_consumers": -1, "max_msgs": -1,
    "max_bytes": -1, "max_age": 0, "storage": "memory", "num_replicas": 1, "allow_direct": True,
    "metadata": {"a": "b"}, "republish": {"src": ">", "dest": "rr.>"},
    "subject_transform": {"src": "v.t.*", "dest": "v.q.{{wildcard(1)}}"},
}  # fmt: skip
CONSUMER = {
    "durable_name": "C", "ack_policy": "explicit", "deliver_policy": "all",
    "replay_policy": "instant", "max_deliver": 2, "ack_wait": 200_000_000, "sample_freq": "100%",
}  # fmt: skip
PINNED = {
    "name": "P", "durable_name": "P", "ack_policy": "explicit",
    "deliver_policy": "by_start_sequence", "opt_start_seq": 2, "priority_policy": "pinned_client",
    "priority_groups": ["g"], "priority_timeout": 10_000_000_000,
}  # fmt: skip
CALLS: tuple[tuple[str, Any], ...] = (
    ("STREAM.UPDATE.V", {**STREAM, "description": "x"}),
    ("STREAM.CREATE.W", {"name": "W", "sources": [{"name": "V"}], "storage": "memory"}),
    ("STREAM.CREATE.M", {"name": "M", "mirror": {"name": "V"}, "storage": "memory"}),
    ("STREAM.INFO.V", {"deleted_details": True, "subjects_filter": ">"}),
    ("STREAM.INFO.W", None), ("STREAM.INFO.M", None), ("STREAM.INFO.NOPE", None),
    ("STREAM.LIST", None), ("STREAM.NAMES", None), ("STREAM.NAMES", {"subject": "none"}),
    ("STREAM.MSG.GET.V", {"seq": 1}), ("STREAM.MSG.DELETE.V", {"seq": 2}),
    ("CONSUMER.INFO.V.C", None), ("CONSUMER.LIST.V", {"offset": 0}),
    ("CONSUMER.NAMES.V", {"offset": 0}),
    ("CONSUMER.PAUSE.V.C", {"pause_until": "2090-01-01T00:00:00Z"}), ("CONSUMER.PAUSE.V.C", {}),
    ("CONSUMER.UNPIN.V.P", {"group": "g"}), ("INFO", None),
    ("STREAM.SNAPSHOT.V", {"deliver_subject": "snap.x", "no_consumers": True}),
    ("STREAM.LEADER.STEPDOWN.V", {}), ("STREAM.PEER.REMOVE.V", {"peer": "x"}),
    ("CONSUMER.DELETE.V.C", None), ("STREAM.PURGE.V", {"filter": "v.1"}),
    ("STREAM.DELETE.W", None), ("STREAM.DELETE.M", None), ("STREAM.DELETE.V", None),
)  # fmt: skip
ADVISORIES = {
    "io.nats.jetstream.advisory.v1.api_audit", "io.nats.jetstream.advisory.v1.stream_action",
    "io.nats.jetstream.advisory.v1.consumer_action", "io.nats.jetstream.metric.v1.consumer_ack",
    "io.nats.jetstream.advisory.v1.nak", "io.nats.jetstream.advisory.v1.terminated",
    "io.nats.jetstream.advisory.v1.max_deliver", "io.nats.jetstream.advisory.v1.consumer_pause",
    "io.nats.server.advisory.v1.client_connect", "io.nats.server.advisory.v1.client_disconnect",
}  # fmt: skip


class Judge:
    """Checks documents, each against the schema that it names."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.wrong: dict[str, list[str]] = {}

    def check(self, data: bytes, kind: str = "") -> Any:
        document = json.loads(data)
        kind = kind or str(document.get("type"))
        self.seen.add(kind)
        if problems := catalog.problems(kind, document):
            self.wrong[kind] = problems
        return document

    async def hear(self, message: Any) -> None:
        if b'"type":"io.nats.' in message.data.replace(b" ", b""):
            self.check(message.data)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_and_advisories_fit(kind: str, tmp_path: Path) -> None:
    with ServerProcess(kind, tmp_path, CONFIG.format(tmp_path / "store")) as server:
        judge = asyncio.run(_play(f"127.0.0.1:{server.port}"))
    assert judge.wrong == {}
    assert len(judge.seen) >= 30


async def _play(address: str) -> Judge:
    judge = Judge()
    client, system = await connect(f"nats://a:a@{address}"), await connect(f"nats://s:s@{address}")
    try:
        await client.subscribe("$JS.EVENT.>", cb=judge.hear)
        await system.subscribe("$SYS.ACCOUNT.>", cb=judge.hear)
        await system.flush()
        await _calls(client, judge)
        told = await system.request("$SYS.REQ.SERVER.PING.VARZ", b"{}")
        varz = json.dumps(json.loads(told.data)["data"]).encode()
        judge.check(varz, "io.nats.server.monitor.v1.varz")
        await (await connect(f"nats://a:a@{address}")).close()
        await wait_until_async(lambda: judge.seen >= ADVISORIES, "all kinds of advisories")
    finally:
        await client.close()
        await system.close()
    return judge


async def _calls(client: PatientClient, judge: Judge) -> None:
    async def call(subject: str, body: Any) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        judge.check((await client.request(f"$JS.API.{subject}", data)).data)

    await call("STREAM.CREATE.V", STREAM)
    judge.check(json.dumps(STREAM).encode(), f"{API}stream_create_request")
    for number in range(5):
        ack = await client.request(f"v.{number}", b"x")
        judge.check(ack.data, f"{API}pub_ack_response")
    for name, config in (("C", CONSUMER), ("P", PINNED)):
        request = {"stream_name": "V", "config": config}
        judge.check(json.dumps(request).encode(), f"{API}consumer_create_request")
        await call(f"CONSUMER.CREATE.V.{name}", request)
    await _acknowledge(client, judge)
    for subject, body in CALLS:
        await call(subject, body)


async def _acknowledge(client: PatientClient, judge: Judge) -> None:
    """Takes messages and answers them in every way, or not at all."""
    arrived: list[Any] = []

    async def keep(message: Any) -> None:
        arrived.append(message)

    inbox = client.new_inbox()
    await client.subscribe(inbox, cb=keep)
    body = b'{"batch":20,"expires":20000000000}'
    await client.publish("$JS.API.CONSUMER.MSG.NEXT.V.C", body, reply=inbox)
    await wait_until_async(lambda: len(arrived) >= 5, "the messages")
    for message, how in zip(arrived[:3], (b"+ACK", b"-NAK", b"+TERM why"), strict=True):
        await client.publish(message.reply, how)
    often = "io.nats.jetstream.advisory.v1.max_deliver"
    await wait_until_async(lambda: often in judge.seen, "a message that was delivered too often")
