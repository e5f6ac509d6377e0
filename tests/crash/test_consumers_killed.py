"""kill -9 in the middle of consumption, repeatedly, with every kind of retention: what was
acknowledged with an answer does not come again, what was not acknowledged comes, and neither floors
nor numbers of deliveries go back behind what was saved. A stream that keeps messages for its
consumers loses exactly those that were acknowledged."""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest

from tests.support.client import Client, ConnectionRefused, Message
from tests.support.consumer_folders import running
from tests.support.deadline import Deadline
from tests.support.fuzzing import FUZZING, examples
from tests.support.process import PYNATS

ROUNDS = examples(6)
SEED = SystemRandom().randrange(1 << 32) if FUZZING else 1
WAIT_NS = 300_000_000  # for an acknowledgement
LONG_NS = 3600 * 1_000_000_000
SUBJECTS = 4
MOST = 3  # deliveries of a message by a consumer that gives up


@dataclass
class Reader:
    """A consumer, and what the application knows of it. Sequences are the stream's."""

    wait_ns: int
    policy: str = "explicit"
    max_deliver: int = -1
    filter: str = ""
    asked: set[int] = field(default_factory=set)  # it has sent an acknowledgement of these
    answered: set[int] = field(default_factory=set)  # and these were answered
    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # deliveries
    saved: dict[int, int] = field(default_factory=dict)  # of them, those an answer has covered
    floor: tuple[int, int] = (0, 0)  # as it was behind an answer

    @property
    def settings(self) -> dict[str, Any]:
        config = {
            "ack_policy": self.policy, "ack_wait": self.wait_ns, "max_ack_pending": -1,
            "max_deliver": self.max_deliver,
        }  # fmt: skip
        return config | ({"filter_subject": self.filter} if self.filter else {})

    def takes(self, subject: str) -> bool:
        return self.filter in ("", subject)

    def delivered(self, seq: int, count: int) -> None:
        assert seq not in self.answered, f"{seq} was acknowledged, and that was confirmed"
        assert count > self.saved.get(seq, 0), f"delivery {count} of {seq} was counted before"
        assert count <= self.max_deliver or self.max_deliver < 0, f"delivery {count} of {seq}"
        self.counts[seq] = max(self.counts[seq], count)

    def killed(self) -> None:
        """What was not covered by an answer may be forgotten."""
        self.counts = defaultdict(int, self.saved)

    def confirmed(self, seqs: set[int], counts: dict[int, int]) -> None:
        self.answered |= seqs
        self.saved.update(counts)


def readers(retention: str) -> dict[str, Reader]:
    """The consumers of a stream. Those of a work queue share its subjects."""
    found = {
        "wait": Reader(WAIT_NS),
        "hold": Reader(LONG_NS),
        "upto": Reader(LONG_NS, "all"),
        "few": Reader(WAIT_NS, max_deliver=MOST),
    }
    if retention == "workqueue":
        found["upto"].policy = "explicit"  # no other is allowed
        for number, reader in enumerate(found.values()):
            reader.filter = f"t.{number}"
    return found


def fetch(client: Client, consumer: str, batch: int) -> Iterator[tuple[int, int, Message]]:
    """(sequence, number of deliveries, message) of what there is now."""
    # Messages come with their own subjects, so the subscription tells what belongs together.
    sid = client.subscribe("pulled")
    asked = json.dumps({"batch": batch, "no_wait": True}).encode()
    client.publish(f"$JS.API.CONSUMER.MSG.NEXT.T.{consumer}", asked, b"", "pulled")
    found = 0
    while found < batch and (message := client.next(sid)) is not None and message.status is None:
        tokens = message.reply.split(".")
        yield int(tokens[5]), int(tokens[4]), message
        found += 1
    client.unsubscribe(sid)


