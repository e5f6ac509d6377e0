"""Random load of every kind on an embedded server: what clients can do to streams.

`Load` keeps sending without waiting for answers, so that what the server does in steps has others
in between.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server

from tests.support.deadline import next_turn, wait_until_async
from tests.support.jetstream import PatientClient

SECOND_NS = 10**9
SUBJECTS = ("a.1", "a.2", "a.3", "a.4.x", "a.4.y")
IDS = 6  # different message ids
HELD = (  # what the main stream's configuration may become
    {"max_msgs_per_subject": 1},
    {"max_msgs_per_subject": 2},
    {"max_msgs_per_subject": 5},
    {"max_msgs_per_subject": -1},
    {"max_msgs": 10},
    {"max_msgs": 200},
    {"max_bytes": 900},
    {"duplicate_window": SECOND_NS // 10},
    {"duplicate_window": 60 * SECOND_NS},
    {"max_age": SECOND_NS // 5, "duplicate_window": SECOND_NS // 10},
    {"max_age": 0},
    {"max_msg_size": 150},  # too little for what a schedule publishes
    {"max_msg_size": -1},
)

MAIN: dict[str, Any] = {
    "name": "A", "subjects": ["a.>", "when.>"], "allow_rollup_hdrs": True, "allow_msg_ttl": True,
    "allow_atomic": True, "allow_batched": True, "allow_msg_schedules": True,
    "duplicate_window": 60 * SECOND_NS,
}  # fmt: skip


def streams(storage: str) -> list[dict[str, Any]]:
    """The streams, each with some features; followers come first and find their origins later."""
    configs: list[dict[str, Any]] = [
        {"name": "M", "mirror": {"name": "A"}, "max_msgs": 40, "allow_msg_ttl": True},
        {
            "name": "S", "sources": [{"name": "A", "filter_subject": "a.1"}, {"name": "N"}],
            "subjects": ["s.>"], "max_msgs_per_subject": 4, "allow_rollup_hdrs": True,
            "republish": {"src": "a.>", "dest": "again.>"}, "allow_msg_ttl": True,
        },
        {"name": "T", "sources": [{"name": "C"}], "allow_msg_counter": True},
        MAIN,
        {"name": "K", "subjects": ["k.*"], "allow_rollup_hdrs": True, "allow_msg_ttl": True,
         "subject_delete_marker_ttl": SECOND_NS, "max_age": SECOND_NS // 5,
         "duplicate_window": SECOND_NS // 10, "max_msgs_per_subject": 3},
        {"name": "N", "subjects": ["n.>"], "discard": "new", "max_msgs": 12, "allow_atomic": True,
         "max_msgs_per_subject": 3, "discard_new_per_subject": True},
        {"name": "C", "subjects": ["c.*"], "allow_msg_counter": True},
        {"name": "I", "subjects": ["i.*"], "retention": "interest", "allow_rollup_hdrs": True},
        {"name": "X", "subjects": ["x.*"],
         "subject_transform": {"src": "x.*", "dest": "y.{{wildcard(1)}}"}},
    ]  # fmt: skip
    return [{**config, "storage": storage} for config in configs]


class Load:
    """Sends random requests."""

    def __init__(self, server: Server, client: PatientClient) -> None:
        assert server.state.jetstream is not None
        self.streams: dict[str, Stream] = server.state.jetstream.accounts["$G"].streams
        self.client = client
        self.rnd = random.Random(0)
        self.inbox = client.new_inbox()
        self.batches = 0
        self.pending: set[asyncio.Future[Any]] = set()
        self.main = dict(MAIN)
        self.kinds: list[Callable[[], Any]] = [
            self.publish, self.publish, self.publish, self.many, self.batch, self.fast, self.purge,
            self.purge, self.delete, self.update, self.update, self.schedule, self.count,
            self.elsewhere, self.elsewhere, self.rest, self.sourced,
        ]  # fmt: skip

    async def steps(self, rnd: random.Random, count: int) -> None:
        """Does so many random things."""
        for step in range(count):
            await self.step(rnd.randrange(len(self.kinds)), rnd.random())
            if step % 10 == 9:
                await self.client.flush()

    async def step(self, kind: int, seed: float) -> None:
        """Does one thing of a kind (modulo their number), as the seed says."""
        self.rnd = random.Random(seed)
        await self.kinds[kind % len(self.kinds)]()

    async def end(self) -> None:
        """Waits until everything asked for is answered, and no long removal is under way."""
        await self.client.flush()
        await asyncio.gather(*self.pending)
        changes = [stream.changes for stream in self.streams.values()]
        await wait_until_async(lambda: all(each.is_idle for each in changes), "quiet")

    async def let_time_pass(self, has_come: Callable[[str, str], bool]) -> None:
        """Until, by stream and kind of operation, messages of both streams with ages or TTLs have
        expired, and a schedule that was due could not publish what has become too large."""
        await self._configure({"max_msg_size": -1, "max_age": 0})
        await self.client.publish("a.large", b"x" * 300)
        await self._configure({"max_msg_size": 150})
        due = {
            "Nats-Schedule": "@at 2020-01-01T00:00:00Z", "Nats-Schedule-Target": "a.1",
            "Nats-Schedule-Source": "a.large",
        }  # fmt: skip
        await self.client.publish("when.9", b"", headers=due)
        await self.client.publish("a.ttl", b"", headers={"Nats-TTL": "1"})
        await self.client.publish("k.age", b"")
        await self.client.flush()
        wanted = [("A", "Expire"), ("A", "Miss"), ("K", "Expire")]
        await wait_until_async(lambda: all(has_come(*each) for each in wanted), "time passes")

    async def _configure(self, changes: dict[str, Any]) -> None:
        self.main = {**self.main, **changes}
        self._ask("STREAM.UPDATE.A", {**self.main, "storage": self.streams["A"].config.storage})
        await asyncio.gather(*self.pending)

    # -- kinds --------------------------------------------------------------------------------

    async def _send(self, subject: str, headers: dict[str, str], payload: bytes = b"x") -> None:
        reply = self.inbox if self.rnd.random() < 0.7 else ""
        await self.client.publish(subject, payload, reply=reply, headers=headers or None)

    def _ask(self, subject: str, body: Any = None) -> None:
        payload = b"" if body is None else json.dumps(body).encode()
        self.pending.add(asyncio.ensure_future(self.client.request(f"$JS.API.{subject}", payload)))

    async def publish(self) -> None:
        rnd, headers, subject = self.rnd, {}, self.rnd.choice(SUBJECTS)
        last = self.streams["A"].store.last_seq
        match rnd.randrange(11):
            case 0 | 1:
                headers["Nats-Msg-Id"] = f"id-{rnd.randrange(IDS)}"
            case 2:
                headers["Nats-Expected-Last-Sequence"] = str(last + rnd.choice((0, 0, 1)))
            case 3:
                headers["Nats-Expected-Last-Subject-Sequence"] = str(rnd.randrange(last + 1))
            case 4:
                headers["Nats-Expected-Last-Msg-Id"] = f"id-{rnd.randrange(IDS)}"
            case 5:
                headers["Nats-Rollup"] = "sub"
            case 6:
                headers["Nats-Rollup"] = "sub"
                subject = rnd.choice(("a.*", "a.4.*"))
            case 7:
                headers["Nats-Rollup"] = "all"
            case 8 | 9:
                headers["Nats-TTL"] = rnd.choice(("1", "1", "never", "3h"))
            case 10:
                headers["Other"] = "header"
        await self._send(subject, headers, b"x" * rnd.choice((0, 1, 30)))

    async def many(self) -> None:
        for number in range(self.rnd.choice((20, 150))):
            await self._send(SUBJECTS[number % len(SUBJECTS)], {})

    async def elsewhere(self) -> None:
        for _ in range(self.rnd.randrange(1, 6)):
            await self.to_others()

    async def to_others(self) -> None:
        rnd = self.rnd
        subject = rnd.choice(("k.1", "k.2", "n.1", "n.2", "n.3", "i.1", "i.2", "x.1", "s.1"))
        headers: dict[str, str] = {}
        if subject[0] in "ki" and rnd.random() < 0.3:
            headers["Nats-Rollup"] = rnd.choice(("sub", "all"))
        if subject[0] in "nix" and rnd.random() < 0.3:
            headers["Nats-Msg-Id"] = f"id-{rnd.randrange(IDS)}"
        await self._send(subject, headers)

    async def count(self) -> None:
        increment = self.rnd.choice(("1", "-3", "12345678901234567890"))
        await self._send(f"c.{self.rnd.randrange(3)}", {"Nats-Incr": increment}, b"")

    async def batch(self) -> None:
        rnd, size = self.rnd, self.rnd.randrange(1, 7)
        self.batches += 1
        prefix = rnd.choice(("a.", "a.", "n."))
        for number in range(1, size + 1):
            headers = {"Nats-Batch-Id": f"b{self.batches}", "Nats-Batch-Sequence": str(number)}
            match rnd.randrange(8):
                case 0:
                    headers["Nats-Msg-Id"] = f"id-{rnd.randrange(IDS)}"
                case 1:
                    headers["Nats-Rollup"] = "sub"
                case 2 if number == 1:
                    headers["Nats-Rollup"] = "all"
                case 3:
                    headers["Nats-TTL"] = "1"
            if number == size:
                headers["Nats-Batch-Commit"] = "1"
            await self._send(f"{prefix}{rnd.randrange(1, 4)}", headers)

    async def fast(self) -> None:
        self.batches += 1
        size = self.rnd.randrange(2, 9)
        for number in range(1, size + 1):
            kind = 0 if number == 1 else 2 if number == size else 1
            reply = f"{self.inbox}.f{self.batches}.10.ok.{number}.{kind}.$FI"
            headers = {"Nats-Msg-Id": f"id-{self.rnd.randrange(IDS)}"} if number % 3 == 0 else None
            await self.client.publish(
                self.rnd.choice(SUBJECTS), b"fast", reply=reply, headers=headers
            )

    async def purge(self) -> None:
        rnd, name = self.rnd, self.rnd.choice(("A", "A", "A", "S", "N", "I"))
        last = self.streams[name].store.last_seq
        body: dict[str, Any] = {}
        if rnd.random() < 0.7:
            body["filter"] = rnd.choice(("a.1", "a.*", "a.4.>", "n.1", ">"))
        match rnd.randrange(3):
            case 0:
                body["keep"] = rnd.randrange(1, 4)
            case 1:
                body["seq"] = rnd.randrange(1, last + 3)
        self._ask(f"STREAM.PURGE.{name}", body)

    async def delete(self) -> None:
        rnd, name = self.rnd, self.rnd.choice(("A", "A", "S", "M", "C"))
        last = self.streams[name].store.last_seq
        body = {"seq": max(1, last - rnd.randrange(6)), "no_erase": rnd.random() < 0.5}
        self._ask(f"STREAM.MSG.DELETE.{name}", body)

    async def update(self) -> None:
        wanted = {**self.main, **self.rnd.choice(HELD)}
        if wanted.get("max_age") and wanted["duplicate_window"] > wanted["max_age"]:
            wanted["duplicate_window"] = wanted["max_age"]
        self.main = wanted
        storage = self.streams["A"].config.storage
        self._ask("STREAM.UPDATE.A", {**wanted, "storage": storage})

    async def schedule(self) -> None:
        rnd = self.rnd
        subject = f"when.{rnd.randrange(3)}"
        if rnd.random() < 0.2:
            ends = {"Nats-Schedule-Next": "purge", "Nats-Scheduler": subject}
            await self._send("a.1", ends)
            return
        headers = {
            "Nats-Schedule": rnd.choice(
                ("@at 2020-01-01T00:00:00Z", "@every 1s", "@at 2199-01-01T00:00:00Z", "@every 1h")
            ),
            "Nats-Schedule-Target": rnd.choice(("a.1", "a.2")),
        }
        if rnd.random() < 0.3:
            headers["Nats-Schedule-TTL"] = "1"
        await self._send(subject, headers)

    async def sourced(self) -> None:
        """The origin of sources is deleted and made anew: the same sequences, other messages."""
        if self.rnd.random() < 0.3:
            await self.end()
            config = next(each for each in streams(self.streams["N"].config.storage)
                          if each["name"] == "N")  # fmt: skip
            self._ask("STREAM.DELETE.N")
            await asyncio.gather(*self.pending)
            self._ask("STREAM.CREATE.N", config)
            await asyncio.gather(*self.pending)

    async def rest(self) -> None:
        for _ in range(self.rnd.randrange(4)):
            await next_turn()
