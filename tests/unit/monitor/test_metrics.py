"""/metrics: its formats, its budget of series, and that it is made in small steps."""

from __future__ import annotations

import asyncio
import copy
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.monitor.metrics import slow
from pynats_server.monitor.metrics.entities import OTHER, Column, Table, shares
from pynats_server.monitor.metrics.page import collect, page
from pynats_server.monitor.metrics.text import (
    STEP,
    Family,
    counter,
    exposition,
    gauge,
    histogram,
    wants_open_metrics,
)
from pynats_server.monitor.varz import Usage
from pynats_server.options import (
    AccountLimits,
    AccountOptions,
    ConnectionLimits,
    HttpAuth,
    JetStreamOptions,
    MappingTarget,
    MetricsOptions,
    Options,
    PublishLimits,
    ServiceExport,
    User,
)
from pynats_server.server.server import Server, ServerError
from pynats_server.work import finish

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.exposition import families_of, series_of
from tests.support.monitoring import ask, connect, fault_of, get, serve

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))


def text_of(families: list[Family], is_open: bool) -> str:
    return b"".join(exposition(families, is_open)).decode()


# -- formats ----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_open", [False, True])
@given(labels=st.lists(TEXTS, min_size=1, max_size=3, unique=True), value=st.integers(0, 2**53))
def test_any_label_is_read_as_it_was(is_open: bool, labels: list[str], value: int) -> None:
    family = gauge("x_bytes", "Bytes.")
    for label in labels:
        family.of(value, name=label)
    (read,) = families_of(text_of([family], is_open), is_open)
    assert [sample.labels["name"] for sample in read.samples] == labels
    assert {sample.value for sample in read.samples} == {value}


@pytest.mark.parametrize("is_open", [False, True])
def test_kinds_of_families(is_open: bool) -> None:
    families = [
        gauge("up", "Up.", 1.5),
        counter("seen_bytes", "Seen.", 7),
        histogram("wait_seconds", "Waits.", (0.001, 0.5, 2.0), (1, 0, 2, 4), 12.25),
        gauge("none", "Nothing."),
    ]
    read = {family.name: family for family in families_of(text_of(families, is_open), is_open)}
    assert list(read) == ["nats_server_up", "nats_server_seen_bytes", "nats_server_wait_seconds"]
    assert [family.type for family in read.values()] == ["gauge", "counter", "histogram"]
    assert [family.documentation for family in read.values()] == ["Up.", "Seen.", "Waits."]
    if is_open:
        assert [family.unit for family in read.values()] == ["", "bytes", "seconds"]
    assert series_of(text_of(families, is_open), is_open) == {
        "up": 1.5,
        "seen_bytes_total": 7,
        'wait_seconds_bucket{le="0.001"}': 1,
        'wait_seconds_bucket{le="0.5"}': 1,
        'wait_seconds_bucket{le="2.0"}': 3,
        'wait_seconds_bucket{le="+Inf"}': 7,
        "wait_seconds_count": 7,
        "wait_seconds_sum": 12.25,
    }


