"""The consumers of a stream: made, found, listed and removed, together with their files."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import time
import weakref
from itertools import pairwise
from pathlib import Path
from typing import Any

from pynats_common.go.times import format_time_ns
from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.api import consumers as endpoints
from pynats_server.jetstream.api.request import Request
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.registry import STEP
from pynats_server.jetstream.store.format.consumer_state import decode_consumer_state
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server
from pynats_server.work import finish

from tests.support.deadline import wait_until_async
from tests.support.jetstream import PatientClient, api, connect, serving
from tests.support.on_loop import on_loop

HOUR = 3600 * 1_000_000_000
EXPLICIT = {"ack_policy": "explicit"}
Json = dict[str, Any]


def account_of(server: Server) -> JetStreamAccount:
    assert server.state.jetstream is not None
    return server.state.jetstream.accounts["$G"]


def stream_of(server: Server, name: str = "S") -> Stream:
    return account_of(server).streams[name]


async def make_stream(client: PatientClient, name: str = "S", **config: Any) -> None:
    body = {"name": name, "subjects": [f"{name}.>"], "max_consumers": 20_000, **config}
    assert "error" not in await api(client, f"STREAM.CREATE.{name}", body)


async def make(client: PatientClient, name: str, stream: str = "S", **config: Any) -> Json:
    body = {"stream_name": stream, "config": {"durable_name": name, **EXPLICIT, **config}}
    return await api(client, f"CONSUMER.CREATE.{stream}.{name}", body)


def on_disk(server: Server, name: str = "S") -> list[str]:
    folder = stream_of(server, name).folder
    assert folder is not None
    return sorted(path.name for path in (folder / "obs").glob("*"))


@on_loop
async def test_who_makes_and_removes_the_same_names_at_once_agrees_with_the_disk(
    tmp_path: Path,
) -> None:
    """Five clients, four names: in the end memory, disk and counts are one."""
    chance = random.Random(1)

    async def work(client: PatientClient, seed: int) -> None:
        mine = random.Random(seed)
        for _ in range(25):
            name = mine.choice("abcd")
            if mine.random() < 0.5:
                await make(client, name, max_deliver=mine.choice([-1, 5]))
            else:
                await api(client, f"CONSUMER.DELETE.S.{name}")

    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        clients = [await connect(server.client_url) for _ in range(5)]
        await asyncio.gather(*(work(each, chance.randrange(1000)) for each in clients))
        for each in clients:
            await each.close()
        stream = stream_of(server)
        names = (await api(client, "CONSUMER.NAMES.S"))["consumers"]
        assert names == sorted(stream.consumers.by_name)
        assert names == on_disk(server)
        assert stream.consumers.counted() == len(names)
        assert (await api(client, "INFO"))["consumers"] == len(names)
        before = (await api(client, "CONSUMER.LIST.S"))["consumers"]
    async with serving(tmp_path) as (server, client):
        after = (await api(client, "CONSUMER.LIST.S"))["consumers"]
    for told in (*before, *after):
        del told["ts"]
    assert after == before


async def put_many(server: Server, count: int) -> list[str]:
    """Consumers without the API, which would take its time."""
    consumers = stream_of(server).consumers
    for number in range(count):
        config = ConsumerConfig(durable_name=f"c{number}", ack_policy="explicit", mem_storage=True)
        prepared = finish(consumers.preparing(config, "create", False))
        await consumers.add(finish(consumers.beginning(prepared)))
    return sorted(f"c{number}" for number in range(count))


@on_loop
async def test_ten_thousand_consumers_are_listed_some_at_a_time(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        expected = await put_many(server, 10_000)
        for verb, page in (("NAMES", 1024), ("LIST", 256)):
            found: list[str] = []
            while len(found) < len(expected):
                told = await api(client, f"CONSUMER.{verb}.S", {"offset": len(found)})
                assert (told["total"], told["offset"], told["limit"]) == (
                    10_000, len(found), page,
                )  # fmt: skip
                entries = told["consumers"]
                assert len(entries) == min(page, 10_000 - len(found))
                found += entries if verb == "NAMES" else [entry["name"] for entry in entries]
            assert found == expected
        described = [0]

        class Counting(dict[str, Any]):
            def get(self, key: str, default: Any = None) -> Any:
                described[0] += 1
                return super().get(key, default)

        consumers = stream_of(server).consumers
        consumers.by_name = Counting(consumers.by_name)
        request = Request(account_of(server), "", ["S"], b"", b"", b"")
        steps = endpoints.listing(request)
        assert not isinstance(steps, dict)
        most, at_first = described[0], described[0]
        for _ in steps:
            most = max(most, described[0] - at_first)
            at_first = described[0]
        assert described[0] == 256
        assert most <= endpoints.STEP_CONSUMERS + 1
        steps = stream_of(server).consumers.ending(b"409 Consumer Deleted")
        left = [len(consumers)]
        for _ in steps:
            left.append(len(consumers))
        assert max(before - after for before, after in pairwise(left)) <= STEP
        assert len(consumers) == 0
        assert account_of(server).context.consumers.count == 0


@on_loop
async def test_one_that_is_deleted_while_a_list_is_made_is_left_out(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        names = await put_many(server, 100)
        steps = endpoints.listing(Request(account_of(server), "", ["S"], b"", b"", b""))
        assert not isinstance(steps, dict)
        next(steps)
        consumers = stream_of(server).consumers
        await consumers.delete(consumers.by_name[names[-1]])
        while True:
            try:
                next(steps)
            except StopIteration as end:
                told = json.loads(bytes(end.value["consumers"]))
                break
        assert [entry["name"] for entry in told] == names[:-1]


@on_loop
async def test_a_consumer_whose_files_cannot_be_made_is_refused_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        folder = stream_of(server).folder
        assert folder is not None
        (folder / "obs").write_text("in the way")
        made = await make(client, "c")
        assert (made["error"]["code"], made["error"]["err_code"]) == (500, 10104)
        assert "error creating store for consumer" in made["error"]["description"]
        assert (await api(client, "CONSUMER.NAMES.S"))["consumers"] == []
        assert (await api(client, "INFO"))["consumers"] == 0
        assert not list((tmp_path / "jetstream" / ".snap-staging").glob("*"))
        (folder / "obs").unlink()
        assert "error" not in await make(client, "c")


@on_loop
async def test_a_consumer_whose_files_cannot_be_removed_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        await make(client, "c")
        for number in range(3):
            await client.request(f"S.{number}", b"x")
        staging = tmp_path / "jetstream" / ".snap-staging"
        staging.rmdir()
        staging.write_text("no folder")
        refused = await api(client, "CONSUMER.DELETE.S.c")
        assert refused["error"]["err_code"] == 10051
        told = await api(client, "CONSUMER.INFO.S.c")
        assert told["num_pending"] == 3
        assert on_disk(server) == ["c"]
        inbox = await client.subscribe("pulled")
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.c", b"1", reply="pulled")
        message = await inbox.next_msg(timeout=10)
        assert (await client.request(message.reply, b"+ACK")).data == b""
        staging.unlink()
        assert (await api(client, "CONSUMER.DELETE.S.c"))["success"]
        assert on_disk(server) == []


@on_loop
async def test_unused_consumers_end_with_their_files_and_are_told_of(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        told = await client.subscribe("$JS.EVENT.ADVISORY.CONSUMER.DELETED.S.*")
        body = {
            "stream_name": "S",
            "config": {"name": "e", **EXPLICIT, "inactive_threshold": 10**8},
        }
        made = await api(client, "CONSUMER.CREATE.S.e", body)
        assert made["config"]["inactive_threshold"] == 10**8
        await make(client, "stays")
        advisory = json.loads((await told.next_msg(timeout=10)).data)
        assert (advisory["consumer"], advisory["action"]) == ("e", "delete")
        assert on_disk(server) == ["stays"]
        assert (await api(client, "CONSUMER.NAMES.S"))["consumers"] == ["stays"]


@on_loop
async def test_the_end_of_a_stream_ends_its_consumers_and_their_counts(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        await make_stream(client, "T", storage="memory")
        await make(client, "a")
        await make(client, "b", "T")
        waiting = await client.subscribe("waiting")
        for place in ("S.a", "T.b"):
            await client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{place}", b'{"batch":1}', reply="waiting"
            )
        await wait_until_async(
            lambda: stream_of(server, "T").consumers.by_name["b"].num_waiting == 1, "a pull waits"
        )
        for name in ("S", "T"):
            assert (await api(client, f"STREAM.DELETE.{name}"))["success"]
            status = await waiting.next_msg(timeout=10)
            assert status.headers is not None
            assert status.headers["Description"] == "Consumer Deleted"
        assert (await api(client, "INFO"))["consumers"] == 0
        assert account_of(server).context.server.consumers.count == 0
        await make_stream(client)
        assert (await api(client, "CONSUMER.NAMES.S"))["consumers"] == []


@on_loop
async def test_damage_is_told_to_streams_that_keep_advisories(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        await make_stream(client, "A", subjects=["$JS.EVENT.ADVISORY.CONSUMER.DAMAGED.>"])
        await make(client, "c")
        folder = stream_of(server).folder
        assert folder is not None
    (folder / "obs" / "c" / "o.dat").write_bytes(b"\x00\x01rubbish")
    async with serving(tmp_path) as (server, client):
        kept = await api(client, "STREAM.MSG.GET.A", {"seq": 1})
        assert kept["message"]["subject"] == "$JS.EVENT.ADVISORY.CONSUMER.DAMAGED.S.c"
        assert (await api(client, "CONSUMER.INFO.S.c"))["name"] == "c"
        assert "o.dat" in stream_of(server).consumers.damage["c"]


@on_loop
async def test_an_answer_tells_of_one_moment_although_messages_are_on_their_way(
    tmp_path: Path,
) -> None:
    """Watchers of buckets add what has been delivered and what is pending."""
    async with serving(tmp_path) as (_, client):
        await make_stream(client)
        for number in range(10):
            await client.request(f"S.{number}", b"x")
        inbox = await client.subscribe("in")
        await client.flush()
        made = await make(client, "c", deliver_subject="in")
        assert made["delivered"]["consumer_seq"] + made["num_pending"] == 10
        got = [(await inbox.next_msg(timeout=10)).subject for _ in range(10)]
        assert got == [f"S.{number}" for number in range(10)]


@on_loop
async def test_a_pause_is_told_when_it_begins_and_when_its_time_is_over(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client):
        await make_stream(client)
        await make(client, "c")
        told = await client.subscribe("$JS.EVENT.ADVISORY.CONSUMER.PAUSE.S.c")
        until = format_time_ns(time.time_ns() + 300_000_000)
        answer = await api(client, "CONSUMER.PAUSE.S.c", {"pause_until": until})
        assert (answer["paused"], answer["pause_until"]) == (True, until)
        assert 0 < answer["pause_remaining"] <= 300_000_000
        for paused in (True, False):
            advisory = json.loads((await told.next_msg(timeout=10)).data)
            assert (advisory["paused"], advisory["pause_until"]) == (paused, until)
        info = await api(client, "CONSUMER.INFO.S.c")
        assert "paused" not in info
        assert info["config"]["pause_until"] == until
        assert info["config"]["metadata"]["_nats.req.level"] == "1"


@on_loop
async def test_a_reset_that_was_answered_holds_after_a_power_cut(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        for number in range(5):
            await client.request(f"S.{number}", b"x")
        await make(client, "c")
        told = await api(client, "CONSUMER.RESET.S.c", {"seq": 4})
        folder = stream_of(server).folder
        assert folder is not None
        state = (folder / "obs" / "c" / "o.dat").read_bytes()
        assert decode_consumer_state(state).delivered == (0, 3)
        assert (told["reset_seq"], told["num_pending"]) == (4, 2)


@on_loop
async def test_what_empties_a_stream_counts_no_consumer_anew_before_it_is_needed(
    tmp_path: Path,
) -> None:
    """However many there are, and whatever they wait for, their counts are exact."""
    count = 300
    async with serving(tmp_path) as (server, client):
        await make_stream(client, storage="memory", max_consumers=count)
        stream = stream_of(server)
        consumers = stream.consumers
        for number in range(count):
            config = ConsumerConfig(
                durable_name=f"c{number}", filter_subject=f"S.{number}.*", **EXPLICIT
            )
            prepared = finish(consumers.preparing(config, "create", False))
            await consumers.add(finish(consumers.beginning(prepared)))
        for number in range(count):
            await client.publish(f"S.{number}.a", b"")
            await client.publish(f"S.{number}.b", b"")
        await client.flush()
        await wait_until_async(lambda: stream.store.msgs == 2 * count, "the messages")
        engine = account_of(server).server.engine
        first = consumers.get("c0")
        pull = json.dumps({"batch": 1, "no_wait": True}).encode()
        inbox = await client.subscribe("inbox")
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.c0", pull, reply="inbox")
        assert (await inbox.next_msg()).subject == "S.0.a"
        assert (first.num_pending, first.num_ack_pending) == (1, 1)

        before = engine.steps
        stream.store.keep_last()  # as a rollup does
        assert engine.steps - before < count
        assert (first.num_pending, first.num_ack_pending) == (0, 0)
        last = consumers.get(f"c{count - 1}")
        assert last.num_pending == 1
        await client.publish("S.0.c", b"")
        await client.publish(f"S.{count - 1}.c", b"")
        await client.flush()
        await wait_until_async(lambda: stream.store.msgs == 3, "the messages")
        assert (first.num_pending, last.num_pending) == (1, 2)
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.c0", pull, reply="inbox")
        assert (await inbox.next_msg()).subject == "S.0.c"
        assert sum(consumers.get(f"c{number}").num_pending for number in range(count)) == 2


@on_loop
async def test_consumers_that_have_ended_are_freed_without_a_collection(tmp_path: Path) -> None:
    """Those that live long are never collected, see `process.garbage`."""
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        await make(client, "pulled")
        await make(client, "pushed", deliver_subject="to")
        await make(client, "left", inactive_threshold=HOUR)
        consumers = stream_of(server).consumers
        known = [weakref.ref(consumer) for consumer in consumers.by_name.values()]
        gc.collect()
        gc.disable()
        try:
            for name in ("pulled", "pushed", "left"):
                await api(client, f"CONSUMER.DELETE.S.{name}")
            await wait_until_async(lambda: not any(one() for one in known), "their end")
        finally:
            gc.enable()


@on_loop
async def test_consumers_that_end_together_are_freed_some_at_a_time(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, client):
        await make_stream(client)
        await put_many(server, 10 * STEP)
        consumers = stream_of(server).consumers
        known = [weakref.ref(consumer) for consumer in consumers.by_name.values()]
        left = [len(known)]
        gc.disable()
        try:
            for _ in consumers.ending(b""):
                left.append(sum(one() is not None for one in known))
        finally:
            gc.enable()
        assert max(before - after for before, after in pairwise(left)) <= STEP
        assert len(left) > 9


@on_loop
async def test_a_consumer_delivers_nothing_before_its_acknowledgements_find_it(
    tmp_path: Path,
) -> None:
    """What a receiver answers at once would reach nobody."""
    async with serving(tmp_path) as (server, client):
        await make_stream(client, storage="memory")
        await client.request("S.a", b"")
        inbox = await client.subscribe("inbox")
        await client.flush()
        consumers = stream_of(server).consumers
        config = ConsumerConfig(durable_name="c", deliver_subject="inbox", **EXPLICIT)
        consumer = finish(consumers.beginning(finish(consumers.preparing(config, "create", False))))
        finish(consumer.joining())
        await client.flush()  # turns of the engine
        assert (consumer.num_pending, consumer.num_ack_pending) == (1, 0)
        consumer.start()
        message = await inbox.next_msg()
        await client.request(message.reply, b"")
        assert (consumer.num_pending, consumer.num_ack_pending) == (0, 0)
        consumer.stop()
