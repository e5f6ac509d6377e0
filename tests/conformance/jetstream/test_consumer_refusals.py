"""Property: a request about consumers that is answered by an error has changed nothing, neither
positions nor configurations nor files; whatever its name collides with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.jetstream.case import API
from tests.support.client import Client
from tests.support.fuzzing import examples
from tests.support.process import ServerProcess

SECOND = 1_000_000_000
STREAMS: list[dict[str, Any]] = [
    {"name": "PLAIN", "subjects": ["plain.>"], "max_consumers": 4},
    {"name": "MEMORY", "subjects": ["memory.>"], "storage": "memory"},
    {"name": "WORK", "subjects": ["work.>"], "retention": "workqueue"},
]
# Of each stream; `pulled` has got two messages and acknowledged one of them.
CONSUMERS: list[dict[str, Any]] = [
    {"durable_name": "pulled", "ack_policy": "explicit", "filter_subject": "{}.0",
     "ack_wait": 10**13},
    {"durable_name": "pinned", "ack_policy": "explicit", "filter_subject": "{}.1",
     "priority_groups": ["g"], "priority_policy": "pinned_client"},
    {"durable_name": "pushed", "ack_policy": "explicit", "filter_subject": "{}.2",
     "deliver_subject": "in"},
]  # fmt: skip
NAMES = ["pulled", "pinned", "pushed", "new", "other"]
VERBS = [
    "CREATE", "CREATE", "CREATE", "DURABLE.CREATE", "INFO", "DELETE", "PAUSE", "UNPIN", "RESET",
    "LEADER.STEPDOWN", "PEER.REMOVE",
]  # fmt: skip

subjects = st.sampled_from(["plain.0", "work.>", "memory.*", ">", "a..b", "", "in", "a b"])
numbers = st.sampled_from([-2, -1, 0, 1, 2, 5, 100, SECOND, 2**31, 2**63 - 1, 2**63, 1.5])
fields: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from([*NAMES, "a.b"]),
    "durable_name": st.sampled_from([*NAMES, "a.b"]),
    "deliver_policy": st.sampled_from(["all", "new", "last", "by_start_sequence", "never"]),
    "ack_policy": st.sampled_from(["none", "all", "explicit", "flow_control", "maybe"]),
    "replay_policy": st.sampled_from(["instant", "original", ""]),
    "filter_subject": subjects,
    "filter_subjects": st.lists(subjects, max_size=3),
    "deliver_subject": subjects,
    "backoff": st.lists(numbers, max_size=3),
    "sample_freq": st.sampled_from(["50%", "x", ""]),
    "pause_until": st.sampled_from(["2099-01-01T00:00:00Z", "now"]),
    "priority_groups": st.lists(st.sampled_from(["g", "h", "", "a b"]), max_size=2),
    "priority_policy": st.sampled_from(["overflow", "pinned_client", "none", "first"]),
    "mem_storage": st.booleans(),
    "headers_only": st.booleans(),
    "flow_control": st.booleans(),
    "direct": st.booleans(),
    "colour": st.just("red"),
    **dict.fromkeys(
        ("ack_wait", "max_deliver", "max_waiting", "max_ack_pending", "opt_start_seq", "max_batch",
         "max_expires", "idle_heartbeat", "inactive_threshold", "num_replicas", "rate_limit_bps"),
        numbers,
    ),
}  # fmt: skip
configs = st.lists(st.sampled_from(sorted(fields)), max_size=5, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: fields[name] for name in names})
)
bodies = st.one_of(
    st.sampled_from(
        [b"", b"{", b"[]", b"null", b"x", b"\xff", b'{"group":"g"}', b'{"group":"z"}', b'{"seq":2}',
         b'{"seq":-1}', b'{"pause_until":"2099-01-01T00:00:00Z"}', b'{"pause_until":5}']
    ),
    configs.map(lambda config: json.dumps(config).encode()),
)  # fmt: skip
requests = st.tuples(
    st.sampled_from(VERBS), st.sampled_from([s["name"] for s in STREAMS] + ["NONE"]),
    st.sampled_from(NAMES), configs, st.sampled_from(["", "create", "update", "destroy"]),
    bodies, st.booleans(),
)  # fmt: skip


@pytest.fixture(scope="module")
def server(
    kind_under_test: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("refusals")
    flags = ("-js", "-sd", str(folder / "store"))
    with ServerProcess(kind_under_test, folder, flags=flags) as made:
        yield made


def api(client: Client, verb: str, body: bytes | dict[str, Any] = b"") -> Any:
    """The reply as JSON; None where nobody answers."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    silent = verb.startswith("CONSUMER.RESET") and not _is_there(client, verb)
    reply = client.request(API + verb, payload, timeout_s=0.05) if silent else None
    if not silent:
        reply = client.request(API + verb, payload)
        assert reply is not None, verb
    return json.loads(reply.payload) if reply is not None else None


