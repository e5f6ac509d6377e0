"""Traces of messages through one server and its streams."""

from __future__ import annotations

import json

from tests.cli.conftest import Cli
from tests.cli.recorded.scenes import normalised

CREATE = {"name": "TR", "subjects": ["tr.>"], "retention": "limits", "max_consumers": -1,
          "max_msgs": -1, "max_bytes": -1, "max_age": 0, "storage": "memory",
          "num_replicas": 1}  # fmt: skip


def test_nobody_and_a_stream(stream_cli: Cli) -> None:
    done = stream_cli.run("trace", "nobody")
    assert done.code == 0
    lines = normalised(done.out)
    assert lines[0] == "Tracing message route to subject nobody"
    assert lines[1].startswith('Client "NATS CLI Version ') and lines[2:] == [
        "--X No active interest",
        "Legend: Client: --C Router: --> Gateway: ==> Leafnode: ~~> JetStream: --J Error: --X",
    ]
    stream_cli.run("schema", "req", "$JS.API.STREAM.CREATE.TR", json.dumps(CREATE))
    done = stream_cli.run("trace", "tr.1", "hello")
    assert '--J JetStream action:"stored" stream:"TR" subject:"tr.1"' in done.out
    assert "--X No active interest" in done.out and done.out.endswith("  JetStream: 1\n")
    assert _messages(stream_cli) == 0
    assert stream_cli.run("trace", "tr.1", "hello", "--deliver").code == 0
    assert _messages(stream_cli) == 1


def _messages(cli: Cli) -> int:
    info = cli.run("schema", "req", "$JS.API.STREAM.INFO.TR", "--show").out
    found: int = json.JSONDecoder().raw_decode(info)[0]["state"]["messages"]
    return found


def test_a_subscriber_with_times_and_as_json(cli: Cli) -> None:
    listening = cli.start("sub", "x.>", "--queue", "q1")
    listening.wait_for("Subscribing")
    done = cli.run("trace", "x.1", "--timestamp", "-H", "A: b")
    assert ' subject:"x.>" queue:"q1"' in done.out and "\n[0s] Client " in done.out
    (told,) = json.loads(cli.run("trace", "x.1", "--json").out)
    assert [event["type"] for event in told["events"]] == ["in", "eg"]
    assert "Nats-Trace-Only" in told["request"]["header"]
    assert (
        "Nats-Trace-Only"
        not in json.loads(cli.run("trace", "x.1", "--deliver", "--json").out)[0]["request"][
            "header"
        ]
    )


def test_wrong_subjects_are_refused(cli: Cli) -> None:
    done = cli.run("trace", "a b")
    assert (done.code, done.err) == (1, 'pynats: error: nats: invalid subject "a b"\n')
