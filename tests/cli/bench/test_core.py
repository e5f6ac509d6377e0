"""Benchmarks of Core NATS at a server: publishers, subscribers, requests and replies."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import pytest

from tests.cli.bench.shapes import CSV_HEAD, CSV_TIMES, result, untimed
from tests.cli.conftest import Cli, Running

SERVICE = ("nats-bench-service", "1.0.0")
_SUBJECTS = "multi-subject-max=100,000, multi-subject-randomize=false"


def begun(cli: Cli, *words: str, clients: int = 1) -> Running:
    """Somebody who receives, ready to."""
    running = cli.start("bench", *words, "--clients", str(clients), "--no-progress")
    running.wait_for(f"[{clients}] Starting")
    return running


def test_a_publisher(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    words = ("foo", "--msgs", "1000", "--size", "16", "--clients", "3", "--csv", str(file))
    seen = cli.run("bench", "pub", *words)
    assert seen.code == 0, seen
    assert result("Core NATS publisher", [334, 333, 333], True).match(seen.out)
    assert seen.out.endswith(f"\nSaved metric data in csv file {file}\n")
    assert untimed(seen.err) == [
        "Starting Core NATS publisher benchmark [clients=3, msg-size=16 B, msgs=1,000, "
        f"multi-subject=false, {_SUBJECTS}, sleep=0s, subject=foo]",
        "[1] Starting Core NATS publisher, publishing 334 messages",
        "[2] Starting Core NATS publisher, publishing 333 messages",
        "[3] Starting Core NATS publisher, publishing 333 messages",
    ]
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert file.read_text().startswith(CSV_HEAD + CSV_TIMES + "\n")
    assert [(row["ClientID"], row["MsgCount"], row["MsgBytes"]) for row in rows] == [
        ("P0", "334", "5344"), ("P1", "333", "5328"), ("P2", "333", "5328")
    ]  # fmt: skip
    assert len({row["#RunID"] for row in rows}) == 1


def test_a_publisher_and_its_subscribers(cli: Cli) -> None:
    subscribers = begun(cli, "sub", "pair", "--multisubject", "--msgs", "300", clients=2)
    words = ("pair", "--multisubject", "--multisubjectmax", "7", "--msgs", "300", "--json")
    seen = cli.run("bench", "pub", *words)
    assert json.loads(seen.out)["aggregate"]["messages"] == 300
    ended = subscribers.finish()
    assert ended.code == 0, ended
    assert result("Core NATS subscriber", [300, 300], False, deliveries=True).fullmatch(ended.out)
    assert untimed(ended.err) == [
        "Starting Core NATS subscriber benchmark [clients=2, msg-size=128 B, msgs=300, "
        "multi-subject=true, subject=pair.*]",
        "[1] Starting Core NATS subscriber, expecting 300 messages",
        "[2] Starting Core NATS subscriber, expecting 300 messages",
    ]


def test_headers_and_a_payload(cli: Cli, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text("hello there")
    subscriber = begun(cli, "sub", "held", "--msgs", "4", "--json")
    words = ("held", "--payload", str(body), "-H", "K:v", "--msgs", "3", "--no-progress")
    seen = cli.run("bench", "pub", *words)
    assert seen.code == 0 and "msg-size=11 B" in seen.err
    assert cli.run("bench", "pub", "held", "--msgs", "1").code == 0
    assert json.loads(subscriber.finish().out)["aggregate"]["bytes"] == 3 * 11 + 128


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_shows_what_was_done(cli: Cli, number: signal.Signals) -> None:
    publisher = cli.start("bench", "pub", "endless", "--msgs", "1e9", "--no-progress")
    publisher.wait_for("[1] Starting")
    server = begun(cli, "service", "serve", "proof")
    words = ("proof", "--msgs", "20", "--no-progress")
    assert cli.run("bench", "service", "request", *words).code == 0
    publisher.signal(number)
    ended = publisher.finish()
    assert ended.code == (130 if number == signal.SIGINT else -signal.SIGTERM), ended
    assert "error" not in ended.err and "NATS Core NATS publisher stats: " in ended.out
    server.signal(number)
    served = server.finish()
    assert served.code == (130 if number == signal.SIGINT else -signal.SIGTERM), served
    assert "NATS Core NATS service server stats: " in served.out


def test_a_subscriber_that_got_nothing(cli: Cli) -> None:
    subscriber = begun(cli, "sub", "nothing.comes")
    subscriber.signal(signal.SIGINT)
    ended = subscriber.finish()
    assert (ended.code, ended.out) == (130, "")
    assert untimed(ended.err)[-1] == "Nothing to report: no messages yet"


def test_requests_and_replies(cli: Cli) -> None:
    servers = begun(cli, "service", "serve", "asked", clients=2)
    seen = cli.run("bench", "service", "request", "asked", "--clients", "2", "--msgs", "101")
    assert seen.code == 0, seen
    assert result("Core NATS service requester", [51, 50], True).fullmatch(seen.out)
    assert untimed(seen.err) == [
        "Starting Core NATS service requester benchmark [clients=2, msg-size=128 B, msgs=101, "
        "sleep=0s, subject=asked]",
        "[1] Starting Core NATS service requester, requesting 51 messages",
        "[2] Starting Core NATS service requester, requesting 50 messages",
    ]
    assert untimed(servers.err())[0] == (
        "Starting Core NATS service server benchmark [clients=2, msg-size=128 B, msgs=100,000, "
        "sleep=0s, subject=asked]"
    )
    # The clients are instances of a service, as the original's are.
    found = json.loads(cli.run("service", "ls", "--json").out)
    mine = [each for each in found if each["endpoints"][0]["subject"] == "asked"]
    assert [(each["name"], each["version"]) for each in mine] == [SERVICE] * 2
    assert mine[0]["endpoints"] == [
        {"name": "default", "subject": "asked", "queue_group": "q", "metadata": None}
    ]
    stats = json.loads(cli.run("service", "stats", SERVICE[0], "--json").out)
    served = [each["endpoints"][0] for each in stats if each["id"] in {m["id"] for m in mine}]
    assert sum(each["num_requests"] for each in served) == 101
    assert all(each["processing_time"] > 0 for each in served if each["num_requests"])
    assert "data" not in served[0]
    servers.signal(signal.SIGINT)
    assert servers.finish().code == 130


def test_nobody_answers(cli: Cli) -> None:
    seen = cli.run("bench", "service", "request", "nobody", "--msgs", "5")
    assert (seen.code, seen.out) == (1, "")
    assert "no responders" in seen.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pub", "a", "--msgs", "0"), "--msgs: number of messages should be greater than 0"),
        (("pub", "a", "--msgs", "x"), "--msgs: must be a number"),
        (("pub", "a", "--clients", "0"), "--clients: must be between 1 and"),
        (("pub", "a", "--size", "0"), "--size: can not parse or invalid the value specified for"
                                      " the message size: 0"),
        (("pub", "a", "--size", "x"), "the message size: x"),
        (("pub", "a", "--size", "-1"), "the message size: -1"),
        (("pub", "a", "--duration", "1s"), "--duration requires --throughput to be set"),
        (("pub", "a", "--sleep=-1s"), "--sleep: must not be negative"),
        (("pub", "a", "--throughput=-1"), "--throughput: must be a number of 0 or more"),
        (("pub", "a", "--payload", "/no/such"), "path '/no/such' does not exist"),
        (("pub", "a", "-H", "none"), 'invalid header "none"'),
        (("pub", "a b"), "nats: invalid subject"),
        (("sub", "a..b"), "nats: invalid subject"),
        (("service", "request", ""), "nats: invalid subject"),
        (("js", "pub", "async", "a", "--batch", "0"), "--batch: must be between 1 and"),
        (("js", "pub", "fast", "a", "--batch", "65536"), "--batch: must be between 1 and 65535"),
        (("js", "pub", "sync", "a", "--maxbytes", "x"), "the max stream/bucket size: x"),
        (("js", "pub", "sync", "a", "--storage", "x"), "--storage: must be one of memory, file"),
        (("js", "fetch", "--acks", "some"), "--acks: must be one of explicit, none, all"),
        (("js", "get", "batch", "--filter", "a b"), "nats: invalid subject"),
        (("kv", "put", "--history", "0"), "--history: must be at least 1"),
        (("kv", "put", "--bucket", "a.b"), "invalid bucket name"),
        (("kv", "put", "--duration", "1s"), "--duration requires --throughput"),
    ],
)  # fmt: skip
def test_bad_values_need_no_server(lone_cli: Cli, words: tuple[str, ...], says: str) -> None:
    seen = lone_cli.run("--server", "nats://127.0.0.1:1", "bench", *words)
    assert (seen.code, seen.out) == (1, "")
    assert seen.err.count("\n") == 1 and says in seen.err, seen.err


def test_a_message_that_is_too_large(cli: Cli) -> None:
    seen = cli.run("bench", "pub", "a", "--size", "2MB")
    assert (seen.code, seen.out) == (1, "")
    assert "nats: maximum payload exceeded: 2,097,152 bytes" in seen.err


def test_the_old_word_for_clients(cli: Cli) -> None:
    seen = cli.run("bench", "pub", "a", "--client", "2", "--msgs", "10", "--no-progress")
    assert seen.code == 0 and "clients=2" in seen.err


def test_flags_of_a_group_stand_anywhere(lone_cli: Cli) -> None:
    words = ("bench", "js", "--msgs", "0", "pub", "--size", "1", "sync", "a")
    seen = lone_cli.run(*words)
    assert "number of messages should be greater than 0" in seen.err
