"""Error codes, schemas, cheats and latency."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

RECORD = {"constant": "A", "code": 400, "error_code": 10_001, "description": "x {err}"}
API = "io.nats.jetstream.api.v1."


def test_error_codes_are_explained(lone_cli: Cli) -> None:
    done = lone_cli.run("errors", "lookup", "10059")
    assert done.out.startswith("NATS Error Code: 10059\n") and "stream not found" in done.out
    assert json.loads(lone_cli.run("errors", "lookup", "10059", "--json").out)["code"] == 404
    done = lone_cli.run("errors", "lookup", "1")
    assert (done.code, done.err) == (1, "pynats: error: no error matches code 1\n")
    listed = lone_cli.run("errors", "ls", "duplicate", "--output", "csv").out.splitlines()
    assert len(listed) == 6 and "10136" in listed[1]


def test_an_errors_file_is_edited_and_checked(lone_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "errors.json"
    path.write_text(json.dumps([RECORD]))
    editor = tmp_path / "editor"
    editor.write_text(
        '#!/bin/sh\nsed -i -e \'s/"code": 0/"code": 500/\' -e \'s/tion": ""/tion": "new"/\' '
        '-e \'s/tant": ""/tant": "B"/\' "$1"\n'
    )
    editor.chmod(0o755)
    done = lone_cli.run("errors", "add", str(path), EDITOR=str(editor))
    assert (done.code, done.out) == (0, "Validated 2 errors\n")
    added = json.loads(path.read_text())[1]
    assert (added["error_code"], added["code"], added["description"]) == (10_002, 500, "new")
    assert "new" in lone_cli.run("errors", "--errors", str(path), "lookup", "10002").out
    before = path.read_bytes()
    done = lone_cli.run("errors", "add", str(path), EDITOR="true")
    assert done.code == 1 and "10003 failed: code is required" in done.err
    assert path.read_bytes() == before
    assert "set EDITOR" in lone_cli.run("errors", "edit", str(path), "10001", EDITOR="").err


def test_invalid_documents_exit_with_one(lone_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    path.write_text('{"name": "x"}')
    ping = "io.nats.micro.v1.ping_response"
    done = lone_cli.run("schema", "validate", ping, str(path))
    assert done.code == 1
    assert done.out == (
        f"Validation errors in {path}:\n\n  missing properties: 'type', 'id', 'version'\n"
    )
    done = lone_cli.run("schema", "validate", ping, str(path), "--json")
    assert done.code == 1 and json.loads(done.out) == [
        "missing properties: 'type', 'id', 'version'"
    ]
    done = lone_cli.run("schema", "validate", "nope", str(path))
    assert done.code == 1 and "unsupported schema type" in done.err and done.out == ""
    path.write_text(json.dumps({"type": ping, "name": "x", "id": "y", "version": "1.2.3"}))
    done = lone_cli.run("schema", "validate", ping, str(path))
    assert (done.code, done.out) == (0, f"{path} validates against {ping}\n")


@pytest.mark.parametrize(
    "call",
    ["INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.NOPE", "STREAM.DELETE.NOPE",
     "CONSUMER.LIST.NOPE", "CONSUMER.INFO.NOPE.C", "STREAM.MSG.GET.NOPE"],
)  # fmt: skip
def test_our_answers_are_what_the_schemas_say(call: str, stream_cli: Cli) -> None:
    done = stream_cli.run("schema", "req", f"$JS.API.{call}")
    assert done.code == 0, done.out
    assert done.out.startswith(f"Response is a valid {API}")


def test_an_answer_that_does_not_fit_exits_with_one(cli: Cli) -> None:
    serving = cli.start("reply", "wrong", '{"type": "io.nats.micro.v1.ping_response"}')
    serving.wait_for("Listening")
    done = cli.run("schema", "request", "wrong")
    assert done.code == 1 and "missing properties: 'name', 'id', 'version'" in done.out
    assert cli.run("schema", "request", "wrong", "--schema", "nope").code == 1


def test_cheats_are_shown_and_saved(lone_cli: Cli, tmp_path: Path) -> None:
    assert "pynats kv add CONFIG" in lone_cli.run("cheat", "kv").out
    unknown = lone_cli.run("cheat", "nope")
    assert unknown.code == 0 and "    publish" in unknown.out and "no examples" in unknown.err
    assert lone_cli.run("cheat").out == unknown.out == lone_cli.run("cheat", "--list").out
    lone_cli.run("cheat", "--save", str(tmp_path / "saved"))
    assert (tmp_path / "saved/kv").read_text().startswith("---\ntags: [nats]\n---\n\n# ")


def test_latency_is_measured_and_kept(cli: Cli, tmp_path: Path) -> None:
    done = cli.run(
        "latency", "--server-b", cli.environment["NATS_URL"], "--duration", "100ms",
        "--rate", "200", "--size", "64", "--histogram", str(tmp_path / "h"),
    )  # fmt: skip
    assert (done.code, done.out) == (0, "")
    for text in ("Message Payload: 64B", "Target Band/Sec: 25K", "HDR Percentiles:", "99.99999: "):
        assert text in done.err
    assert len((tmp_path / "h.raw").read_text().splitlines()) == 20
    assert len((tmp_path / "h.histogram").read_text().splitlines()) == 14


def test_latency_needs_a_second_server(cli: Cli) -> None:
    done = cli.run("latency", "--server-b", "127.0.0.1:1")
    assert done.code == 1 and "second connection failed: " in done.err


def test_traffic_is_counted_until_it_is_stopped(cli: Cli) -> None:
    import signal

    watching = cli.start("traffic", "a.>")
    watching.wait_for("General Traffic")
    watching.signal(signal.SIGINT)
    assert watching.finish().code == 130
