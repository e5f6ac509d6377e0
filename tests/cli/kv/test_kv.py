"""`pynats kv`, where it does more than the original, and where scripts depend on it."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.conftest import Cli
from tests.cli.preloading import preload

preload("kv", also=("pynats_cli.jetstream.kv.screens",))


@pytest.fixture
def bucket(stream_cli: Cli, request: pytest.FixtureRequest) -> str:
    """An empty bucket with history."""
    name = request.node.originalname.removeprefix("test_")[:60]
    assert stream_cli.run("kv", "add", name, "--history", "5", "--marker-ttl", "1m").code == 0
    return str(name)


def test_values_are_kept_byte_by_byte(bucket: str, stream_cli: Cli) -> None:
    data = bytes(range(256)) + b"\n"
    assert stream_cli.run("kv", "put", bucket, "k", stdin=data).code == 0
    got = stream_cli.start("kv", "get", bucket, "k", "--raw")
    assert got.finish().code == 0
    assert (got._folder / "out").read_bytes() == data
    said = json.loads(stream_cli.run("kv", "get", bucket, "k", "--json").out)
    assert (said["key"], said["revision"], said["operation"]) == ("k", 1, "PUT")


def test_a_given_value_leaves_standard_input_alone(bucket: str, stream_cli: Cli) -> None:
    put = stream_cli.run("kv", "put", bucket, "k", "given", stdin="from input")
    assert put.out == "given\n"
    assert stream_cli.run("kv", "get", bucket, "k", "--raw").out == "given"
    empty = stream_cli.run("kv", "put", bucket, "k", "", stdin="from input")
    assert empty.code == 0
    assert stream_cli.run("kv", "get", bucket, "k", "--raw").out == ""


def test_a_snapshot_ends_by_itself(bucket: str, stream_cli: Cli) -> None:
    for key in ("a", "b"):
        stream_cli.run("kv", "put", bucket, key, f"of {key}")
    stream_cli.run("kv", "del", bucket, "a", "-f")
    seen = stream_cli.run("kv", "watch", bucket, "--snapshot")
    assert [line.partition("] ")[2] for line in seen.out.splitlines()] == [
        f"PUT {bucket} > b: of b",
        f"DELETE {bucket} > a",
    ]
    alive = stream_cli.run("kv", "watch", bucket, "--snapshot", "--no-deletes")
    assert alive.out.count("\n") == 1
    every = stream_cli.run("kv", "watch", bucket, "--snapshot", "--history", "--json")
    assert [json.loads(line)["revision"] for line in every.out.splitlines()] == [1, 2, 3]
    since = stream_cli.run("kv", "watch", bucket, "--snapshot", "--revision", "2", "--json")
    assert [json.loads(line)["revision"] for line in since.out.splitlines()] == [2, 3]


def test_watching_shows_what_is_written_later(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "put", bucket, "early", "1")
    watching = stream_cli.start("kv", "watch", bucket)
    watching.wait_for("> early: 1")
    stream_cli.run("kv", "put", bucket, "late", "2")
    watching.wait_for("> late: 2")
    watching.signal(signal.SIGINT)
    assert watching.finish().code == 130


def test_only_updates_are_shown_when_asked(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "put", bucket, "early", "1")
    watching = stream_cli.start("kv", "watch", bucket, "--updates", "--trace")
    watching.wait_for("CONSUMER.CREATE")
    watching.wait_for("<<< $JS.API.CONSUMER.CREATE")
    stream_cli.run("kv", "put", bucket, "late", "2")
    watching.wait_for("> late: 2")
    watching.signal(signal.SIGINT)
    assert "early" not in watching.finish().out


def test_a_reader_survives_the_loss_of_its_consumer(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "put", bucket, "a", "1")
    watching = stream_cli.start("kv", "watch", bucket)
    watching.wait_for("> a: 1")

    import asyncio

    from tests.support import jetstream

    async def remove_consumers() -> int:
        client = await jetstream.connect(stream_cli.environment["NATS_URL"])
        names = await jetstream.api(client, f"CONSUMER.NAMES.KV_{bucket}", {})
        for name in names["consumers"]:
            await jetstream.api(client, f"CONSUMER.DELETE.KV_{bucket}.{name}", {})
        await client.close()
        return len(names["consumers"])

    assert asyncio.run(remove_consumers()) == 1
    stream_cli.run("kv", "put", bucket, "b", "2")
    watching.wait_for("> b: 2")
    watching.signal(signal.SIGINT)
    assert watching.finish().out.count("> a: 1") == 1


def test_lists_are_data_when_asked(bucket: str, stream_cli: Cli) -> None:
    assert stream_cli.run("kv", "ls", bucket, "--json").out == "[]\n"
    for key in ("b", "a.x", "a.y"):
        stream_cli.run("kv", "put", bucket, key, "1")
    assert json.loads(stream_cli.run("kv", "ls", bucket, "--json").out) == ["a.x", "a.y", "b"]
    assert json.loads(stream_cli.run("kv", "ls", bucket, "a.*", "--json").out) == ["a.x", "a.y"]
    rows = json.loads(stream_cli.run("kv", "ls", bucket, "-v", "--json").out)
    assert [row["key"] for row in rows] == ["b", "a.x", "a.y"]
    named = [row["bucket"] for row in json.loads(stream_cli.run("kv", "ls", "--json").out)]
    assert bucket in named


def test_that_nothing_was_found_is_said_beside_the_data(bucket: str, stream_cli: Cli) -> None:
    nothing = stream_cli.run("kv", "ls", bucket)
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "No keys found in bucket\n")


def test_compacting_tells_what_it_did(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "put", bucket, "k", "1")
    stream_cli.run("kv", "del", bucket, "k", "-f")
    done = stream_cli.run("kv", "compact", bucket, "-f")
    assert done.err == "Removed 0 markers, kept 1 younger than 30 minutes\n"
    # The value behind the marker is gone.
    assert stream_cli.run("kv", "history", bucket, "k", "--json").out.count('"revision"') == 1


def test_reverting_to_the_newest_value_says_why_not(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "put", bucket, "k", "1")
    refused = stream_cli.run("kv", "revert", bucket, "k", "1", "--force")
    assert refused.err == "pynats: error: revision 1 is the newest value of the key\n"
    stream_cli.run("kv", "put", bucket, "k", "2")
    shown = stream_cli.run("kv", "revert", bucket, "k", "1", "--force", "--json")
    assert [each["revision"] for each in json.loads(shown.out)] == [1, 2, 3]


@pytest.mark.parametrize(
    "line",
    ["del {0}", "del {0} k", "purge {0} k", "compact {0}", "revert {0} k 1"],
)
def test_nothing_is_taken_away_without_being_asked(line: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "del", "ASKED", "--force")
    stream_cli.run("kv", "add", "ASKED", "--history", "3")
    for value in "12":
        stream_cli.run("kv", "put", "ASKED", "k", value)
    refused = stream_cli.run("kv", *line.format("ASKED").split())
    assert refused.code == 1
    assert "without a terminal" in refused.err
    assert stream_cli.run("kv", "get", "ASKED", "k", "--raw").out == "2"


def test_errors_are_one_line_with_their_code(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "put", bucket, "k", "1")
    taken = stream_cli.run("kv", "create", bucket, "k", "2")
    assert taken.err == "pynats: error: wrong last sequence: 1: key exists (10071)\n"
    stale = stream_cli.run("kv", "update", bucket, "k", "2", "9")
    assert stale.err == "pynats: error: wrong last sequence: 1: key revision mismatch (10071)\n"
    other = stream_cli.run("kv", "add", bucket)
    assert other.err.startswith(f"pynats: error: bucket name already in use: {bucket}: ")
    assert other.err.endswith("(10058)\n")
    none = stream_cli.run("kv", "info")
    assert "no Bucket name supplied" in none.err


def test_an_update_with_an_empty_value_takes_standard_input(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("kv", "put", bucket, "k", "1")
    for revision, (given, stdin, stored) in enumerate(
        [("", "two\n", "two\n"), ("", "", ""), ("three", "no", "three")], 1
    ):
        done = stream_cli.run("kv", "update", bucket, "k", given, str(revision), stdin=stdin)
        assert (done.code, done.out) == (0, f"{given}\n" if given else ""), done.err
        assert stream_cli.run("kv", "get", bucket, "k", "--raw").out == stored


def test_without_jetstream_there_are_no_buckets(cli: Cli) -> None:
    for line in (["kv", "ls"], ["kv", "get", "B", "k"], ["object", "ls"], ["object", "info", "B"]):
        refused = cli.run(*line)
        assert refused.code == 1
        assert refused.err == "pynats: error: JetStream is not enabled on this server or account\n"
