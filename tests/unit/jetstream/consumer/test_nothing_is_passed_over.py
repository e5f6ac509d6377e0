"""A consumer delivers what it has before it, also after it was changed while it waited for more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nats.aio.subscription import Subscription

from tests.support.jetstream import PatientClient, api, serving
from tests.support.on_loop import on_loop


class Pulled:
    """One consumer `c` of a stream `S`, and its pulls."""

    def __init__(self, client: PatientClient) -> None:
        self.client = client
        self.inboxes = 0

    async def make(self, retention: str = "limits", **config: Any) -> None:
        body = {"name": "S", "subjects": ["s.>"], "retention": retention}
        assert "error" not in await api(self.client, "STREAM.CREATE.S", body)
        await self.configure(**config)

    async def configure(self, **config: Any) -> None:
        whole = {"durable_name": "c", "ack_policy": "explicit", **config}
        body = {"stream_name": "S", "config": whole}
        assert "error" not in await api(self.client, "CONSUMER.CREATE.S.c", body)

    async def put(self, *subjects: str) -> None:
        for subject in subjects:
            answer = await self.client.request(subject)
            assert b'"seq"' in answer.data

    async def pull(self, **body: Any) -> Subscription:
        self.inboxes += 1
        inbox = f"in.{self.inboxes}"
        waiting = await self.client.subscribe(inbox)
        subject = "$JS.API.CONSUMER.MSG.NEXT.S.c"
        await self.client.publish(subject, json.dumps(body).encode(), reply=inbox)
        return waiting

    async def take(self, waiting: Subscription, count: int) -> list[Any]:
        return [await waiting.next_msg(timeout=30) for _ in range(count)]

    async def ack(self, message: Any, verb: bytes = b"") -> None:
        await self.client.request(message.reply, verb)

    async def stored(self) -> int:
        return int((await api(self.client, "STREAM.INFO.S"))["state"]["messages"])


async def pulled(folder: Path, test: Any) -> None:
    async with serving(folder) as (_, client):
        await test(Pulled(client))


def seqs(messages: list[Any]) -> list[int]:
    return [int(message.reply.split(".")[5]) for message in messages]


@on_loop
async def test_other_filters_get_what_came_while_the_old_ones_waited(tmp_path: Path) -> None:
    async def test(it: Pulled) -> None:
        await it.make(filter_subject="s.a")
        await (await it.pull(batch=1)).unsubscribe()  # it was told that there is nothing
        await it.put("s.b", "s.a")
        await it.configure(filter_subjects=["s.a", "s.b"])
        assert seqs(await it.take(await it.pull(batch=2), 2)) == [1, 2]

    await pulled(tmp_path, test)


@on_loop
async def test_after_a_reset_new_messages_do_not_come_before_the_old_ones(tmp_path: Path) -> None:
    async def test(it: Pulled) -> None:
        await it.make()
        await it.put("s.a", "s.a")
        first = await it.take(await it.pull(batch=5, no_wait=True), 3)  # and that there is no more
        for message in first[:2]:
            await it.ack(message)
        assert "error" not in await api(it.client, "CONSUMER.RESET.S.c", {"seq": 1})
        await it.put("s.a", "s.a")
        assert seqs(await it.take(await it.pull(batch=4), 4)) == [1, 2, 3, 4]

    await pulled(tmp_path, test)


@on_loop
async def test_a_reset_beyond_the_end_and_back_passes_over_nothing(tmp_path: Path) -> None:
    async def test(it: Pulled) -> None:
        await it.make()
        await it.put("s.a", "s.a", "s.a")
        for seq in (100, 2):
            answer = await api(it.client, "CONSUMER.RESET.S.c", {"seq": seq})
            assert answer["num_pending"] == (0 if seq == 100 else 2)
        assert seqs(await it.take(await it.pull(batch=2), 2)) == [2, 3]

    await pulled(tmp_path, test)


@on_loop
async def test_a_message_out_of_deliveries_makes_place_for_the_next(tmp_path: Path) -> None:
    async def test(it: Pulled) -> None:
        await it.make(max_deliver=1, max_ack_pending=1)
        await it.put("s.a", "s.a")
        waiting = await it.pull(batch=2)
        [first] = await it.take(waiting, 1)
        await it.ack(first, b"-NAK")
        assert seqs(await it.take(waiting, 1)) == [2]

    await pulled(tmp_path, test)


@on_loop
async def test_what_is_purged_makes_place_for_the_next(tmp_path: Path) -> None:
    async def test(it: Pulled) -> None:
        await it.make(max_ack_pending=1)
        await it.put("s.a", "s.a", "s.b")
        waiting = await it.pull(batch=2)
        await it.take(waiting, 1)
        assert (await api(it.client, "STREAM.PURGE.S", {"seq": 3}))["purged"] == 2
        assert seqs(await it.take(waiting, 1)) == [3]

    await pulled(tmp_path, test)


@on_loop
async def test_a_late_ack_removes_from_a_work_queue_what_was_out_of_deliveries(
    tmp_path: Path,
) -> None:
    async def test(it: Pulled) -> None:
        await it.make("workqueue", max_deliver=1, filter_subject="s.a")
        await it.put("s.a", "s.a", "s.b")
        one, two = await it.take(await it.pull(batch=2), 2)
        await it.ack(one, b"-NAK")
        await it.ack(two)  # nothing is waited for any more
        assert await it.stored() == 2
        one.reply = one.reply.replace(".1.1.1.", ".1.3.1.")  # of another filter: not its to remove
        await it.client.publish(one.reply, b"")
        assert await it.stored() == 2
        one.reply = one.reply.replace(".1.3.1.", ".1.1.1.")
        await it.ack(one)
        assert await it.stored() == 1

    await pulled(tmp_path, test)


@on_loop
async def test_what_a_reset_leaves_behind_goes_from_an_interest_stream(tmp_path: Path) -> None:
    async def test(it: Pulled) -> None:
        await it.make("interest")
        await it.put("s.a", "s.a", "s.a")
        assert "error" not in await api(it.client, "CONSUMER.RESET.S.c", {"seq": 3})
        assert await it.stored() == 1
        assert seqs(await it.take(await it.pull(batch=1), 1)) == [3]

    await pulled(tmp_path, test)


@on_loop
async def test_a_start_that_nothing_was_stored_at_has_nothing_before_it(tmp_path: Path) -> None:
    async def test(it: Pulled) -> None:
        start = {"deliver_policy": "by_start_sequence", "opt_start_seq": 3}
        await it.make("interest", filter_subject="s.a", **start)
        await it.put("s.a", "s.a", "s.b")  # the last one is of no interest, and not stored
        info = await api(it.client, "CONSUMER.INFO.S.c")
        assert info["num_pending"] == 0
        await it.put("s.a")
        assert (await api(it.client, "CONSUMER.INFO.S.c"))["num_pending"] == 1
        assert seqs(await it.take(await it.pull(batch=1), 1)) == [4]

    await pulled(tmp_path, test)
