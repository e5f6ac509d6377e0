"""Turns: sliced work of several accounts and clients, counted in steps."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.work import Cancelled, Job, Steps, Turns, Work, finish

from tests.support.deadline import next_turn, wait_until_async

STEPS = 3  # of each pass of the loop


class Table:
    """Turns whose clock counts steps, and a diary of who made one."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.turns = Turns(
            asyncio.get_running_loop(), self.errors.append, STEPS, itertools.count().__next__
        )
        self.diary: list[str] = []
        self.closed: list[str] = []
        self.ended: list[Job[Any]] = []

    def work(self, name: str, steps: int) -> Work[str]:
        try:
            for _ in range(steps):
                self.diary.append(name)
                yield
            return name
        finally:
            self.closed.append(name)

    def start(self, account: str, client: str, name: str, steps: int, **more: Any) -> Job[str]:
        return self.turns.start(
            account, client, self.work(name, steps), on_end=self.ended.append, **more
        )

    async def drain(self) -> None:
        await wait_until_async(lambda: not self.turns.jobs, "all jobs")


def on_loop(scenario: Callable[[Table], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(Table())

    asyncio.run(run())


def test_work_is_spread_over_passes_of_the_loop() -> None:
    async def scenario(table: Table) -> None:
        table.start("A", "a", "long", 10)
        made = [len(table.diary)]
        while table.turns.jobs:
            await next_turn()
            made.append(len(table.diary))
        assert max(after - before for before, after in itertools.pairwise(made)) <= STEPS
        assert len(table.diary) == 10

    on_loop(scenario)


def test_small_work_of_an_idle_client_is_done_at_once() -> None:
    async def scenario(table: Table) -> None:
        assert table.start("A", "a", "small", 1).result == "small"

    on_loop(scenario)


@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from("xyz"), st.integers(0, 5)), max_size=30
    )
)
def test_nothing_is_lost_and_clients_keep_their_order(jobs: list[tuple[str, str, int]]) -> None:
    async def scenario(table: Table) -> None:
        started = [
            table.start(account, account + client, f"{account}{client}{n}", steps)
            for n, (account, client, steps) in enumerate(jobs)
        ]
        await table.drain()
        assert [job.result for job in started] == [
            f"{account}{client}{n}" for n, (account, client, _) in enumerate(jobs)
        ]
        assert sorted(map(id, table.ended)) == sorted(map(id, started))
        for client in {job.client for job in started}:
            own = [job for job in started if job.client == client]
            assert [job for job in table.ended if job.client == client] == own
        assert table.errors == []

    on_loop(scenario)


@given(st.lists(st.tuples(st.sampled_from("uvwxyz"), st.integers(1, 50)), min_size=1, max_size=20))
def test_an_account_steps_between_any_two_steps_of_another(queued: list[tuple[str, int]]) -> None:
    async def scenario(table: Table) -> None:
        for client, steps in queued:
            table.start("A", client, "A", steps)
        before = len(table.diary)
        table.start("B", "b", "B", 5)
        await table.drain()
        since = table.diary[before:]
        last = len(since) - since[::-1].index("B")
        assert since[:last].count("A") <= 5 + 1

    on_loop(scenario)


def test_clients_of_an_account_take_turns() -> None:
    async def scenario(table: Table) -> None:
        for client in "xyz":
            for _ in range(5):
                table.start("A", client, client, 4)
        await table.drain()
        behind = table.diary[2 * STEPS :]
        assert behind[:9] in ([*"xyz" * 3], [*"yzx" * 3], [*"zxy" * 3])

    on_loop(scenario)


def test_sockets_are_served_between_two_passes() -> None:
    async def scenario(table: Table) -> None:
        table.start("A", "a", "A", 4 * STEPS)
        for _ in range(3):
            before = len(table.diary)
            await next_turn()
            assert 0 < len(table.diary) - before <= STEPS

    on_loop(scenario)


def waiting(future: asyncio.Future[str], diary: list[str]) -> Steps[str]:
    yield future
    diary.append("resumed")
    return future.result()


def test_who_waits_for_the_disk_holds_up_only_its_own_client() -> None:
    async def scenario(table: Table) -> None:
        disk: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waits = table.turns.start("A", "a", waiting(disk, table.diary))
        behind = table.start("A", "a", "behind", 1)
        other = table.start("A", "other", "other", 1)
        await wait_until_async(lambda: other.ended, "the other client's work")
        assert not waits.ended
        assert not behind.begun
        disk.set_result("written")
        await table.drain()
        assert waits.result == "written"
        assert table.diary == ["other", "resumed", "behind"]

    on_loop(scenario)