class Application:
    """Publishes and consumes until the server is gone, and remembers."""

    def __init__(self, retention: str, seed: int) -> None:
        self.retention = retention
        self.chance = random.Random(seed)
        self.published: dict[int, str] = {}  # confirmed ones, with their subjects
        self.readers = readers(retention)
        self.had: dict[str, set[int]] = {name: set() for name in self.readers}  # was delivered

    def set_up(self, client: Client) -> None:
        config = {"name": "T", "subjects": ["t.*"], "retention": self.retention}
        self.ask(client, "STREAM.CREATE.T", config)
        for name, reader in self.readers.items():
            config = {"durable_name": name, **reader.settings}
            self.ask(client, f"CONSUMER.CREATE.T.{name}", {"stream_name": "T", "config": config})

    @staticmethod
    def ask(client: Client, verb: str, body: object) -> dict[str, Any]:
        answer = client.request(f"$JS.API.{verb}", json.dumps(body).encode())
        assert answer is not None
        found: dict[str, Any] = json.loads(answer.payload)
        assert "error" not in found
        return found

    def floor(self, client: Client, name: str) -> tuple[int, int]:
        floor = self.ask(client, f"CONSUMER.INFO.T.{name}", {})["ack_floor"]
        return floor["consumer_seq"], floor["stream_seq"]

    def work(self, client: Client) -> None:
        for _ in range(self.chance.randrange(5)):
            subject = f"t.{self.chance.randrange(SUBJECTS)}"
            answer = client.request(subject, b"x" * 100)
            assert answer is not None
            self.published[json.loads(answer.payload)["seq"]] = subject
        name = self.chance.choice(list(self.readers))
        reader = self.readers[name]
        found = list(fetch(client, name, self.chance.randrange(1, 12)))
        # All were delivered before the first is acknowledged. Redeliveries come in any order, so
        # that one may acknowledge others behind it.
        for seq, count, _ in found:
            reader.delivered(seq, count)
            self.had[name].add(seq)
        for seq, _, message in found:
            if reader.policy == "all":
                self.acknowledge(client, name, set(range(1, seq + 1)), message, 0.1, 0.1)
            else:
                self.acknowledge(client, name, {seq}, message, 0.3, 0.3)

    def acknowledge(
        self, client: Client, name: str, seqs: set[int], message: Message, asking: float,
        silent: float,
    ) -> None:  # fmt: skip
        reader, fate = self.readers[name], self.chance.random()
        verb = self.chance.choice((b"+ACK", b"+ACK", b"", b"+TERM", b"+TERM for a reason"))
        if fate < asking + silent:
            reader.asked |= seqs
        if fate < asking:
            counts = dict(reader.counts)
            assert client.request(message.reply, verb) is not None
            reader.confirmed(seqs, counts)
            if self.chance.random() < 0.3:
                assert client.request(message.reply, verb) is not None  # once more
                reader.floor = self.floor(client, name)
        elif fate < asking + silent:
            client.publish(message.reply, verb)
        elif fate < asking + silent + 0.1:
            client.publish(message.reply, self.chance.choice((b"-NAK", b'-NAK {"delay": 1000000}')))

    # -- after a kill -----------------------------------------------------------------------------

    def look(self, client: Client) -> None:
        """What was answered holds, and nothing else has gone."""
        for name, reader in self.readers.items():
            floor = self.floor(client, name)
            assert all(now >= then for now, then in zip(floor, reader.floor, strict=True)), (
                f"floor of {name} was {reader.floor}, and is {floor}"
            )
        kept = self.kept(client)
        for seq, subject in self.published.items():
            wanting = [one for one in self.readers.values() if one.takes(subject)]
            if self.retention == "limits" or any(seq not in one.asked for one in wanting):
                assert seq in kept, f"{seq} has gone, and not everybody has acknowledged it"
            elif all(seq in one.answered for one in wanting):
                assert seq not in kept, f"{seq} is there, and everybody's ack was confirmed"

    def kept(self, client: Client) -> set[int]:
        """The sequences of the stream's messages."""
        state = self.ask(client, "STREAM.INFO.T", {"deleted_details": True})["state"]
        every = set(range(state["first_seq"], state["last_seq"] + 1))
        return every - set(state.get("deleted") or [])

    def take_the_rest(self, client: Client) -> None:
        """Whatever was not acknowledged has to come now, unless it was delivered too often."""
        for name, reader in self.readers.items():
            if reader.wait_ns == LONG_NS:
                # What is out comes only after an hour: begin again behind what is acknowledged.
                self.ask(client, f"CONSUMER.RESET.T.{name}", {})
                reader.counts.clear()
                reader.saved.clear()
                reader.floor = (0, 0)
            wanted = {seq for seq, subject in self.published.items() if reader.takes(subject)}
            deadline = Deadline()
            while missing := {seq for seq in wanted - reader.asked if not self.is_spent(name, seq)}:
                deadline.check(f"{sorted(missing)[:20]} of {name}")
                for seq, count, message in list(fetch(client, name, 500)):
                    if seq not in reader.answered or reader.wait_ns == WAIT_NS:
                        reader.delivered(seq, count)
                    reader.asked |= set(range(1, seq + 1)) if reader.policy == "all" else {seq}
                    client.publish(message.reply, b"+ACK")
                    deadline = Deadline()

    def is_spent(self, name: str, seq: int) -> bool:
        """Whether the consumer has had it, and need not get it again."""
        return self.readers[name].max_deliver > 0 and seq in self.had[name]


@pytest.mark.parametrize("retention", ["limits", "interest", "workqueue"])
def test_consumers_go_on_after_every_kill(tmp_path: Path, retention: str) -> None:
    application = Application(retention, SEED)
    store = tmp_path / "js"
    for number in range(ROUNDS):
        with running(PYNATS, store) as (server, _):
            client = Client(server.port)
            if number == 0:
                application.set_up(client)
            else:
                application.look(client)
            killing = threading.Timer(application.chance.uniform(0.0, 1.0), server.kill)
            killing.start()
            with suppress(ConnectionRefused, OSError):
                while True:
                    application.work(client)
            killing.join()
            client.close()
            for reader in application.readers.values():
                reader.killed()
            assert "[ERR]" not in server.log()
    with running(PYNATS, store) as (server, _), Client(server.port) as client:
        application.look(client)
        application.take_the_rest(client)
        application.look(client)
    assert all(reader.answered for reader in application.readers.values())
