"""Putting a case to a server, and to our rules alone."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conformance.jetstream.consumer_config.case import (
    PLAIN,
    Case,
    Json,
    Step,
    told,
)
from tests.conformance.jetstream.shorten import WITHOUT, shorten
from tests.support.deadline import PATIENCE_S
from tests.support.fake_account import CREATE, FakeAccount
from tests.support.fake_stream import FakeStream
from tests.support.oracle import Oracle

ANSWERS = dict[str, str]


@contextmanager
def listening(port: int, subjects: tuple[str, ...]) -> Iterator[None]:
    """Somebody listens to these subjects."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
        lines = [f"SUB {subject} {place}\r\n" for place, subject in enumerate(subjects)]
        client.sendall("".join(["CONNECT {}\r\n", *lines, "PING\r\n"]).encode())
        with client.makefile("rb") as file:
            while file.readline() != b"PONG\r\n":
                pass
            yield


def asked(case: Case, oracle: Oracle, **stream: str) -> ANSWERS:
    """What a server says to each step, by label; `stream` are more fields of the stream."""
    made = oracle.api("STREAM.CREATE.S", **case.config, **stream)
    assert "error" not in made, made
    try:
        with listening(oracle.port, case.heard):
            return {
                label: _answer(oracle, step, case.fresh)
                for label, step in zip(case.labels, case.steps, strict=True)
            }
    finally:
        oracle.api("STREAM.DELETE.S")


def _answer(oracle: Oracle, step: Step, fresh: bool) -> str:
    reply = oracle.request(f"$JS.API.CONSUMER.{step.to}".encode(), step.body)
    if reply.startswith(b"NATS/1.0"):  # the stream's identity
        reply = reply.partition(b"\r\n\r\n")[2]
    answer = json.loads(reply)
    if "error" not in answer:
        if fresh:
            oracle.api(f"CONSUMER.DELETE.S.{answer['name']}")
        # The name that the server has given is not in the configuration before the next start.
        if "name" not in answer["config"]:
            answer["config"] = {"name": answer["name"], **answer["config"]}
    return brief(answer, step)


def decided(case: Case, stream: FakeStream | None = None, strict: bool = True) -> ANSWERS:
    """What our rules say to each step, by label."""
    stream = stream or fake_stream(case)
    answers: ANSWERS = {}
    for label, step in zip(case.labels, case.steps, strict=True):
        answers[label] = brief(stream.answer(f"CONSUMER.{step.to}", step.body, strict), step)
        if case.fresh:
            stream.clear()
    return answers


def fake_stream(case: Case) -> FakeStream:
    """The stream of a case, as our rules for streams make it."""
    account = FakeAccount()
    made = account.answer(CREATE, "S", json.dumps(case.config).encode())
    assert "config" in made, made
    return FakeStream(account.configs["S"], heard=set(case.heard))


def brief(answer: Json, step: Step) -> str:
    """One line: the error, or the configuration in short form, its name without the random part."""
    if "error" in answer:
        return told(**answer["error"])
    config = answer["config"]
    name = config["name"]
    if not any(each in step.text for each in (name, json.dumps(name)[1:-1])):
        assert len(name.rpartition("-")[2]) == 8
        config = {**config, "name": f"{name[:-8]}<random>"}
    short = {key: shorten(value) for key, value in config.items() if PLAIN.get(key) != value}
    if missing := sorted(PLAIN.keys() - config.keys()):
        short[WITHOUT] = missing
    return json.dumps(short, separators=(",", ":"))


def with_ours(case: Case, theirs: ANSWERS) -> ANSWERS:
    """Their answers, with ours where they differ on purpose."""
    expected = dict(theirs)
    for label, step in zip(case.labels, case.steps, strict=True):
        if step.ours is not None:
            assert step.why
            assert expected[label] != step.ours, f"no difference any more: {label}"
            expected[label] = step.ours
    return expected
