"""kill -9 in the middle of consumption, repeatedly: what was acknowledged with an answer does not
come again, what was not acknowledged comes, and numbers of deliveries do not go back behind what
was saved."""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.client import Client, ConnectionRefused, Message
from tests.support.consumer_folders import running
from tests.support.deadline import Deadline
from tests.support.fuzzing import examples
from tests.support.process import PYNATS

ROUNDS = examples(20)
WAIT_NS = 300_000_000  # for an acknowledgement
LONG_NS = 3600 * 1_000_000_000
POLICIES = {"wait": WAIT_NS, "hold": LONG_NS, "upto": LONG_NS}  # consumers, and their ack_wait


@dataclass
class Told:
    """What the application knows of one consumer. Sequences are the stream's."""

    asked: set[int] = field(default_factory=set)  # it has sent an acknowledgement of these
    answered: set[int] = field(default_factory=set)  # and these were answered
    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # deliveries
    saved: dict[int, int] = field(default_factory=dict)  # of them, those an answer has covered

    def delivered(self, seq: int, count: int) -> None:
        assert seq not in self.answered, f"{seq} was acknowledged, and that was confirmed"
        assert count > self.saved.get(seq, 0), f"delivery {count} of {seq} was counted before"
        self.counts[seq] = max(self.counts[seq], count)

    def killed(self) -> None:
        """What was not covered by an answer may be forgotten."""
        self.counts = defaultdict(int, self.saved)

    def confirmed(self, seqs: set[int], counts: dict[int, int]) -> None:
        self.answered |= seqs
        self.saved.update(counts)


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

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.published: set[int] = set()  # confirmed
        self.told = {name: Told() for name in POLICIES}

    def set_up(self, client: Client) -> None:
        self.ask(client, "STREAM.CREATE.T", {"name": "T", "subjects": ["t.*"]})
        for name, wait_ns in POLICIES.items():
            policy = "all" if name == "upto" else "explicit"
            config = {
                "durable_name": name, "ack_policy": policy, "ack_wait": wait_ns,
                "max_ack_pending": -1,
            }  # fmt: skip
            self.ask(client, f"CONSUMER.CREATE.T.{name}", {"stream_name": "T", "config": config})

    @staticmethod
    def ask(client: Client, verb: str, body: object) -> None:
        answer = client.request(f"$JS.API.{verb}", json.dumps(body).encode())
        assert answer is not None and "error" not in json.loads(answer.payload)

    def work(self, client: Client) -> None:
        for _ in range(self.chance.randrange(5)):
            answer = client.request(f"t.{self.chance.randrange(3)}", b"x" * 100)
            assert answer is not None
            self.published.add(json.loads(answer.payload)["seq"])
        name = self.chance.choice(list(POLICIES))
        for seq, count, message in list(fetch(client, name, self.chance.randrange(1, 12))):
            told = self.told[name]
            told.delivered(seq, count)
            if name == "upto":
                self.acknowledge(client, told, set(range(1, seq + 1)), message, 0.1, 0.1)
            else:
                self.acknowledge(client, told, {seq}, message, 0.3, 0.4)

    def acknowledge(
        self, client: Client, told: Told, seqs: set[int], message: Message, asking: float,
        silent: float,
    ) -> None:  # fmt: skip
        fate = self.chance.random()
        if fate < asking + silent:
            told.asked |= seqs
        if fate < asking:
            counts = dict(told.counts)
            assert client.request(message.reply, b"+ACK") is not None
            told.confirmed(seqs, counts)
        elif fate < asking + silent:
            client.publish(message.reply, b"+ACK")
        elif fate < asking + silent + 0.1:
            client.publish(message.reply, b"-NAK")

    def take_the_rest(self, client: Client) -> None:
        """Whatever was not acknowledged has to come now."""
        for name, told in self.told.items():
            if POLICIES[name] == LONG_NS:
                # What is out comes only after an hour: begin again behind what is acknowledged.
                self.ask(client, f"CONSUMER.RESET.T.{name}", {})
                told.counts.clear()
                told.saved.clear()
            deadline = Deadline()
            while missing := self.published - told.asked:
                deadline.check(f"{sorted(missing)[:20]} of {name}")
                for seq, count, message in list(fetch(client, name, 500)):
                    if seq not in told.answered or POLICIES[name] == WAIT_NS:
                        told.delivered(seq, count)
                    told.asked |= set(range(1, seq + 1)) if name == "upto" else {seq}
                    client.publish(message.reply, b"+ACK")
                    deadline = Deadline()


def test_consumers_go_on_after_every_kill(tmp_path: Path) -> None:
    application = Application(1)
    store = tmp_path / "js"
    for number in range(ROUNDS):
        with running(PYNATS, store) as (server, _):
            client = Client(server.port)
            if number == 0:
                application.set_up(client)
            killing = threading.Timer(application.chance.uniform(0.0, 1.0), server.kill)
            killing.start()
            with suppress(ConnectionRefused, OSError):
                while True:
                    application.work(client)
            killing.join()
            client.close()
            for told in application.told.values():
                told.killed()
            assert "[ERR]" not in server.log()
    with running(PYNATS, store) as (server, _), Client(server.port) as client:
        application.take_the_rest(client)
    assert all(told.answered for told in application.told.values())
