"""`pynats events` against a server."""

from __future__ import annotations

import json
import signal

from tests.cli.conftest import Cli, Running
from tests.support.deadline import wait_until

ACTION = "io.nats.jetstream.advisory.v1.stream_action"


def create(cli: Cli, name: str, subject: str = "") -> None:
    request = json.dumps({"name": name, "subjects": [subject or name], "storage": "memory"})
    answer = cli.run("req", "--raw", f"$JS.API.STREAM.CREATE.{name}", request).out
    assert '"error"' not in answer, answer


def listening(cli: Cli, *words: str) -> Running:
    running = cli.start("events", *words)
    running.wait_for("Listening for")
    return running


def test_advisories_of_streams(stream_cli: Cli) -> None:
    running = listening(stream_cli, "--js-advisory", "--no-srv-advisory", "--short")
    assert running.err() == "Listening for Advisories on $JS.EVENT.ADVISORY.>\n"
    create(stream_cli, "EVT1")
    running.wait_for("[Stream Create] EVT1")
    assert running.exit_code() is None


def test_json_is_one_object_a_line_and_nothing_else(stream_cli: Cli) -> None:
    running = stream_cli.start("events", "--js-advisory", "--no-srv-advisory", "--json", "--filter",
                               ACTION)  # fmt: skip
    names = (f"EVT2{number}" for number in range(1_000))

    def came() -> bool:
        # Nothing says that it listens: streams are made until one is seen.
        create(stream_cli, next(names))
        return "stream_action" in running.out()

    wait_until(came, "an event")
    lines = running.out().splitlines()
    assert {json.loads(line)["type"] for line in lines} == {ACTION}
    assert running.err() == ""


def test_events_on_other_subjects(stream_cli: Cli) -> None:
    running = listening(stream_cli, "--subjects", "my.events,more", "--no-srv-advisory")
    event = {"type": ACTION, "id": "X1", "timestamp": "2026-11-30T07:23:24.5Z", "stream": "S",
             "action": "create"}  # fmt: skip
    running.wait_for("Listening for advisories on more")
    stream_cli.run("pub", "my.events", json.dumps(event))
    running.wait_for("[07:23:24] [X1] Stream Create Action\n\n      Stream: S")
    stream_cli.run("pub", "more", "hello")
    running.wait_for("Event error: parsing failed")


def test_events_that_a_stream_keeps(stream_cli: Cli) -> None:
    create(stream_cli, "EVT3", "evt3")
    event = {"type": ACTION, "id": "X1", "timestamp": "2026-11-30T07:23:24.5Z", "stream": "S"}
    for action in ("create", "update", "delete"):
        stream_cli.run("pub", "evt3", json.dumps({**event, "action": action}))
    running = listening(stream_cli, "--stream", "EVT3", "--since", "1h", "--short", "--filter",
                        "(create|DELETE)")  # fmt: skip
    running.wait_for("07:23:24 [Stream Delete] S")
    assert "Listening for Events in stream EVT3 since 2" in running.err()
    assert running.out() == "07:23:24 [Stream Create] S\n07:23:24 [Stream Delete] S\n"


def test_ctrl_c_ends_it(stream_cli: Cli) -> None:
    running = listening(stream_cli)
    running.wait_for("CLIENT.AUTH.ERR")
    running.signal(signal.SIGINT)
    result = running.finish()
    assert (result.code, result.out) == (130, "") and "Traceback" not in result.err


def test_what_cannot_be(stream_cli: Cli) -> None:
    def failed(*words: str) -> str:
        result = stream_cli.run("events", *words)
        assert (result.code, result.out) == (1, "")
        return result.err.removeprefix("pynats: error: ").rstrip()

    assert failed("--stream", "S", "--js-advisory") == (
        "cannot specify both Stream and specific advisories or extra subjects"
    )
    assert failed("--stream", "NOPE") == 'stream "NOPE" not found'
    assert failed("--no-srv-advisory") == "no events were chosen"
    assert failed("--filter", "(").startswith("invalid body regular expression")
    assert failed("--since", "1h") == "--since needs --stream"
    assert "unexpected" in failed("extra")
