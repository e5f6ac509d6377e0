"""`pynats counter` against a server."""

from __future__ import annotations

import json
from itertools import count

import pytest

from tests.cli.conftest import Cli, Result
from tests.support.deadline import wait_until

_NUMBERS = count(1)


class Counters:
    """A stream of counters on `<prefix>.>`."""

    def __init__(self, cli: Cli, prefix: str) -> None:
        self.cli = cli
        self.prefix = prefix

    def run(self, *words: str) -> Result:
        """`pynats counter WORDS`; `p.` in front of a word stands for the prefix."""
        prefixed = (f"{self.prefix}{word[1:]}" if word.startswith("p.") else word for word in words)
        return self.cli.run("counter", *prefixed)

    def done(self, *words: str) -> str:
        result = self.run(*words)
        assert result.code == 0, result.err
        return result.out

    def failed(self, *words: str) -> str:
        result = self.run(*words)
        assert (result.code, result.out) == (1, "")
        return result.err.removeprefix("pynats: error: ").rstrip()


def create(cli: Cli, name: str, **config: object) -> None:
    request = json.dumps({"name": name, "storage": "memory", **config})
    answer = cli.run("req", "--raw", f"$JS.API.STREAM.CREATE.{name}", request).out
    assert '"error"' not in answer, answer


@pytest.fixture
def counters(stream_cli: Cli) -> Counters:
    prefix = f"CNT{next(_NUMBERS)}"
    create(stream_cli, prefix, subjects=[f"{prefix}.>"], allow_msg_counter=True, allow_direct=True)
    return Counters(stream_cli, prefix)


def test_counting_up_and_down(counters: Counters) -> None:
    assert counters.done("incr", "p.a", "5") == "5\n"
    assert counters.done("increment", "p.a", "+5") == "10\n"
    assert counters.done("inc", "p.a", "--", "-3") == "7\n"
    assert counters.done("decr", "p.a", "2") == "5\n"
    assert counters.done("decrement", "p.b", "2") == "-2\n"
    assert counters.done("dec", "p.b", "--", "-2") == "0\n"
    assert counters.done("get", "p.a") == "5\n"
    assert counters.done("get", "p.a", "--stream", counters.prefix) == "5\n"


def test_numbers_may_be_large(counters: Counters) -> None:
    counters.done("incr", "p.a", "9" * 40)
    assert counters.done("incr", "p.a", "1") == f"1{'0' * 40}\n"
    assert json.loads(counters.done("get", "p.a", "--json"))["val"] == f"1{'0' * 40}"


def test_view(counters: Counters) -> None:
    counters.done("incr", "p.a", "1200000")
    counters.done("incr", "p.a", "34567")
    subject = f"{counters.prefix}.a"
    assert counters.done("view", "p.a").splitlines() == [
        f"Counter {subject}", "", "      Value: 1,234,567", "  Increment: 34567",
        f"    Subject: {subject}", "", " No source information found",
    ]  # fmt: skip


def test_view_of_a_counter_that_others_feed(counters: Counters) -> None:
    counters.done("incr", "p.a", "12")
    name = f"{counters.prefix}SUM"
    transform = {"src": f"{counters.prefix}.>", "dest": f"{name}.>"}
    source = {"name": counters.prefix, "subject_transforms": [transform]}
    create(counters.cli, name, sources=[source], allow_msg_counter=True, allow_direct=True)
    sum_of = Counters(counters.cli, name)
    words = ("view", "p.a", "--stream", name)
    wait_until(lambda: sum_of.run(*words).code == 0, "the counter of the source")
    lines = sum_of.done(*words).splitlines()
    assert lines[-3:] == ["Sources:", "", f"       {counters.prefix}: {counters.prefix}.a: 12"]
    found = json.loads(sum_of.done(*words, "--json"))
    assert found["sources"] == {counters.prefix: {f"{counters.prefix}.a": "12"}}


def test_list(counters: Counters) -> None:
    for subject in ("p.b", "p.a.x", "p.a.y"):
        counters.done("incr", subject, "1")
    names = [f"{counters.prefix}.{token}" for token in ("a.x", "a.y", "b")]
    assert counters.done("ls", "p.>").split() == names
    assert counters.done("list", "--stream", counters.prefix).split() == names
    assert json.loads(counters.done("l", "p.a.*", "--json")) == names[:2]


def test_an_empty_list_is_no_failure(counters: Counters) -> None:
    result = counters.run("ls", "p.none")
    assert (result.code, result.out, result.err) == (0, "", "no counters found\n")
    assert json.loads(counters.done("ls", "p.none", "--json")) == []


def test_what_cannot_be(counters: Counters) -> None:
    assert counters.failed("ls") == "no stream or subject specified"
    assert counters.failed("get", "p.zz") == (
        f"counter not initialized for subject: {counters.prefix}.zz"
    )
    assert counters.failed("incr", "p.a", "abc") == 'invalid value "abc": not a whole number'
    assert "required argument 'value' not provided" in counters.failed("incr", "p.a")
    assert "(10059)" in counters.failed("incr", "nobody.has.this", "1")
    assert counters.failed("get", "p.a", "--stream", "NOPE") == 'stream "NOPE" not found'
    assert "not the subject of one counter" in counters.failed("incr", "p.*", "1")
    assert "not the subject of one counter" in counters.failed("get", "p.>")


def test_other_streams_hold_no_counters(counters: Counters) -> None:
    plain = f"{counters.prefix}PLAIN"
    create(counters.cli, plain, subjects=[plain])
    for words in (("get", plain), ("incr", plain, "1"), ("ls", plain), ("view", plain)):
        assert f'"{plain}" is not a valid counter stream' in counters.failed(*words)