def test_a_failure_ends_one_job_and_is_told_once() -> None:
    def failing() -> Work[None]:
        yield
        raise ValueError("a bug")

    async def scenario(table: Table) -> None:
        told: list[Job[None]] = []
        known = table.turns.start("A", "a", failing(), on_end=told.append)
        table.turns.start("A", "a", failing())
        after = table.start("A", "a", "after", 1)
        await table.drain()
        assert told == [known]
        assert isinstance(known.error, ValueError)
        assert [str(error) for error in table.errors] == ["a bug"]
        assert after.result == "after"

    on_loop(scenario)


def test_a_client_that_has_gone_takes_its_work_with_it_but_for_what_stays() -> None:
    async def scenario(table: Table) -> None:
        series = table.start("A", "a", "series", 100)
        change = table.start("A", "a", "change", 2, stays=True)
        list_ = table.start("A", "a", "list", 2)
        other = table.start("A", "b", "other", 2)
        table.turns.cancel_client("a")
        assert isinstance(series.error, Cancelled)
        assert isinstance(list_.error, Cancelled)
        assert "series" in table.closed
        await table.drain()
        assert (change.result, other.result) == ("change", "other")
        assert "list" not in table.diary

    on_loop(scenario)


@given(st.lists(st.integers(0, 9), max_size=10), st.integers(0, 12))
def test_every_begun_job_runs_its_finally_blocks_once(steps: list[int], passes: int) -> None:
    async def scenario(table: Table) -> None:
        jobs = [table.start("A", f"c{n % 3}", f"job{n}", count) for n, count in enumerate(steps)]
        for _ in range(passes):
            await next_turn()
        table.turns.cancel_client("c0")
        table.turns.cancel_account("A")
        assert table.turns.jobs == 0
        assert all(job.ended for job in jobs)
        assert len(table.ended) == len(jobs)
        begun = [f"job{n}" for n, job in enumerate(jobs) if job.begun]
        assert sorted(table.closed) == sorted(begun)

    on_loop(scenario)


def test_work_may_cancel_itself() -> None:
    async def scenario(table: Table) -> None:
        closed: list[bool] = []

        def leaving() -> Work[None]:
            try:
                yield
                table.turns.cancel_client("a")
                yield
            finally:
                closed.append(True)

        job = table.turns.start("A", "a", leaving())
        await table.drain()
        assert isinstance(job.error, Cancelled)
        assert closed == [True]
        assert table.errors == []

    on_loop(scenario)


def test_dropping_what_waits_spares_what_has_begun() -> None:
    async def scenario(table: Table) -> None:
        begun = table.start("A", "a", "begun", 9, dropped=True)
        for _ in range(5):
            table.start("A", "a", "waiting", 1, dropped=True)
        other = table.start("B", "b", "other", 1, dropped=True)
        assert table.turns.cancel_waiting("A") == 5
        await table.drain()
        assert begun.result == "begun"
        assert other.result == "other"
        assert "waiting" not in table.diary

    on_loop(scenario)


def test_dropping_what_waits_spares_what_requests_have_begun() -> None:
    """A purge that waits behind another change of its stream belongs to a request under way."""

    async def scenario(table: Table) -> None:
        table.start("A", "a", "first", 9)
        change = table.start("A", "a", "change", 2)
        table.start("A", "a", "request", 1, dropped=True)
        assert table.turns.cancel_waiting("A") == 1
        await table.drain()
        assert change.result == "change"
        assert "request" not in table.diary

    on_loop(scenario)


def test_stopping_ends_everything_before_another_step() -> None:
    async def scenario(table: Table) -> None:
        disk: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        jobs: list[Job[str]] = [
            table.turns.start("A", "w", waiting(disk, table.diary)),
            table.start("A", "a", "A", 99),
            table.start("B", "b", "B", 99),
            table.start("B", "b", "behind", 99),
        ]
        made = len(table.diary)
        table.turns.stop()
        late = table.start("C", "c", "late", 1)
        disk.set_result("")
        for _ in range(3):
            await next_turn()
        assert len(table.diary) == made
        assert all(isinstance(job.error, Cancelled) for job in (*jobs, late))
        assert sorted(table.closed) == ["A"]

    on_loop(scenario)


def test_who_awaits_work_gets_its_result_or_its_error() -> None:
    async def scenario(table: Table) -> None:
        assert await table.turns.run("A", "a", table.work("w", 7)) == "w"
        task = asyncio.ensure_future(table.turns.run("A", "a", table.work("cut", 99)))
        await next_turn()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert table.closed == ["w", "cut"]
        assert table.turns.jobs == 0

    on_loop(scenario)


def test_an_account_that_spent_its_pass_does_not_begin_more_at_once() -> None:
    async def scenario(table: Table) -> None:
        assert table.turns.is_free("A", "a")
        table.turns.charge(STEPS)
        assert not table.turns.is_free("A", "a")
        assert not table.turns.is_free("B", "b")
        await next_turn()
        assert table.turns.is_free("B", "b")

    on_loop(scenario)


def test_finishing_does_all_of_it() -> None:
    def work() -> Work[int]:
        yield
        yield
        return 3

    assert finish(work()) == 3
