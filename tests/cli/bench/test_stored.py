"""Benchmarks of streams and buckets, at a server: what they print, and what they do there."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.bench.shapes import CSV_HEAD, CSV_TIMES, result, untimed
from tests.cli.conftest import Cli, Result

_ALL_SUBJECTS = "multi-subject=false, multi-subject-max=100,000, multi-subject-randomize=false"


@dataclass(frozen=True)
class Case:
    """A command line after `bench`; `shares` are the messages of each client."""

    line: str
    banner: str
    label: str
    shares: list[int]
    verb: str
    timed: bool = True
    role: str = "S"


def _js(keys: str) -> str:
    return f"{keys}, sleep=0s, stream=@S@"


STORING = [
    Case(
        "js pub sync @s@ --purge",
        f"batch=0, clients=1, msg-size=128 B, msgs=40, {_ALL_SUBJECTS}, purge=true, sleep=0s, "
        "stream=@S@, subject=@s@",
        "JetStream synchronous publisher", [40], "publishing", role="P",
    ),
    Case(
        "js pub async @s@ --clients 3 --batch 10 --size 16",
        f"batch=10, clients=3, msg-size=16 B, msgs=40, {_ALL_SUBJECTS}, purge=false, sleep=0s, "
        "stream=@S@, subject=@s@",
        "JetStream asynchronous publisher", [14, 13, 13], "publishing", role="P",
    ),
    Case(
        "js pub batch @s@ --batch 20",
        f"batch=20, clients=1, msg-size=128 B, msgs=40, {_ALL_SUBJECTS}, purge=false, sleep=0s, "
        "stream=@S@, subject=@s@",
        "JetStream atomic batch publisher", [40], "publishing", role="P",
    ),
    Case(
        "js pub fast @s@ --clients 2 --max-outstanding-acks 2",
        f"batch=500, clients=2, msg-size=128 B, msgs=40, {_ALL_SUBJECTS}, purge=false, sleep=0s, "
        "stream=@S@, subject=@s@",
        "JetStream fast batch publisher", [20, 20], "publishing", role="P",
    ),
    Case(
        "kv put --clients 2 --bucket @B@",
        "bucket=@B@, clients=2, msg-size=128 B, msgs=40, purge=false, sleep=0s",
        "JetStream KV putter", [20, 20], "publishing", role="P",
    ),
]  # fmt: skip
READING = [
    Case(
        "js ordered --clients 2", _js("clients=2, msg-size=128 B, msgs=40, purge=false"),
        "JetStream ordered ephemeral consumer", [40, 40], "expecting", timed=False,
    ),
    Case(
        "js consume --clients 2",
        _js("acks=explicit, batch=500, clients=2, consumer=nats-bench, double-acked=false, "
            "msg-size=128 B, msgs=40, purge=false"),
        "JetStream durable consumer (callback)", [20, 20], "expecting", timed=False,
    ),
    Case(
        "js fetch --acks all --doubleack --batch 10 --filter @s@",
        "acks=all, batch=10, clients=1, consumer=nats-bench, double-acked=true, filter=@s@, "
        "msg-size=128 B, msgs=40, purge=false, sleep=0s, stream=@S@",
        "JetStream durable consumer (fetch)", [40], "expecting",
    ),
    Case(
        "js get sync", _js("clients=1, msg-size=128 B, msgs=40"),
        "JetStream synchronous getter", [40], "expecting",
    ),
    Case(
        "js get batch --clients 2 --batch 10",
        _js("batch=10, clients=2, filter=>, msg-size=128 B, msgs=40"),
        "JetStream batched direct getter", [40, 40], "expecting",
    ),
    Case(
        "kv get --bucket @B@ --clients 3 --randomize 20",
        "bucket=@B@, clients=3, msg-size=128 B, msgs=40, randomize=20, sleep=0s",
        "JetStream KV getter", [14, 13, 13], "trying to get",
    ),
    Case(
        "oldjs ordered @s@", _js("clients=1, msg-size=128 B, msgs=40, multi-subject=false"),
        "JetStream ordered ephemeral consumer (old API)", [40], "expecting", timed=False,
    ),
    Case(
        "oldjs push @s@ --consumer old1",
        _js("acked=true, clients=1, consumer=old1, double-acked=false, msg-size=128 B, msgs=40"),
        "JetStream durable push consumer (old API)", [40], "expecting", timed=False,
    ),
    Case(
        "oldjs pull @s@ --consumer old2 --no-ack --clients 2 --batch 10",
        _js("acked=false, batch=10, clients=2, consumer=old2, double-acked=false, "
            "msg-size=128 B, msgs=40"),
        "JetStream durable pull consumer (old API)", [20, 20], "expecting", timed=False,
    ),
]  # fmt: skip
SPECIAL = ("Using stream", "Purging the stream", "Beginning the durable", "Defined durable")


class Bencher:
    """Runs benchmarks on a stream and a bucket of its own."""

    def __init__(self, cli: Cli, name: str) -> None:
        self.cli, self.stream, self.subject, self.bucket = cli, f"S{name}", f"s{name}", f"B{name}"

    def filled(self, text: str) -> str:
        for mark, value in (("@S@", self.stream), ("@s@", self.subject), ("@B@", self.bucket)):
            text = text.replace(mark, value)
        return text

    def run(self, line: str) -> Result:
        words = self.filled(line).split()
        if words[0] in ("js", "oldjs"):
            words += ["--stream", self.stream]
        return self.cli.run("bench", *words, "--no-progress")

    def done(self, line: str) -> Result:
        """The same; it must succeed."""
        seen = self.run(line)
        assert seen.code == 0, (line, seen)
        return seen

    def ask(self, *words: str) -> dict[str, object]:
        seen = self.cli.run(*words, "--json")
        assert seen.code == 0, seen
        document: dict[str, object] = json.loads(seen.out)
        return document


@pytest.fixture
def bencher(stream_cli: Cli, request: pytest.FixtureRequest) -> Iterator[Bencher]:
    name = str(abs(hash(request.node.name)))
    some = Bencher(stream_cli, name)
    yield some
    for words in (("stream", "rm", some.stream), ("kv", "del", some.bucket)):
        stream_cli.run(*words, "--force")


def check(bencher: Bencher, case: Case, folder: Path) -> None:
    file = folder / "x.csv"
    seen = bencher.run(f"{case.line} --msgs 40 --csv {file}")
    assert seen.code == 0, (case.line, seen)
    *figures, saved, end = seen.out.split("\n")
    assert saved == f"Saved metric data in csv file {file}" and end == "", seen.out
    text = "\n".join([*figures, ""])
    assert result(case.label, case.shares, case.timed).fullmatch(text), (case.line, seen.out)
    said = [line for line in untimed(seen.err) if not line.startswith(SPECIAL)]
    assert said == [
        bencher.filled(f"Starting {case.label} benchmark [{case.banner}]"),
        *(
            f"[{number}] Starting {case.label}, {case.verb} {messages} messages"
            for number, messages in enumerate(case.shares, 1)
        ),
    ]
    rows = list(csv.reader(file.read_text().splitlines()))
    assert ",".join(rows[0]) == CSV_HEAD + (CSV_TIMES if case.timed else "")
    assert [row[1] for row in rows[1:]] == [f"{case.role}{at}" for at in range(len(case.shares))]
    assert [int(row[2]) for row in rows[1:]] == case.shares
    if case.timed:
        for row in rows[1:]:
            least, mean, most, *_, deviation = map(float, row[7:])
            assert least <= mean <= most and deviation <= (most - least) / 2 + 1e-6


def test_every_kind(bencher: Bencher, tmp_path: Path) -> None:
    bencher.done("js pub sync @s@ --create --msgs 1")
    for case in STORING:
        if case.line.startswith("kv"):
            assert bencher.cli.run("kv", "add", bencher.bucket).code == 0
        check(bencher, case, tmp_path)
    state = bencher.ask("stream", "info", bencher.stream)["state"]
    assert isinstance(state, dict) and state["messages"] == 160
    for case in READING:
        check(bencher, case, tmp_path)


def test_the_stream_that_is_created(bencher: Bencher) -> None:
    seen = bencher.done(
        "js pub sync @s@ --create --multisubject --storage memory --maxbytes 1MB --dedup "
        "--dedupwindow 1m --msgs 5"
    )
    banner, using, _ = untimed(seen.err)
    assert bencher.filled("subject=@s@.*") in banner and "dedup-window=1m0s" in banner
    assert "deduplication=true, max-bytes=1,048,576" in banner and "storage=memory" in banner
    assert using == bencher.filled("Using stream: @S@")
    config = bencher.ask("stream", "info", bencher.stream)["config"]
    assert isinstance(config, dict)
    wanted = {
        "subjects": [bencher.filled("@s@.*")], "storage": "memory", "max_bytes": 1_048_576,
        "duplicate_window": 60_000_000_000, "discard": "new", "retention": "limits",
        "allow_direct": True, "allow_atomic": True, "allow_batched": True, "num_replicas": 1,
    }  # fmt: skip
    assert {key: config.get(key) for key in wanted} == wanted
    subjects = bencher.ask("stream", "subjects", bencher.stream)
    assert len(subjects) == 5


def test_a_stream_that_writes_later(bencher: Bencher) -> None:
    bencher.done("js pub sync @s@ --create --persistasync --msgs 5")
    config = bencher.ask("stream", "info", bencher.stream)["config"]
    assert isinstance(config, dict)
    assert config["persist_mode"] == "async" and not config.get("allow_atomic")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("js pub sync @s@", "could not access stream @S@: stream not found (10059)"),
        ("js ordered", "getting stream '@S@': stream not found (10059)"),
        ("js consume", "getting stream '@S@': stream not found (10059)"),
        ("js get sync", "getting stream '@S@': stream not found (10059)"),
        ("js get batch", "getting stream '@S@': stream not found (10059)"),
        ("oldjs push @s@", "creating the durable consumer 'nats-bench': stream not found (10059)"),
        ("kv put --bucket @B@", "getting the kv bucket '@B@': nats: bucket not found"),
        ("kv get --bucket @B@", "finding kv bucket '@B@': nats: bucket not found"),
    ],
)
def test_what_is_not_there(bencher: Bencher, line: str, says: str) -> None:
    seen = bencher.run(line)
    assert (seen.code, seen.out) == (1, "")
    banner, error = seen.err.splitlines()
    assert "benchmark [" in banner
    assert error.startswith("pynats: error: " + bencher.filled(says))


def test_a_stream_with_other_settings(bencher: Bencher) -> None:
    bencher.done("js pub sync @s@ --create --msgs 1")
    bencher.done("js pub sync @s@ --create --msgs 1")
    seen = bencher.run("js pub sync @s@ --create --storage memory")
    assert seen.code == 1
    assert seen.err.splitlines()[-1] == bencher.filled(
        "pynats: error: could not create the stream. If you want to delete and re-define the "
        "stream use `pynats stream rm @S@`: stream name already in use with a different "
        "configuration (10058)"
    )


def test_a_subject_of_no_stream(bencher: Bencher) -> None:
    bencher.done("js pub sync @s@ --create --msgs 1")
    seen = bencher.run("js pub sync other.@s@ --msgs 3")
    assert (seen.code, seen.out) == (1, "")
    assert seen.err.splitlines()[-1] == "pynats: error: client 1: no response from stream"


def test_another_kind_of_acknowledgement_after_the_first(bencher: Bencher) -> None:
    bencher.done("js pub async @s@ --create --msgs 20")
    bencher.done("js consume --msgs 20")
    seen = bencher.done("js fetch --acks none --msgs 20")
    assert "Beginning the durable consumer anew: nats-bench" in untimed(seen.err)
    again = bencher.done("js fetch --acks none --msgs 20")  # it does not wait for new messages
    assert result("JetStream durable consumer (fetch)", [20], True).fullmatch(again.out)


def test_a_consumer_of_the_user(bencher: Bencher) -> None:
    bencher.done("js pub async @s@ --create --msgs 20")
    seen = bencher.run("js fetch --consumer mine")
    assert seen.code == 1
    assert seen.err.endswith("getting durable consumer 'mine': consumer not found (10014)\n")
    words = ("consumer", "add", bencher.stream, "mine", "--pull", "--defaults", "--ack", "none")
    assert bencher.cli.run(*words).code == 0
    bencher.done("js fetch --consumer mine --acks none --msgs 20")
    seen = bencher.run("oldjs pull @s@ --consumer mine --msgs 20")
    assert seen.code == 1
    assert seen.err.endswith(
        f"it exists with other settings: `pynats consumer rm {bencher.stream} mine` removes it\n"
    )


def test_the_usual_bucket(bencher: Bencher) -> None:
    try:
        bencher.done("kv put --msgs 5")
        bencher.done("kv put --msgs 3 --purge")
        config = bencher.ask("stream", "info", "KV_benchbucket")["config"]
        assert isinstance(config, dict)
        assert (config["max_bytes"], config["description"]) == (1_073_741_824, "nats bench bucket")
        keys = bencher.cli.run("kv", "ls", "benchbucket", "--names").out.split()
        assert sorted(keys) == ["0", "1", "2"]
        seen = bencher.run("kv put --storage memory")
        assert seen.code == 1 and "bucket name already in use: benchbucket" in seen.err
        bencher.done("kv put --storage memory --history 3 --purge --msgs 4")
        config = bencher.ask("stream", "info", "KV_benchbucket")["config"]
        assert isinstance(config, dict)
        assert (config["storage"], config["max_msgs_per_subject"]) == ("memory", 3)
    finally:
        bencher.cli.run("kv", "del", "benchbucket", "--force")


def test_a_document(bencher: Bencher) -> None:
    seen = bencher.done("js pub async @s@ --create --msgs 40 --clients 2 --batch 10 --json")
    document = json.loads(seen.out)
    assert document["benchmark"] == "JetStream asynchronous publisher"
    assert document["complete"] is True
    assert [client["messages"] for client in document["clients"]] == [20, 20]
    assert document["aggregate"]["bytes"] == 40 * 128
    assert document["aggregate"]["operation_ns"]["count"] == 4


def test_a_steady_rate(bencher: Bencher) -> None:
    seen = bencher.done("js pub sync @s@ --create --duration 200ms --throughput 200 --json")
    document = json.loads(seen.out)
    assert document["aggregate"]["messages"] == 40
    assert document["aggregate"]["seconds"] > 0.19
    assert document["settings"]["duration_ns"] == 200_000_000
