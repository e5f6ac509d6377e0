"""A clock that was wrong and is right again: nothing stands still until it has caught up, and what
is counted in seconds goes by the steady clock."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from pynats_common.go.times import format_time_ns, parse_time_ns
from pynats_server.jetstream.clock import now_ns, set_wall_clock
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server

from tests.support.deadline import wait_until_async
from tests.support.jetstream import api, connect, jetstream_server

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
YEARS = 10 * 365 * 24 * HOUR
SOON = SECOND // 5

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    set_wall_clock(0)


class Scene:
    """A server and a client of it."""

    def __init__(self, server: Server, client: Client) -> None:
        self.server = server
        self.client = client

    def stream(self, name: str = "S") -> Stream:
        assert self.server.state.jetstream is not None
        return self.server.state.jetstream.accounts["$G"].streams[name]

    async def make(self, name: str = "S", **config: Any) -> None:
        config = {"name": name, "subjects": [f"{name}.>"], **config}
        answer = await api(self.client, f"STREAM.CREATE.{name}", config)
        assert "error" not in answer, answer

    async def publish(self, subject: str = "S.a", **headers: str) -> Json:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = await self.client.request(subject, b"x", headers=said or None)
        answer: Json = json.loads(reply.data)
        assert "error" not in answer, answer
        return answer

    def times(self, name: str = "S") -> list[int]:
        return [ts for _, ts in self.stream(name).store.oldest()]

    async def consumer(self, name: str, **config: Any) -> None:
        config = {"name": name, "durable_name": name, "ack_policy": "explicit", **config}
        asked = {"stream_name": "S", "config": config}
        answer = await api(self.client, f"CONSUMER.CREATE.S.{name}", asked)
        assert "error" not in answer, answer

    async def info(self, name: str) -> Json:
        return await api(self.client, f"CONSUMER.INFO.S.{name}")

    async def ask(self, name: str, **request: Any) -> Msg:
        """The first answer to a request for a message: it, or a status."""
        return await self.client.request(
            f"$JS.API.CONSUMER.MSG.NEXT.S.{name}",
            json.dumps({"batch": 1, **request}).encode(),
            old_style=True,
        )


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    server = jetstream_server(folder)
    await server.start()
    client = await connect(server.client_url)
    try:
        yield Scene(server, client)
    finally:
        await client.close()
        await server.shutdown()


def played(folder: Path, play: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        async with scene(folder) as here:
            await play(here)

    asyncio.run(run())


def deliveries(message: Msg) -> int:
    """How often it has been delivered, as its acknowledgement subject says."""
    return int(message.reply.split(".")[4])


# -- streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", ["file", "memory"])
def test_new_messages_get_the_true_time_again(
    tmp_path: Path, storage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def play(here: Scene) -> None:
        for name in ("S", "T"):
            await here.make(name, storage=storage)
        set_wall_clock(YEARS)
        for name in ("S", "T"):
            await here.publish(f"{name}.a")
        set_wall_clock(0)
        for name in ("S", "T", "S"):
            await here.publish(f"{name}.a", Nats_Msg_Id=f"{now_ns()}")
        first, second, third = here.times()
        assert first > now_ns() + YEARS - HOUR
        assert now_ns() - HOUR < second <= third <= now_ns()

    played(tmp_path, play)
    said = [line for line in capfd.readouterr().err.splitlines() if "clock was set back" in line]
    assert len(said) == 1  # not once a stream, or a message
    assert "[WRN]" in said[0]


def test_the_order_of_times_holds_where_the_clock_is_corrected_a_little(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make()
        set_wall_clock(SECOND // 2)
        await here.publish()
        set_wall_clock(0)
        await here.publish()
        first, second = here.times()
        assert first == second

    played(tmp_path, play)


def test_batches_get_the_true_time_too(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make(allow_atomic=True)
        set_wall_clock(YEARS)
        await here.publish()
        set_wall_clock(0)
        said = {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1"}
        await here.client.request("S.a", b"", headers=said)
        said |= {"Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}
        reply = await here.client.request("S.a", b"", headers=said)
        assert json.loads(reply.data)["seq"] == 3
        assert max(here.times()[1:]) <= now_ns()

    played(tmp_path, play)


def test_ages_run_on(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make(max_age=SOON)
        set_wall_clock(YEARS)
        await here.publish()
        set_wall_clock(0)
        await here.publish()
        await wait_until_async(lambda: here.stream().store.msgs == 0, "all of it runs out")

    played(tmp_path, play)


def test_fresh_messages_stay_whatever_the_clock_said_before(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make(max_age=HOUR)
        for ahead_ns in (YEARS, 0, -YEARS, 0):
            set_wall_clock(ahead_ns)
            await here.publish()
        stream = here.stream()
        stream.expiry.run()
        # Of the one that was stored ten years ago, by what the clock says.
        await wait_until_async(lambda: stream.store.msgs == 3, "the old one runs out")
        assert [seq for seq, _ in stream.store.oldest()] == [1, 2, 4]

    played(tmp_path, play)


def test_ttls_run_on(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make(allow_msg_ttl=True)
        set_wall_clock(YEARS)
        await here.publish(Nats_TTL="1s")
        set_wall_clock(0)
        await here.publish(Nats_TTL="1s")
        await here.publish(Nats_TTL="1h")
        store = here.stream().store
        await wait_until_async(lambda: store.msgs == 1, "both run out")
        assert store.first_seq == 3

    played(tmp_path, play)


@pytest.mark.parametrize("storage", ["file", "memory"])
def test_the_duplicate_window_runs_on(tmp_path: Path, storage: str) -> None:
    async def play(here: Scene) -> None:
        await here.make(duplicate_window=SOON, storage=storage)
        set_wall_clock(YEARS)
        await here.publish(Nats_Msg_Id="future")
        set_wall_clock(0)
        ids = here.stream().ingest.admission.ids
        assert "duplicate" in await here.publish(Nats_Msg_Id="future")

        async def is_free() -> bool:
            return "duplicate" not in await here.publish(Nats_Msg_Id="future")

        await wait_until_async(is_free, "the window passes")
        await here.publish(Nats_Msg_Id="now")
        await wait_until_async(lambda: ids.count == 0, "its memory is given back")

    played(tmp_path, play)


def test_after_a_restart_the_window_has_what_is_young_enough(tmp_path: Path) -> None:
    """What came before the clock was set back is as old as what came then."""

    async def before(here: Scene) -> None:
        await here.make(duplicate_window=HOUR)
        set_wall_clock(-2 * HOUR)
        await here.publish(Nats_Msg_Id="old")
        set_wall_clock(YEARS)
        await here.publish(Nats_Msg_Id="old, from the future")
        set_wall_clock(-2 * HOUR)
        await here.publish(Nats_Msg_Id="old, too")
        set_wall_clock(YEARS)
        await here.publish(Nats_Msg_Id="young, from the future")
        set_wall_clock(0)
        await here.publish(Nats_Msg_Id="young")

    async def after(here: Scene) -> None:
        known = here.stream().ingest.admission.ids.known(now_ns())
        assert [id for id, _, _ in known] == [b"young, from the future", b"young"]
        assert max(ts for _, _, ts in known) <= now_ns()

    played(tmp_path, before)
    played(tmp_path, after)


def test_repeating_schedules_do_not_wait_for_the_clock(tmp_path: Path) -> None:
    async def before(here: Scene) -> None:
        await here.make(allow_msg_schedules=True)
        set_wall_clock(YEARS)
        await here.publish("S.s", Nats_Schedule="@every 1s", Nats_Schedule_Target="S.made")
        at = format_time_ns(now_ns() + HOUR)
        await here.publish("S.t", Nats_Schedule=f"@at {at}", Nats_Schedule_Target="S.once")
        set_wall_clock(0)
        await made(here)

    async def after(here: Scene) -> None:
        await made(here)
        assert here.stream().store.load_last(b"S.once") is None

    async def made(here: Scene) -> None:
        store = here.stream().store
        count = store.last_seq
        await wait_until_async(lambda: store.last_seq >= count + 2, "it goes on")

    played(tmp_path, before)
    played(tmp_path, after)


def test_searches_by_time_find_the_first_message_of_then_or_later(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make(allow_direct=True)
        for ahead_ns in (-20 * SECOND, YEARS, -10 * SECOND, 0):
            set_wall_clock(ahead_ns)
            await here.publish()
        for ago_ns, first in ((30 * SECOND, 1), (15 * SECOND, 2), (-YEARS - HOUR, 5)):
            since = format_time_ns(now_ns() - ago_ns)
            await here.consumer(f"c{first}", deliver_policy="by_start_time", opt_start_time=since)
            assert (await here.info(f"c{first}"))["num_pending"] == 5 - first
            answer = await api(
                here.client, "STREAM.MSG.GET.S", {"start_time": since, "next_by_subj": ">"}
            )
            assert answer.get("message", {"seq": 5})["seq"] == first

    played(tmp_path, play)


def test_a_source_without_a_place_leaves_nothing_out(tmp_path: Path) -> None:
    """It begins with what came since the stream's last message; that one has a time to come."""

    async def play(here: Scene) -> None:
        await here.make("O")
        await here.make("S")
        set_wall_clock(YEARS)
        await here.publish()
        await api(here.client, "STREAM.PURGE.S")
        set_wall_clock(0)
        await here.publish("O.before")
        set_wall_clock(HOUR)
        await here.publish("O.since")
        set_wall_clock(0)
        config = {"name": "S", "subjects": ["S.>"], "sources": [{"name": "O"}]}
        await api(here.client, "STREAM.UPDATE.S", config)
        store = here.stream().store
        await wait_until_async(lambda: store.msgs == 1, "it is copied")
        assert store.load_last(b"O.since") is not None

    played(tmp_path, play)


