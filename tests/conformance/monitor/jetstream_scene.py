"""The same streams on both servers, made through the API."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.monitor.scene import ask
from tests.support.client import Client
from tests.support.deadline import wait_until
from tests.support.process import ServerProcess

HOUR = 3600 * 1_000_000_000
LASTING = {"inactive_threshold": HOUR}

# Everything that monitoring shows of the configuration.
CONFIG = """
server_name: "scene"
jetstream {
  store_dir: "@FOLDER@/store", max_mem: 100M, max_file: 1G, domain: hub, sync: always,
  unique_tag: "az:"
  limits {
    max_ack_pending: 7, max_ha_assets: 3, max_request_batch: 9, duplicate_window: "5m"
    default_max_consumers: 11
    batch { max_inflight_per_stream: 1, max_inflight_total: 2, max_msgs: 3, timeout: "1s" }
  }
}
"""
# As little as possible; the real server syncs every two minutes by itself, ours when told so.
PLAIN_CONFIG = """
server_name: "scene"
jetstream { store_dir: "@FOLDER@/store", max_mem: 10M, max_file: 10M, strict: false, sync: "2m" }
"""


def api(client: Client, request: str, **body: Any) -> dict[str, Any]:
    """The answer of one JetStream API request."""
    reply = client.request(f"$JS.API.{request}", json.dumps(body).encode() if body else b"")
    assert reply is not None, request
    answer: dict[str, Any] = json.loads(reply.payload)
    return answer


def create(client: Client, name: str, **config: Any) -> None:
    answer = api(client, f"STREAM.CREATE.{name}", name=name, **config)
    assert "error" not in answer, answer


def build(server: ServerProcess) -> None:
    """Streams on disk and in memory with messages and consumers, a deletion, and a request that
    fails."""
    with Client(server.port) as client:
        create(client, "DISK", subjects=["disk.>"], max_bytes=1_000_000, metadata={"a": "b"})
        create(client, "MEMORY", subjects=["memory.*"], storage="memory", max_bytes=5000)
        create(client, "EMPTY", subjects=["empty"], description="<&>", allow_direct=True)
        for index in range(5):
            for subject in ("disk.x.", "memory."):
                client.request(f"{subject}{index % 3}", b"x" * index)
        assert "error" not in api(client, "STREAM.MSG.DELETE.DISK", seq=3)
        consume(client)
        assert "error" in api(client, "STREAM.INFO.NOPE")


def consume(client: Client) -> None:
    """Consumers that show all there is to show, and one such as mirrors have, which is hidden."""
    far = "2099-01-01T00:00:00Z"
    reader = {"durable_name": "reader", "ack_policy": "explicit", "metadata": {"a": "b"}}
    for stream, config in (
        ("DISK", {**reader, "filter_subject": "disk.x.1", "description": "<&>"}),
        ("DISK", {"name": "asleep", "pause_until": far, **LASTING}),
        ("DISK", {"name": "hidden", "direct": True, "deliver_subject": "in", **LASTING}),
        ("MEMORY", {**reader, "priority_groups": ["g"], "priority_policy": "overflow"}),
    ):
        name = config.get("name", "reader")
        answer = api(
            client, f"CONSUMER.CREATE.{stream}.{name}" + _filter(config),
            stream_name=stream, config=config,
        )  # fmt: skip
        assert "error" not in answer, answer
    sid = client.subscribe("pulled")
    client.publish("$JS.API.CONSUMER.MSG.NEXT.DISK.reader", b"1", b"", "pulled")
    delivered = client.next(sid)
    assert delivered is not None and delivered.reply
    assert client.request(delivered.reply, b"+ACK") is not None


def _filter(config: dict[str, Any]) -> str:
    return f".{config['filter_subject']}" if "filter_subject" in config else ""


def follow(server: ServerProcess) -> None:
    """A mirror and a stream with sources that have taken everything over, and a mirror of what
    is not there."""
    with Client(server.port) as client:
        create(client, "MIRROR", mirror={"name": "MEMORY", "filter_subject": "memory.1"})
        create(client, "SOURCED", sources=[{"name": "DISK"}, {"name": "MEMORY"}])
        create(client, "LONELY", mirror={"name": "NOPE"})

    def settled() -> bool:
        (account,) = ask(server, "/jsz?streams=1&config=1").json()["account_details"]
        streams = {s["name"]: s for s in account["stream_detail"]}
        copied = [streams[name]["state"]["messages"] for name in ("MIRROR", "SOURCED")]
        # The real server hears only after a moment that an origin is not there.
        return copied == [2, 9] and "error" in streams["LONELY"]["mirror"]

    wait_until(settled, "the followers caught up")