@pytest.mark.parametrize(
    ("accept", "is_open"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3", True),
        ("text/plain, Application/OpenMetrics-Text; q=0.1", True),
        ("application/openmetrics-text;q=0, text/plain", False),
        ("application/openmetrics-textual", False),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept: str, is_open: bool) -> None:
    assert wants_open_metrics(accept) is is_open


def test_both_formats_have_the_same_series_and_good_names(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        await make(server, "S", max_msgs=10)
        plain = await ask(server, "/metrics", TOKEN)
        accept = b"Accept: application/openmetrics-text\r\n"
        other = await ask(server, "/metrics", TOKEN + accept)
        assert plain.header("content-type") == ["text/plain; version=0.0.4; charset=utf-8"]
        assert other.header("content-type")[0].startswith("application/openmetrics-text; version=1")
        assert other.body.endswith(b"# EOF\n")
        first = series_of(plain.body.decode())
        assert first.keys() == series_of(other.body.decode(), True).keys()
        for family in families_of(other.body.decode(), True):
            assert re.fullmatch("nats_server_[a-z][a-z0-9_]*[a-z]", family.name)
            assert family.documentation.endswith(".") and family.documentation[0] in CAPITALS
            assert not family.name.endswith("_total")

    serve(tmp_path, scenario, **with_streams(tmp_path), http_auth=HttpAuth(token="t"))


CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ1"
TOKEN = b"Authorization: Bearer t\r\n"


# -- budget -----------------------------------------------------------------------------------


@given(st.integers(0, 100), st.lists(st.integers(0, 60), min_size=1, max_size=5))
def test_a_budget_is_shared_out_fairly(budget: int, wanted: list[int]) -> None:
    given_ = shares(budget, wanted)
    assert sum(given_) == min(budget, sum(wanted))
    for mine, want in zip(given_, wanted, strict=True):
        assert mine <= want
        if mine < want:  # then nobody has more, but for what cannot be divided
            assert max(given_) <= mine + 1


COLUMNS: tuple[Column[int], ...] = (
    Column("number", "It.", lambda n: n),
    Column("largest", "It.", lambda n: n, join=max),
    Column("alone", "It.", lambda n: n, join=None),
    Column("even", "It, if even.", lambda n: n if n % 2 == 0 else None, kind="counter"),
)


@given(st.integers(0, 60), st.integers(0, 12))
def test_a_table_keeps_to_its_room_and_says_what_it_leaves_out(room: int, count: int) -> None:
    table = Table("thing", ["n"], COLUMNS, lambda n: [str(n)], lambda n: [("top", n, 3)], 1)
    table.open(room)
    for number in range(count):
        table.add(number)
    families = list(table.families())
    found = series_of(text_of(families, False))
    assert len(found) == table.count <= room
    own = [name for name in found if name.startswith("thing_alone")]
    assert len(own) == count - table.omitted
    assert own == [f'thing_alone{{n="{number}"}}' for number in range(len(own))]
    if own or room > len(COLUMNS):
        numbers = [found[name] for name in found if name.startswith("thing_number")]
        assert sum(numbers) == sum(range(count))
        others = f'thing_largest{{n="{OTHER}"}}'
        assert (others in found) == bool(table.omitted)
        if table.omitted:
            assert found[others] == count - 1
            evens = [number for number in range(len(own), count) if number % 2 == 0]
            assert found.get(f'thing_even_total{{n="{OTHER}"}}', 0) == sum(evens)


def with_streams(folder: Path, **more: Any) -> dict[str, Any]:
    options = JetStreamOptions(
        enabled=True, store_dir=folder / "js", max_memory=1_000_000, max_file=1_000_000
    )
    return {"jetstream": options, **more}


async def make(server: Server, name: str, account: str = "$G", **config: Any) -> Stream:
    assert server.state.jetstream is not None
    there = server.state.jetstream.accounts[account]
    asked = StreamConfig(name=name, subjects=[f"{name}.>"], storage="memory", **config)
    return await there.create(await there.sliced(prepare_create(asked, there.surroundings)))


async def scrape(server: Server, query: str = "") -> dict[str, float]:
    status, body = await get(server, f"/metrics{query}")
    assert status == 200
    return series_of(body.decode())


async def request(server: Server, subject: str, body: bytes = b"", user: str = "") -> bytes:
    """The first answer to a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    await reader.readline()
    login = b'"user":"%b","pass":"p",' % user.encode() if user else b""
    head = b"SUB r 1\r\nPUB %b r %d\r\n%b\r\n" % (subject.encode(), len(body), body)
    writer.write(b'CONNECT {%b"verbose":false}\r\n' % login + head)
    size = int((await reader.readline()).split()[-1])
    answer = await reader.readexactly(size)
    writer.close()
    return answer


ACCOUNTS = {
    f"A{number}": AccountOptions(users=[User(f"u{number}", "p")], jetstream=AccountLimits())
    for number in range(4)
}


@pytest.mark.parametrize("most", [0, 20, 150, 400, 20_000])
def test_the_page_keeps_to_its_budget(most: int, tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        for account in ACCOUNTS:
            for name in ("S", "T"):
                await make(server, name, account)
                for consumer in ("c", "d"):
                    body = b'{"stream_name":"%b","config":{"durable_name":"%b"}}'
                    subject = f"$JS.API.CONSUMER.CREATE.{name}.{consumer}"
                    text = body % (name.encode(), consumer.encode())
                    assert b"error" not in await request(server, subject, text, f"u{account[1:]}")
        found = await scrape(server)
        bound = [
            name for name in found
            if name.startswith(("account_", "stream_", "consumer_"))
        ]  # fmt: skip
        assert len(bound) <= most
        assert found["metrics_series_max"] == most
        assert sum(found[f'metrics_series{{of="{w}"}}'] for w in KINDS) == len(bound)
        for what, count in zip(KINDS, (6, 8, 16), strict=True):
            own = [
                name for name in bound
                if name.startswith(f"{what}_{MEASURES[what]}{{") and OTHER not in name
            ]  # fmt: skip
            assert len(own) + found[f'metrics_omitted{{of="{what}"}}'] == count
        if most == 20_000:
            assert not [name for name in found if OTHER in name]
            assert len([name for name in bound if name.startswith("consumer_pending")]) == 16
        few = await scrape(server, "?streams=0")
        assert not [name for name in few if name.startswith(("stream_", "consumer_"))]

    options = with_streams(tmp_path, accounts=ACCOUNTS, metrics=MetricsOptions(max_series=most))
    serve(tmp_path, scenario, **options)


KINDS = ("account", "stream", "consumer")
MEASURES = {"account": "connections", "stream": "messages", "consumer": "pending"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("metrics: 5", "1:1: metrics must be a map, got integer"),
        ("metrics { max_series: -1 }", "1:11: max_series value can not be negative"),
        ("metrics { max_series: many }", "1:11: max_series must be an integer, got a string"),
        ("metrics { series: 1 }", '1:11: unknown field "series"'),
    ],
)
def test_faults_in_the_block_name_the_place(text: str, error: str, tmp_path: Path) -> None:
    assert fault_of(text, tmp_path).startswith(error)
    with pytest.raises(ServerError, match="max_series value can not be negative"):
        Server(Options(metrics=MetricsOptions(max_series=-1)))


def test_a_reload_changes_the_budget(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        assert (await scrape(server))["account_connections" + '{account="$G"}'] == 0
        options = copy.copy(server.options)
        options.metrics = MetricsOptions(max_series=0)
        server.load_options = lambda: options
        assert server.reload()
        found = await scrape(server)
        assert found["metrics_series_max"] == found['metrics_series{of="account"}'] == 0
        assert found['metrics_omitted{of="account"}'] == 2
        assert not [name for name in found if name.startswith("account_")]

    log = serve(tmp_path, scenario)
    assert "Reloaded: metrics = {max_series: 0}\n" in log


# -- figures ----------------------------------------------------------------------------------


def test_how_much_of_every_limit_is_used(tmp_path: Path) -> None:
    limits = ConnectionLimits(max_connections=4, max_subscriptions=5, max_payload=100)
    jetstream = AccountLimits(
        max_memory=10_000, max_storage=50_000, max_streams=4, max_consumers=10
    )
    accounts = {
        "A": AccountOptions(
            users=[User("u", "p")], limits=limits, jetstream=jetstream,
            service_exports=[ServiceExport("s")], mappings={"a": [MappingTarget("b")]},
        )
    }  # fmt: skip

    async def scenario(server: Server) -> None:
        login = b'CONNECT {"user":"u","pass":"p","verbose":false}\r\n'
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        writer.write(login + b"SUB a 1\r\nSUB b 2\r\nPUB x 25\r\n%b\r\nPING\r\n" % (b"x" * 25))
        while await reader.readline() != b"PONG\r\n":
            pass
        stream = await make(server, "S", "A", max_msgs=10, max_bytes=4000, max_consumers=2)
        create = b'{"stream_name":"S","config":{"durable_name":"c","ack_policy":"explicit",'
        create += b'"max_ack_pending":8,"max_waiting":4}}'
        assert b"error" not in await request(server, "$JS.API.CONSUMER.CREATE.S.c", create, "u")
        for _ in range(3):
            await request(server, "S.x", b"hello", "u")
        pull = b'{"batch":2,"expires":60000000000}'
        for inbox in (b"p", b"q"):
            writer.write(b"SUB %b 7%b\r\n" % (inbox, inbox))
            subject = b"$JS.API.CONSUMER.MSG.NEXT.S.c"
            writer.write(b"PUB %b %b %d\r\n%b\r\n" % (subject, inbox, len(pull), pull))
        consumer = stream.consumers.get("c")
        await wait_until_async(lambda: consumer.num_waiting == 1, "the deliveries")
        found = await scrape(server)
        used = {name: value for name, value in found.items() if "limit_used_ratio" in name}
        account, one = 'account="A"', 'account="A",stream="S",consumer="c"'
        size = stream.store.nbytes
        expected = {
            'limit_used_ratio{limit="connections"}': 1 / 10,
            'limit_used_ratio{limit="payload"}': round(len(create) / 1000, 6),
            'limit_used_ratio{limit="subscriptions"}': round(4 / 5, 6),
            'limit_used_ratio{limit="memory"}': round(size / 1_000_000, 6),
            'limit_used_ratio{limit="storage"}': 0,
            'limit_used_ratio{limit="api_requests"}': 0,
            f'account_limit_used_ratio{{{account},limit="connections"}}': 1 / 4,
            f'account_limit_used_ratio{{{account},limit="subscriptions"}}': 4 / 5,
            f'account_limit_used_ratio{{{account},limit="memory"}}': size / 10_000,
            f'account_limit_used_ratio{{{account},limit="storage"}}': 0,
            f'account_limit_used_ratio{{{account},limit="streams"}}': 1 / 4,
            f'account_limit_used_ratio{{{account},limit="consumers"}}': 1 / 10,
            'stream_limit_used_ratio{account="A",stream="S",limit="messages"}': 3 / 10,
            'stream_limit_used_ratio{account="A",stream="S",limit="bytes"}': size / 4000,
            'stream_limit_used_ratio{account="A",stream="S",limit="consumers"}': 1 / 2,
            f'consumer_limit_used_ratio{{{one},limit="ack_pending"}}': 3 / 8,
            f'consumer_limit_used_ratio{{{one},limit="waiting_pulls"}}': 1 / 4,
        }
        assert {name: used.get(name) for name in expected} == pytest.approx(expected)
        assert 0 <= used['limit_used_ratio{limit="pending"}'] < 0.01
        payload = f'account_limit_used_ratio{{{account},limit="payload"}}'
        assert used[payload] == pytest.approx(len(create) / 200)
        assert found[f"account_largest_payload_bytes{{{account}}}"] == len(create)
        assert found["account_exports{" + account + "}"] == 1
        assert found["account_mappings{" + account + "}"] == 1
        assert "account_imports{" + account + "}" not in found
        assert not [name for name in used if 'account="$G"' in name and "account_limit" in name]
        writer.close()

    accounts["A"].limits.max_payload = 200
    options = with_streams(tmp_path, accounts=accounts, max_connections=10, max_payload=1000)
    serve(tmp_path, scenario, **options)


def test_streams_tell_their_age_and_consumers_what_comes_again(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        stream = await make(server, "S")
        create = b'{"stream_name":"S","config":{"durable_name":"c","ack_policy":"explicit"}}'
        assert b"error" not in await request(server, "$JS.API.CONSUMER.CREATE.S.c", create)
        where = '{account="$G",stream="S"}'
        assert (await scrape(server))[f"stream_oldest_message_age_seconds{where}"] == 0
        for _ in range(5):
            await request(server, "S.x", b"hello")
        stream.store.first_ts -= 3_600_000_000_000
        consumer = stream.consumers.get("c")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        writer.write(b'CONNECT {"verbose":false}\r\nSUB p 1\r\n')
        pull = b"PUB $JS.API.CONSUMER.MSG.NEXT.S.c p 1\r\n3\r\n"
        writer.write(pull)
        await wait_until_async(lambda: consumer.num_ack_pending == 3, "three deliveries")
        replies = []
        while len(replies) < 3:
            line = await reader.readline()
            if line.startswith(b"MSG S.x"):
                replies.append(line.split()[3])
        for reply, answer in zip(replies, (b"+ACK", b"-NAK", b"-NAK"), strict=True):
            writer.write(b"PUB %b 4\r\n%b\r\n" % (reply, answer))
        await wait_until_async(lambda: consumer.state.queued == 2, "both to wait")
        one = '{account="$G",stream="S",consumer="c"}'

        async def figures(*names: str) -> list[float]:
            found = await scrape(server)
            return [found[f"consumer_{name}{one}"] for name in names]

        names = ("pending", "ack_pending", "redelivery_pending", "redelivered", "lag_messages",
                 "deliveries_total", "redeliveries_total", "delivered_sequence",
                 "acknowledged_sequence", "paused")  # fmt: skip
        assert await figures(*names) == [2, 2, 2, 0, 4, 3, 0, 3, 1, 0]
        writer.write(pull.replace(b"3\r\n", b"2\r\n"))
        await wait_until_async(lambda: consumer.num_redelivered == 2, "both again")
        assert await figures(*names) == [2, 2, 0, 2, 4, 5, 2, 3, 1, 0]
        found = await scrape(server)
        age = found[f"stream_oldest_message_age_seconds{where}"]
        assert 3600 <= age < 3600 + 3 * PATIENCE_S
        for name in ("last_delivery", "last_acknowledgement"):
            assert found[f"consumer_{name}_timestamp_seconds{one}"] > server.state.start_time
        writer.close()

    serve(tmp_path, scenario, **with_streams(tmp_path))


async def deaf(server: Server, name: str, subject: str) -> socket.socket:
    """A client that subscribes and reads nothing; the kernel takes little for it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", server.client_port))
    text = f'CONNECT {{"verbose":false,"name":"{name}"}}\r\nSUB other 1\r\nSUB {subject} 2\r\n'
    before = server.state.global_account.sublist.count
    await loop.sock_sendall(client, text.encode())
    await wait_until_async(
        lambda: server.state.global_account.sublist.count == before + 2, "the subscriptions"
    )
    accepted = max(server.state.clients(), key=lambda each: each.cid)
    with socket.socket(fileno=os.dup(accepted.fd)) as its_socket:
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return client


def test_who_is_slow_and_on_which_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "SHOWN", 3)

    async def scenario(server: Server) -> None:
        found = await scrape(server)
        assert found["slow_receivers"] == 0
        assert not [name for name in found if name.startswith("slow_") and "{" in name]
        deafs = [await deaf(server, f"d{n}", f"big.{n}.*") for n in range(5)]
        publisher = await connect(server, b"")
        body = b"x" * 100_000

        def publish(number: int, count: int) -> None:
            publisher.write(b"PUB big.%d.a 100000\r\n%b\r\n" % (number, body) * count)

        for number in range(5):
            publish(number, 100 + 10 * number)
        account = server.state.global_account
        await wait_until_async(lambda: account.in_msgs >= 600, "all messages")
        found = await scrape(server)
        slow_ones = {n: v for n, v in found.items() if n.startswith("slow_receiver_pending")}
        who = '{{account="$G",user="",name="d{0}",subject="big.{0}.*"}}'
        where = "slow_receiver_pending_bytes" + who
        assert list(slow_ones) == [where.format(number) for number in (4, 3, 2)]
        assert found["slow_receivers"] == found['account_slow_receivers{account="$G"}'] == 5
        assert min(slow_ones.values()) > slow.SLOW_BYTES
        publish(1, 150)
        await wait_until_async(lambda: server.state.engine.slow_consumers == 1, "the cut")
        found = await scrape(server)
        cut = [name for name in found if name.startswith("slow_consumer_cut_timestamp_seconds")]
        assert [name.split("{")[1] for name in cut] == [where.format(1).split("{")[1]]
        assert found['account_slow_consumers_total{account="$G"}'] == 1
        reason = 'connections_closed_total{reason="Slow Consumer (Pending Bytes)"}'
        assert found[reason] == 1
        for client in deafs:
            client.close()
        publisher.close()

    serve(tmp_path, scenario, max_pending=20_000_000, no_fast_producer_stall=False)


def test_who_stands_still_counts_as_a_slow_consumer_of_its_account(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        client = await deaf(server, "d", "big")
        publisher = await connect(server, b"")
        publisher.write(b"PUB big 1000000\r\n%b\r\n" % (b"x" * 1_000_000) * 12)
        await wait_until_async(lambda: server.state.engine.slow_consumers == 1, "the cut")
        found = await scrape(server)
        assert found['account_slow_consumers_total{account="$G"}'] == 1
        reason = 'connections_closed_total{reason="Slow Consumer (Write Deadline)"}'
        assert found[reason] == 1
        assert [n for n in found if n.startswith("slow_consumer_cut") and 'subject="big"' in n]
        client.close()
        publisher.close()

    serve(tmp_path, scenario, write_deadline=0.5)


def test_limits_of_the_rate_of_publishing_are_counted(tmp_path: Path) -> None:
    limits = ConnectionLimits(publish=PublishLimits(1, -1, "refuse"))
    accounts = {"A": AccountOptions(users=[User("u", "p")], limits=limits)}

    async def scenario(server: Server) -> None:
        assert (await scrape(server))["publish_refusals_total"] == 0
        login = b'CONNECT {"user":"u","pass":"p","verbose":false}\r\n'
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        writer.write(login + b"PUB x 1\r\nx\r\n" * 20 + b"PING\r\n")
        while await reader.readline() != b"PONG\r\n":
            pass
        found = await scrape(server)
        refused = server.state.accounts["A"].refusals
        assert refused > 0
        assert found["publish_refusals_total"] == refused
        assert found['account_publish_refusals_total{account="A"}'] == refused
        assert found["publish_throttles_total"] == 0
        assert not [name for name in found if name.startswith("account_publish_throttles")]
        writer.close()

    serve(tmp_path, scenario, accounts=accounts)


def test_wrong_credentials_are_counted(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        for token in (b"a", b"b"):
            await get(server, "/varz", b"Authorization: Bearer %b\r\n" % token)
        await get(server, "/varz")  # none are not wrong ones
        found = series_of((await get(server, "/metrics", TOKEN))[1].decode())
        assert found["http_refusals_total"] == 2
        assert found['http_requests_total{endpoint="/metrics"}'] == 1

    serve(tmp_path, scenario, http_auth=HttpAuth(token="t"))


# -- steps ------------------------------------------------------------------------------------


def test_a_page_is_made_and_written_in_small_steps(tmp_path: Path) -> None:
    accounts = {f"A{number}": AccountOptions() for number in range(1000)}

    async def scenario(server: Server) -> None:
        work = page(server.state, Usage(), 0, True, False)
        steps = 0
        while True:
            try:
                next(work)
            except StopIteration as end:
                pieces = list(end.value)
                break
            steps += 1
        assert steps >= 1000 // 8
        lines = [piece.count(b"\n") for piece in pieces]
        assert max(lines) <= STEP
        series = sum(lines)
        assert series > 10_000
        # Nobody waits for more than one piece.
        assert sum(not piece for piece in pieces) >= series // STEP

    serve(tmp_path, scenario, accounts=accounts)


def test_connections_are_looked_at_some_at_a_time(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        clients = [await connect(server, b"") for _ in range(slow.STEP + 10)]
        looking = slow.look(server.state)
        next(looking)
        next(looking)
        with pytest.raises(StopIteration) as end:
            next(looking)
        assert set(end.value.value.accounts) == {"$G"}
        finish(collect(server.state, Usage()))
        for client in clients:
            client.close()

    serve(tmp_path, scenario)


# -- the page about them ------------------------------------------------------------------------


def test_the_documentation_lists_every_family(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        await make(server, "S")
        made = [
            (family.name + ("_total" if family.kind == "counter" else ""), family.kind, family.help)
            for family in finish(collect(server.state, Usage()))
        ]
        text = (Path(__file__).parents[3] / "docs/guides/monitoring.md").read_text()
        told = re.findall(r"^\| `(nats_server_\w+)` \| (\w+) \| (.*) \|$", text, re.MULTILINE)
        assert told == made

    serve(tmp_path, scenario, **with_streams(tmp_path), http_auth=HttpAuth(token="t"))
