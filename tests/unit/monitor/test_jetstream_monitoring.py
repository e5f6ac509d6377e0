"""Monitoring of JetStream in cases without a reference: hand-made accounts, failed and damaged
stores, limits on series; and monitoring does not load JetStream when it is off."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.store.file.syncing.sync_times import BOUNDS_S, SyncTimes
from pynats_server.jetstream.stream.operations import Append, Remove
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.monitor import healthz
from pynats_server.monitor.jsz import CONSUMERS
from pynats_server.monitor.jsz import jsz as answer
from pynats_server.monitor.metrics.page import page
from pynats_server.monitor.options import HealthzOptions, JszOptions
from pynats_server.monitor.varz import Usage
from pynats_server.options import AccountOptions, JetStreamOptions, Options
from pynats_server.server.server import Server
from pynats_server.work import Steps, finish

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.exposition import series_of

Scenario = Callable[[Server], Awaitable[None]]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Server]:
    jetstream = JetStreamOptions(
        enabled=True, store_dir=folder, max_memory=1_000_000, max_file=1_000_000
    )
    async with Server(Options(host="127.0.0.1", port=-1, jetstream=jetstream)) as server:
        yield server


def serve(folder: Path, *scenarios: Scenario) -> None:
    """Runs scenarios in order, each with a new server on the same folder."""

    async def run() -> None:
        for scenario in scenarios:
            async with running(folder) as server:
                await asyncio.wait_for(scenario(server), 3 * PATIENCE_S)

    asyncio.run(run())


def account_of(server: Server, name: str = "$G") -> JetStreamAccount:
    """The account with JetStream; created if it does not exist."""
    assert server.state.jetstream is not None
    if name not in server.state.jetstream.accounts:
        server.state.accounts.add(Options(accounts={name: AccountOptions()}))
        server.state.jetstream.enable(server.state.accounts[name])
    return server.state.jetstream.accounts[name]


async def make(server: Server, name: str, *, account: str = "$G", **config: Any) -> Stream:
    there = account_of(server, account)
    asked = StreamConfig(name=name, subjects=[f"{name}.>"], **config)
    config = await there.sliced(prepare_create(asked, there.surroundings))
    return await there.create(config)


async def fill(stream: Stream, count: int) -> None:
    """Publishes messages; they are durable on return."""
    for index in range(count):
        body = b"%d" % index * 100
        await stream.change(Append(b"%b.x" % stream.name.encode(), b"", body, stream.now()))


async def jsz(server: Server, **request: Any) -> Any:
    return json.loads(b"".join(finish(answer(server.state, JszOptions(**request)))))


async def health_of(
    server: Server, details: bool = True, **request: Any
) -> tuple[int, healthz.Health]:
    work = healthz.check(server.state, HealthzOptions(details=details, **request))
    return await server.state.turns.run("tests", server, work)


def scrape(server: Server, *, per_stream: bool = True) -> dict[str, float]:
    """{series: value} of /metrics."""
    pieces = finish(page(server.state, Usage(), 0, per_stream, False))
    return series_of(b"".join(pieces).decode())


# -- /jsz -------------------------------------------------------------------------------------


def test_pages_of_accounts_join_to_the_whole(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        for name in ("C", "A", "B"):
            await make(server, "S", account=name, max_bytes=100)
        found: list[str] = []
        for offset in range(0, 5, 2):
            page = await jsz(server, accounts=True, offset=offset, limit=2)
            assert (page["total"], page["accounts"], page["streams"]) == (4, 4, 3)
            assert page["reserved_storage"] == 300
            found += [account["name"] for account in page.get("account_details", [])]
        assert found == ["$G", "A", "B", "C"]
        (only,) = (await jsz(server, account="B", streams=True))["account_details"]
        assert [only["name"], *(s["name"] for s in only["stream_detail"])] == ["B", "S"]
        whole = await jsz(server, account="B", accounts=True, limit=1, offset=9)
        assert [account["name"] for account in whole["account_details"]] == ["B"]

    serve(tmp_path, scenario)


def test_many_streams_are_all_listed(tmp_path: Path) -> None:
    count = 1100  # several slices

    async def scenario(server: Server) -> None:
        for index in range(count):
            await make(server, f"S{index:04d}", storage="memory")
        (account,) = (await jsz(server, accounts=True, streams=True))["account_details"]
        assert [s["name"] for s in account["stream_detail"]] == [f"S{i:04d}" for i in range(count)]

    serve(tmp_path, scenario)


def test_requests_under_way_are_counted(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        assert server.state.jetstream is not None
        await make(server, "S")
        account = account_of(server).account
        for _ in range(3):  # each waits for the disk
            account.publish(server.state.engine, b"$JS.API.STREAM.PURGE.S", b"")
        assert (await jsz(server))["api"] == {"level": 5, "total": 0, "errors": 0, "inflight": 3}
        assert scrape(server)["jetstream_api_requests_inflight"] == 3
        in_work = server.state.jetstream.api
        await wait_until_async(lambda: not in_work.inflight, "the purges")
        assert (await jsz(server))["api"] == {"level": 5, "total": 3, "errors": 0}
        assert scrape(server)['account_jetstream_api_requests_total{account="$G"}'] == 3

    serve(tmp_path, scenario)


# -- /healthz ---------------------------------------------------------------------------------


def test_the_health_of_many_streams_is_looked_at_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    failure = Stream.failure

    def counted(stream: Stream) -> str | None:
        looked.append(stream.name)
        assert failure.fget is not None
        found: str | None = failure.fget(stream)
        return found

    async def scenario(server: Server) -> None:
        names = [f"S{number}" for number in range(100)]
        for name in names:
            await make(server, name, storage="memory")
        monkeypatch.setattr(Stream, "failure", property(counted))
        for details in (False, True):
            looked.clear()
            work = healthz.check(server.state, HealthzOptions(details=details))
            steps, status = await stepped(work, lambda: len(looked))
            assert (status, set(looked)) == (200, set(names))
            assert max(after - before for before, after in pairwise(steps)) <= 32

    async def stepped(
        work: Steps[tuple[int, healthz.Health]], figure: Callable[[], int]
    ) -> tuple[list[int], int]:
        """The figure after each step, and the status."""
        found = [figure()]
        while True:
            try:
                awaited = next(work)
            except StopIteration as end:
                return [*found, figure()], end.value[0]
            found.append(figure())
            if awaited is not None:
                await asyncio.wait([awaited])

    serve(tmp_path, scenario)


def test_asking_for_what_is_not_there_does_not_fill_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def scenario(server: Server) -> None:
        for number in range(20):
            work = healthz.healthz(server.state, HealthzOptions(account=f"X{number}"))
            status, _ = await server.state.turns.run("tests", server, work)
            assert status == 404

    serve(tmp_path, scenario)
    assert capfd.readouterr().err.count("Healthcheck failed") == 1


def test_a_failed_store_is_an_error(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        for name in ("GOOD", "ILL"):
            await make(server, name)
        account_of(server).streams["ILL"].store.failed = OSError(5, "Input/output error")
        text = "JetStream stream '$G > ILL' write error: [Errno 5] Input/output error"
        status, body = await health_of(server, details=False)
        assert (status, body.status, body.error) == (503, "unavailable", text)
        status, body = await health_of(server)
        assert (status, body.status) == (503, "error")
        (error,) = body.errors
        assert (error.type, error.account, error.stream, error.error) == (
            "STREAM", "$G", "ILL", text,
        )  # fmt: skip
        assert (await health_of(server, account="$G", stream="GOOD"))[0] == 200
        assert (await health_of(server, account="$G", stream="ILL"))[0] == 503
        assert (await health_of(server, enabled_only=True))[0] == 200
        found = scrape(server)
        assert found["jetstream_streams_failed"] == 1
        assert found['stream_failed{account="$G",stream="ILL"}'] == 1
        assert found['stream_failed{account="$G",stream="GOOD"}'] == 0

    serve(tmp_path, scenario)


def test_losses_are_warnings(tmp_path: Path) -> None:
    async def before(server: Server) -> None:
        await fill(await make(server, "HURT"), 20)
        await fill(await make(server, "WHOLE"), 20)

    async def after(server: Server) -> None:
        store = account_of(server).streams["HURT"].store
        assert list(store.lost) == [10]
        answer = await health_of(server, details=False)
        assert answer == (200, healthz.Health(status="ok"))
        status, body = await health_of(server)
        assert (status, body.status, body.errors) == (200, "ok", [])
        lost, kept = body.warnings
        assert {(w.type, w.account, w.stream) for w in body.warnings} == {("STREAM", "$G", "HURT")}
        assert f"'$G > HURT' lost 1 messages ({store.lost_bytes} bytes): 10" in lost.error
        assert "1 files in quarantine" in kept.error
        assert (await health_of(server, account="$G", stream="WHOLE"))[1].warnings == []
        found = scrape(server)
        assert found["jetstream_lost_messages"] == 1
        assert found['stream_lost_messages{account="$G",stream="HURT"}'] == 1
        assert found['stream_lost_messages{account="$G",stream="WHOLE"}'] == 0

    serve(tmp_path, before)
    messages = tmp_path / "jetstream" / "$G" / "streams" / "HURT" / "msgs"
    block = bytearray((messages / "1.blk").read_bytes())
    at = block.index(b"9" * 100)
    block[at + 50] ^= 1
    (messages / "1.blk").write_bytes(block)
    (messages / "index.db").unlink()
    serve(tmp_path, after)


def test_broken_streams_are_named_and_counted(tmp_path: Path) -> None:
    async def before(server: Server) -> None:
        await make(server, "BROKEN")
        await make(server, "FINE")

    async def after(server: Server) -> None:
        status, body = await health_of(server)
        assert status == 503
        (error,) = body.errors
        assert error.stream == "BROKEN"
        assert error.error == (
            "JetStream stream '$G > BROKEN' could not be recovered: "
            "meta.inf does not match meta.sum"
        )
        status, body = await health_of(server, account="$G", stream="BROKEN", consumer="c")
        assert (status, body.errors[0].type) == (404, "CONSUMER")
        found = scrape(server)
        assert (found["jetstream_streams"], found["jetstream_streams_broken"]) == (1, 1)
        assert found['account_jetstream_streams_broken{account="$G"}'] == 1

    serve(tmp_path, before)
    (tmp_path / "jetstream" / "$G" / "streams" / "BROKEN" / "meta.sum").write_text("0" * 16)
    serve(tmp_path, after)


def test_what_is_no_account_in_the_folder_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "jetstream" / "lost+found").mkdir(parents=True)
    (tmp_path / "jetstream" / "note.txt").write_text("x")

    async def scenario(server: Server) -> None:
        assert (await health_of(server))[0] == 200

    serve(tmp_path, scenario)


# -- /metrics ---------------------------------------------------------------------------------


def test_usage_and_sequences(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        disk = await make(server, "DISK", max_bytes=50_000)
        await fill(disk, 5)
        await fill(await make(server, "RAM", storage="memory", account="OTHERS"), 3)
        await disk.change(Append(b"DISK.y", b"", b"", disk.now()))
        await disk.change(Remove(1, False))
        found = scrape(server)
        expected = {
            "jetstream_streams": 2,
            "jetstream_accounts": 2,
            "jetstream_messages": 8,
            "jetstream_storage_bytes": disk.store.nbytes,
            "jetstream_storage_bytes_max": 1_000_000,
            "jetstream_storage_bytes_reserved": 50_000,
            "jetstream_api_requests_total": 0,
            'account_jetstream_memory_bytes{account="$G"}': 0,
            'account_jetstream_storage_bytes_reserved{account="$G"}': 50_000,
            'stream_messages{account="$G",stream="DISK"}': 5,
            'stream_first_sequence{account="$G",stream="DISK"}': 2,
            'stream_last_sequence{account="$G",stream="DISK"}': 6,
            'stream_subjects{account="$G",stream="DISK"}': 2,
            'stream_last_sequence{account="OTHERS",stream="RAM"}': 3,
        }
        assert {name: found[name] for name in expected} == expected
        syncs = found["jetstream_sync_seconds_count"]
        assert syncs >= 6
        assert found['jetstream_sync_seconds_bucket{le="+Inf"}'] == syncs
        assert found["jetstream_sync_seconds_sum"] > 0

    serve(tmp_path, scenario)


async def add_consumers(stream: Stream, *names: str, **config: Any) -> None:
    consumers = stream.consumers
    for name in names:
        asked = ConsumerConfig(durable_name=name, ack_policy="explicit", **config)
        prepared = finish(consumers.preparing(asked, "create", False))
        await consumers.add(finish(consumers.beginning(prepared)))


def test_consumers_of_a_long_document_are_encoded_some_at_a_time(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        stream = await make(server, "S", max_consumers=2000)
        await add_consumers(stream, *(f"c{number}" for number in range(300)), mem_storage=True)
        pieces = list(finish(answer(server.state, JszOptions(consumers=True, streams=True))))
        (account,) = json.loads(b"".join(pieces))["account_details"]
        told = account["stream_detail"][0]["consumer_detail"]
        assert [one["name"] for one in told] == [f"c{number}" for number in range(300)]
        begun = [index for index, piece in enumerate(pieces) if b'"stream_name"' in piece]
        steps = [index for index, piece in enumerate(pieces) if not piece]
        between = [sum(a < at < b for at in begun) for a, b in pairwise(steps)]
        assert max(between) <= CONSUMERS

    serve(tmp_path, scenario)


def test_sync_times_fall_into_their_buckets() -> None:
    times = SyncTimes()
    for seconds in (0.0, BOUNDS_S[0], BOUNDS_S[0] * 1.01, BOUNDS_S[-1] + 1):
        times.add(seconds)
    assert times.counts == [2, 1, *[0] * (len(BOUNDS_S) - 2), 1]
    assert times.total_seconds == pytest.approx(BOUNDS_S[0] * 2.01 + BOUNDS_S[-1] + 1)


# -- off --------------------------------------------------------------------------------------

_OFF = """
import asyncio, sys, urllib.request
from pynats_server import Options, Server

async def main():
    async with Server(Options(host="127.0.0.1", port=-1, http_port=-1)) as server:
        for path in ("varz", "jsz?streams=1&config=1", "healthz?details=1", "accountz?acc=$G",
                     "accstatz?unused=1", "metrics"):
            url = f"{server.monitor_url}/{path}"
            await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())

asyncio.run(main())
print([name for name in sys.modules if name.startswith("pynats_server.jetstream")])
"""


def test_jetstream_is_not_loaded_where_it_is_off() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OFF], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
