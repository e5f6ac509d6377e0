"""Property: a request that is answered by an error has changed nothing.

Random requests, mostly nearly right ones, go to an account with streams of several kinds. Before
and after each refused one, everything that can be asked about the account must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.jetstream.case import API
from tests.support.client import Client, header_block
from tests.support.fuzzing import examples
from tests.support.process import ServerProcess

STREAMS: list[dict[str, Any]] = [
    {"name": "PLAIN", "subjects": ["plain.>"], "allow_direct": True},
    {"name": "MEMORY", "subjects": ["memory.>"], "storage": "memory", "max_msgs_per_subject": 2},
    {"name": "FULL", "subjects": ["full.>"], "max_msgs": 3, "discard": "new"},
    {"name": "SEALED", "subjects": ["sealed.>"]},
    {"name": "KEPT", "subjects": ["kept.>"], "deny_delete": True, "deny_purge": True},
    {"name": "WORK", "subjects": ["work.>"], "retention": "workqueue", "max_msg_size": 10},
]
NAMES = [*(stream["name"] for stream in STREAMS), "NEW", "OTHER", "a>b"]
VERBS = [
    "STREAM.CREATE", "STREAM.UPDATE", "STREAM.INFO", "STREAM.PURGE", "STREAM.DELETE",
    "STREAM.MSG.GET", "STREAM.MSG.DELETE", "STREAM.SNAPSHOT", "STREAM.RESTORE",
    "STREAM.LEADER.STEPDOWN", "STREAM.PEER.REMOVE", "STREAM.NOTHING", "DIRECT.GET",
]  # fmt: skip

numbers = st.sampled_from([-2, -1, 0, 1, 2, 5, 100, 10**9, 2**31, 2**63 - 1, 2**63, 2**64, 1.5])
subjects = st.sampled_from(
    ["plain.a", "plain.>", "memory.*", ">", "a..b", "", "new.>", "$JS.API.>", "full.a", "a b", "*"]
)
NUMERIC = (
    "max_msgs", "max_bytes", "max_age", "max_msg_size", "max_msgs_per_subject", "num_replicas",
    "duplicate_window", "first_seq", "seq", "keep", "offset", "batch",
)  # fmt: skip
fields: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(NAMES),
    "subjects": st.lists(subjects, max_size=3),
    "subject": subjects,
    "retention": st.sampled_from(["limits", "interest", "workqueue", "never"]),
    "discard": st.sampled_from(["old", "new", "none"]),
    "storage": st.sampled_from(["file", "memory", "tape"]),
    "compression": st.sampled_from(["none", "s2", "zip"]),
    "sealed": st.booleans(),
    "deny_purge": st.booleans(),
    "deny_delete": st.booleans(),
    "allow_direct": st.booleans(),
    "allow_rollup_hdrs": st.booleans(),
    "discard_new_per_subject": st.booleans(),
    "no_erase": st.booleans(),
    "filter": subjects,
    "last_by_subj": subjects,
    "next_by_subj": subjects,
    "start_time": st.sampled_from(["2020-01-01T00:00:00Z", "now", None]),
    "republish": st.fixed_dictionaries({"src": subjects, "dest": subjects}),
    "subject_transform": st.fixed_dictionaries({"src": subjects, "dest": subjects}),
    "mirror": st.fixed_dictionaries({"name": st.sampled_from(NAMES)}),
    "placement": st.just({"cluster": "here"}),
    "colour": st.just("red"),
    "state": st.just({}),
    "config": st.just({"name": "NEW"}),
    "deliver_subject": st.just("deliver.here"),
    **dict.fromkeys(NUMERIC, numbers),
}  # fmt: skip
bodies = st.one_of(
    st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True)
    .flatmap(lambda names: st.fixed_dictionaries({name: fields[name] for name in names}))
    .map(lambda body: json.dumps(body).encode()),
    st.sampled_from([b"", b"{", b"[]", b"null", b"x", b"\xff"]),
)
own_names = st.booleans()  # whether the body's name is put right
expectations = st.dictionaries(
    st.sampled_from(
        [
            "Nats-Expected-Stream", "Nats-Expected-Last-Sequence", "Nats-Expected-Last-Msg-Id",
            "Nats-Expected-Last-Subject-Sequence", "Nats-Rollup", "Nats-TTL", "Nats-Msg-Id",
        ]
    ),
    st.sampled_from(["0", "1", "3", "PLAIN", "id1", "all", "sub", "10s", "x", ""]),
    max_size=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def client(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("refusals")
    flags = ("-js", "-sd", str(folder / "store"))
    with ServerProcess(kind_under_test, folder, flags=flags) as server, Client(server.port) as made:
        yield made


def ask(client: Client, subject: str, body: bytes = b"", headers: bytes = b"") -> Any:
    """The reply as JSON; None for one that is none."""
    reply = client.request(subject, body, headers)
    assert reply is not None, subject
    return json.loads(reply.payload) if reply.payload.startswith(b"{") else None


def api(client: Client, verb: str, **body: Any) -> Any:
    return ask(client, API + verb, json.dumps(body).encode() if body else b"")


def prepare(client: Client) -> None:
    """The streams as they are meant to be; what is in order stays."""
    for name in api(client, "STREAM.NAMES")["streams"] or []:
        api(client, f"STREAM.DELETE.{name}")
    for config in STREAMS:
        made = api(client, f"STREAM.CREATE.{config['name']}", **config)
        assert "error" not in made, made
        prefix = config["subjects"][0].removesuffix(">")
        for number in range(3):
            headers = header_block({"Nats-Msg-Id": f"id{number}"})
            ask(client, f"{prefix}{number % 2}", b"message", headers)
    sealed = next(config for config in STREAMS if config["name"] == "SEALED")
    assert "error" not in api(client, "STREAM.UPDATE.SEALED", **{**sealed, "sealed": True})


def everything(client: Client) -> dict[str, Any]:
    """All that can be asked about the account, without times of asking and counters."""
    account = api(client, "INFO")
    del account["api"]
    seen: dict[str, Any] = {"account": account}
    for name in api(client, "STREAM.NAMES")["streams"] or []:
        info = api(client, f"STREAM.INFO.{name}", deleted_details=True, subjects_filter=">")
        del info["ts"]
        messages = []
        seq = 1
        while True:
            got = api(client, f"STREAM.MSG.GET.{name}", seq=seq, next_by_subj=">")
            if "message" not in got:
                break
            messages.append(got["message"])
            seq = got["message"]["seq"] + 1
        seen[name] = (info, messages)
    return seen


def named(body: bytes, name: str) -> bytes:
    """The body with the name that the subject has."""
    try:
        decoded = json.loads(body)
    except ValueError:
        return body
    return json.dumps({**decoded, "name": name}).encode() if isinstance(decoded, dict) else body


slowly = settings(
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@slowly
@given(
    requests=st.lists(
        st.tuples(st.sampled_from(VERBS), st.sampled_from(NAMES), bodies, own_names),
        min_size=1,
        max_size=8,
    )
)
def test_a_refused_request_changes_nothing(
    client: Client, requests: list[tuple[str, str, bytes, bool]]
) -> None:
    prepare(client)
    before = everything(client)
    for verb, name, body, own_name in requests:
        if own_name and verb in ("STREAM.CREATE", "STREAM.UPDATE"):
            body = named(body, name)
        subject = f"{API}{verb}.{name}"
        if verb == "STREAM.NOTHING":  # nobody answers; what follows shows that nothing came of it
            client.publish(subject, body)
            reply = {"error": None}
        else:
            reply = ask(client, subject, body)
        after = everything(client)
        if reply is None or "error" in reply:
            assert after == before, (subject, body, reply)
        before = after


@slowly
@given(
    messages=st.lists(
        st.tuples(
            st.sampled_from(["plain.0", "memory.0", "full.0", "sealed.0", "kept.1", "work.9"]),
            st.sampled_from([b"", b"short", b"longer than ten"]),
            expectations,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_refused_message_changes_nothing(
    client: Client, messages: list[tuple[str, bytes, dict[str, str]]]
) -> None:
    prepare(client)
    before = everything(client)
    for subject, payload, headers in messages:
        reply = ask(client, subject, payload, header_block(headers) if headers else b"")
        after = everything(client)
        if reply is None or "error" in reply:
            assert after == before, (subject, payload, headers, reply)
        before = after
