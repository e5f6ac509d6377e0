"""Publishing to and reading from streams."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import THE_REAL_ONE, Cli
from tests.support import jetstream

# Ours has no consumers yet.
CONSUMERS = pytest.mark.parametrize("stream_server", [THE_REAL_ONE], indirect=True)


@pytest.fixture
def stream(stream_cli: Cli) -> Callable[..., str]:
    """Creates a stream named after its first argument, with `<name>.>` as its subjects."""

    async def api(subject: str, request: dict[str, Any]) -> dict[str, Any]:
        client = await jetstream.connect(stream_cli.environment["NATS_URL"])
        try:
            return await jetstream.api(client, subject, request)
        finally:
            await client.close()

    def create(name: str, **config: Any) -> str:
        request = {"name": name, "subjects": [f"{name}.>"], "storage": "memory", **config}
        answer = asyncio.run(api(f"STREAM.CREATE.{name}", request))
        assert "error" not in answer, answer
        return name

    create.api = api  # type: ignore[attr-defined]
    return create


@pytest.fixture
def filled(stream: Callable[..., str], stream_cli: Cli, request: pytest.FixtureRequest) -> str:
    """A stream with m1, m2, m3 on .a and m4 on .b; its name."""
    name = stream(re.sub(r"\W", "_", request.node.name)[:60], allow_direct=True)
    assert stream_cli.run("pub", f"{name}.a", "m{{Count}}", "--count", "3", "-J", "-q").code == 0
    assert stream_cli.run("pub", f"{name}.b", "m4", "-J", "-q", "-H", "X: y").code == 0
    return name


def test_an_acknowledged_publish_tells_where_it_is(
    stream: Callable[..., str], stream_cli: Cli
) -> None:
    name = stream("ACKED")
    headers = ["-H", "Nats-Msg-Id: 1"]
    first = stream_cli.run("pub", f"{name}.x", "a", "-J", *headers)
    assert "Stored in Stream: ACKED Sequence: 1\n" in first.err
    again = stream_cli.run("pub", f"{name}.x", "a", "-J", *headers)
    assert "Stored in Stream: ACKED Sequence: 1 Duplicate: true\n" in again.err
    wrong = stream_cli.run("pub", f"{name}.x", "a", "-J", "-H", "Nats-Expected-Stream: NO")
    assert (wrong.code, "(10060)" in wrong.err) == (1, True)
    nowhere = stream_cli.run("pub", "nowhere", "a", "-J")
    assert "nats: no responders available for request" in nowhere.err


def test_an_atomic_batch_is_stored_whole(stream: Callable[..., str], stream_cli: Cli) -> None:
    name = stream("BATCH", allow_atomic=True, allow_direct=True)
    arguments = ["pub", f"{name}.x", "--atomic", "--send-on", "newline"]
    done = stream_cli.run(*arguments, "-H", "N: 1", stdin="a\nb\nc\n")
    assert re.search(r"Wrote batch ID: \w{22} Messages: 3 Sequence: 3", done.err)
    seen = stream_cli.run("sub", "--stream", name, "--all", "--direct", "-T").out
    assert seen.count("N: 1\n") == 3
    assert "no messages to publish" in stream_cli.run(*arguments, stdin="").err
    stream("NOBATCH")
    refused = stream_cli.run("pub", "NOBATCH.x", "--atomic", "--send-on", "newline", stdin="a\n")
    assert "atomic publishing is not allowed for stream NOBATCH" in refused.err


@pytest.mark.parametrize(
    "schedule",
    [
        ["--schedule-after", "1h"],
        ["--schedule-at", "2100-01-01T00:00:00+01:00"],
        ["--schedule-every", "1h"],
    ],
)
def test_schedules_are_accepted_by_the_server(
    stream: Callable[..., str], stream_cli: Cli, schedule: list[str]
) -> None:
    name = stream(f"SCHED{schedule[0][11:].upper()}", allow_msg_schedules=True)
    arguments = ["pub", f"{name}.s", "x", *schedule, "--schedule-dest", f"{name}.d"]
    done = stream_cli.run(*arguments)
    assert "Stored in Stream" in done.err, done.err


@pytest.mark.parametrize(
    ("flags", "bodies"),
    [
        (["--all"], ["m1", "m2", "m3", "m4"]),
        (["--last"], ["m4"]),
        (["--start-sequence", "3"], ["m3", "m4"]),
        (["--since", "1h"], ["m1", "m2", "m3", "m4"]),
        (["--last-per-subject"], ["m3", "m4"]),
        (["--all", "--count", "2"], ["m1", "m2"]),
        (["--last", "--start-sequence", "3"], ["m3", "m4"]),
        (["--all", "--since", "1h", "--last"], ["m4"]),
    ],
)
class TestWhereReadingStartsAndEnds:
    @CONSUMERS
    def test_with_a_consumer(
        self, stream_cli: Cli, filled: str, flags: list[str], bodies: list[str]
    ) -> None:
        done = stream_cli.run("sub", "--stream", filled, *flags, "-T", "--raw")
        assert (done.code, done.out.split()) == (0, bodies), done.err

    def test_directly(
        self, stream_cli: Cli, filled: str, flags: list[str], bodies: list[str]
    ) -> None:
        done = stream_cli.run("sub", "--stream", filled, *flags, "--direct", "-T", "--raw")
        assert (done.code, done.out.split()) == (0, bodies), done.err


@CONSUMERS
def test_stream_messages_show_their_place(stream_cli: Cli, filled: str) -> None:
    done = stream_cli.run("sub", f"{filled}.b", "--all", "-T")
    place = (
        r"stream: \S+ seq: 4 / pending: 0 / subject: \S+\.b / time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    )
    assert re.match(rf"\[#1\] Received JetStream message: {place}\nX: y\n\nm4\n", done.out)
    direct = stream_cli.run("sub", f"{filled}.b", "--all", "-T", "--direct")
    assert re.match(
        r"\[#1\] Received JetStream message \(direct\): stream: \S+ seq 4 / ", direct.out
    )
    assert "X: y\n\nm4\n" in direct.out
    dumped = stream_cli.run("sub", f"{filled}.b", "--all", "-T", "--dump", "-").out
    assert base64.b64decode(json.loads(dumped.rstrip("\0"))["Data"]) == b"m4"


@CONSUMERS
def test_new_messages_are_awaited(stream_cli: Cli, filled: str) -> None:
    for flags in (["--new"], ["--new", "--direct"]):
        sub = stream_cli.start("sub", "--stream", filled, *flags, "--count", "1")
        sub.wait_for("Subscribing")
        while sub.exit_code() is None:
            stream_cli.run("pub", f"{filled}.n", "fresh", "-q")
        assert "fresh" in sub.finish().out


@CONSUMERS
def test_a_durable_consumer_goes_on_where_it_was(stream_cli: Cli, filled: str) -> None:
    arguments = ["sub", "--stream", filled, "--durable", "D", "--all", "--count", "1", "--raw"]
    assert [stream_cli.run(*arguments).out for _ in range(4)] == ["m1\n", "m2\n", "m3\n", "m4\n"]
    done = stream_cli.run("sub", "--stream", filled, "--durable", "D", "-T")
    assert 'using existing pull consumer "D"' in done.err
    assert (done.code, done.out) == (0, "")


def test_work_queues_are_looked_at_without_taking(
    stream: Callable[..., str], stream_cli: Cli
) -> None:
    name = stream("WORK", retention="workqueue", allow_direct=True)
    stream_cli.run("pub", f"{name}.x", "job", "-J", "-q")
    for _ in range(2):
        assert stream_cli.run("sub", "--stream", name, "--all", "-T", "-r").out == "job\n"
    closed = stream("CLOSED", retention="workqueue", allow_direct=False)
    refused = stream_cli.run("sub", "--stream", closed, "--all")
    assert "allow_direct is not set to true for stream CLOSED" in refused.err


def test_unknown_streams_are_errors(stream_cli: Cli) -> None:
    assert "no stream found with subject: none.x" in stream_cli.run("sub", "none.x", "--all").err
    assert "stream not found (10059)" in stream_cli.run("sub", "--stream", "NONE").err
    assert "not a valid stream name" in stream_cli.run("sub", "--stream", "a.b").err


def test_streams_need_jetstream(cli: Cli) -> None:
    for command in (("sub", "--stream", "S", "--all"), ("pub", "-J", "a", "b"), ("kv", "ls")):
        done = cli.run(*command)
        assert done.code == 1
        assert done.err.endswith("JetStream is not enabled on this server or account\n")