# -- consumers ----------------------------------------------------------------------------------


def test_what_is_not_acknowledged_comes_again_in_time(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make()
        await here.publish()
        await here.consumer("c", ack_wait=SOON)
        assert deliveries(await here.ask("c")) == 1
        set_wall_clock(-HOUR)
        assert deliveries(await here.ask("c", expires=30 * SECOND)) == 2
        set_wall_clock(-YEARS)
        assert deliveries(await here.ask("c", expires=30 * SECOND)) == 3

    played(tmp_path, play)


def test_nothing_comes_again_because_the_clock_went_ahead(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make()
        await here.publish()
        await here.consumer("c", ack_wait=HOUR // 2)
        await here.ask("c")
        set_wall_clock(HOUR)
        status = await here.ask("c", no_wait=True)
        assert (status.headers or {})["Status"] == "404"

    played(tmp_path, play)


@pytest.mark.parametrize("ahead_ns", [-HOUR, HOUR])
def test_a_request_ends_when_it_should(tmp_path: Path, ahead_ns: int) -> None:
    async def play(here: Scene) -> None:
        await here.make()
        await here.consumer("c")
        waiting = asyncio.ensure_future(here.ask("c", expires=2 * SECOND))
        await wait_until_async(
            lambda: here.stream().consumers.get("c").num_waiting == 1, "it waits"
        )
        set_wall_clock(ahead_ns)
        await here.client.flush()
        assert here.stream().consumers.get("c").num_waiting == 1
        status = await waiting
        assert (status.headers or {})["Status"] == "408"

    played(tmp_path, play)


def test_an_unused_consumer_ends_though_the_clock_was_set_back(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make()
        await here.publish()
        await here.consumer("c", inactive_threshold=SOON)
        set_wall_clock(-HOUR)
        consumers = here.stream().consumers
        await wait_until_async(lambda: not consumers.names, "it ends")

    played(tmp_path, play)


def test_a_pause_ends_at_a_time_of_the_wall_clock(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make()
        await here.publish()
        await here.consumer("c", pause_until=format_time_ns(now_ns() + HOUR))
        set_wall_clock(-HOUR)
        assert (await here.info("c"))["pause_remaining"] > HOUR
        set_wall_clock(2 * HOUR)
        assert deliveries(await here.ask("c", expires=30 * SECOND)) == 1
        assert "paused" not in await here.info("c")

    played(tmp_path, play)


def test_times_are_told_as_the_clock_is_set_now(tmp_path: Path) -> None:
    async def play(here: Scene) -> None:
        await here.make()
        await here.publish()
        await here.consumer("c")
        await here.ask("c")
        set_wall_clock(YEARS)
        told = parse_time_ns((await here.info("c"))["delivered"]["last_active"])
        assert now_ns() - HOUR < told <= now_ns()

    played(tmp_path, play)


@pytest.mark.parametrize("ahead_ns", [HOUR, YEARS])
def test_a_clock_set_back_before_a_restart_delays_no_redelivery(
    tmp_path: Path, ahead_ns: int
) -> None:
    async def before(here: Scene) -> None:
        set_wall_clock(ahead_ns)
        await here.make()
        await here.publish()
        await here.consumer("c", ack_wait=2 * SECOND)
        await here.ask("c")

    async def after(here: Scene) -> None:
        assert deliveries(await here.ask("c", expires=30 * SECOND)) == 2

    played(tmp_path, before)
    set_wall_clock(0)
    played(tmp_path, after)


def test_a_delay_asked_for_outlasts_a_restart(tmp_path: Path) -> None:
    async def before(here: Scene) -> None:
        await here.make()
        await here.publish()
        await here.consumer("c", ack_wait=2 * SECOND)
        message = await here.ask("c")
        await here.client.request(message.reply, b'-NAK {"delay": 3600000000000}')

    async def after(here: Scene) -> None:
        status = await here.ask("c", expires=3 * SECOND)
        assert (status.headers or {})["Status"] == "408"

    played(tmp_path, before)
    played(tmp_path, after)