def _is_there(client: Client, verb: str) -> bool:
    return "error" not in api(client, verb.replace("RESET", "INFO"))


def prepare(client: Client) -> None:
    """The streams and consumers as they are meant to be."""
    for name in api(client, "STREAM.NAMES")["streams"] or []:
        api(client, f"STREAM.DELETE.{name}")
    for stream in STREAMS:
        name, prefix = stream["name"], stream["subjects"][0].removesuffix(".>")
        assert "error" not in api(client, f"STREAM.CREATE.{name}", stream)
        for number in range(6):
            assert client.request(f"{prefix}.{number % 3}", b"message") is not None
        for consumer in CONSUMERS:
            config = {**consumer, "filter_subject": consumer["filter_subject"].format(prefix)}
            verb = f"CONSUMER.DURABLE.CREATE.{name}.{config['durable_name']}"
            made = api(client, verb, {"stream_name": name, "config": config})
            assert "error" not in made, made
        sid = client.subscribe(f"pulled.{name}")
        client.publish(f"{API}CONSUMER.MSG.NEXT.{name}.pulled", b"2", b"", f"pulled.{name}")
        first, second = client.next(sid), client.next(sid)
        assert first is not None and second is not None
        assert client.request(first.reply, b"+ACK") is not None
        client.unsubscribe(sid)


def everything(client: Client, folder: Path) -> dict[str, Any]:
    """All that can be asked about consumers, without times of asking and counters, and what is on
    the disk but for states, which are written when there is time."""
    account = api(client, "INFO")
    del account["api"]
    seen: dict[str, Any] = {"account": account}
    for stream in STREAMS:
        name = stream["name"]
        told = api(client, f"CONSUMER.LIST.{name}")
        for consumer in told["consumers"]:
            del consumer["ts"]
            consumer.pop("pause_remaining", None)
        seen[name] = (api(client, f"STREAM.INFO.{name}")["state"], told)
    seen["files"] = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("obs/**/meta.*")
        if path.is_file()
    }
    return seen


@settings(
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(asked=st.lists(requests, min_size=1, max_size=12))
def test_a_refused_request_about_consumers_changes_nothing(
    server: ServerProcess,
    asked: list[tuple[str, str, str, dict[str, Any], str, bytes, bool]],
) -> None:
    with Client(server.port) as client:
        prepare(client)
        before = everything(client, server.folder)
        for verb, stream, name, config, action, body, whole in asked:
            subject = f"CONSUMER.{verb}.{stream}.{name}"
            if "CREATE" in verb and whole:
                put_right = {"durable_name": name} if verb.startswith("DURABLE") else {}
                request = {
                    "stream_name": stream,
                    "config": {**config, **put_right},
                    "action": action,
                }
                body = json.dumps(request).encode()
            reply = api(client, subject, body)
            after = everything(client, server.folder)
            if reply is None or "error" in reply:
                assert after == before, (subject, body, reply)
            before = after
