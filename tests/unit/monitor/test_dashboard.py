"""`/ui`: there only if asked for, behind the protection of all monitoring, with strict headers; and
its lists, which say what the other endpoints say."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pynats_server import Options, Server
from pynats_server.monitor.ui import files
from pynats_server.monitor.ui.lists import MERGED
from pynats_server.options import HttpAuth, JetStreamOptions
from pynats_server.settings import diff

from tests.support import jetstream
from tests.support.monitoring import ask, connect, exchange, get, serve

PATHS = ("/ui", "/ui/", "/ui/main.js", "/ui/style.css", "/ui/streams", "/ui/accounts", "/ui/x")
NAMES = sorted(files.read())


def test_without_being_asked_for_it_is_not_there(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        unknown = await ask(server, "/nope")
        for path in PATHS:
            answer = await ask(server, path)
            assert (answer.status, answer.body) == (unknown.status, unknown.body)
            assert [name for name, _ in answer.headers] == [name for name, _ in unknown.headers]
        assert b"/ui" not in (await get(server, "/"))[1]

    serve(tmp_path, scenario)


def test_the_page_and_all_its_files_have_strict_headers(tmp_path: Path) -> None:
    assert len(NAMES) > 10

    async def scenario(server: Server) -> None:
        assert b'href="/ui"' in (await get(server, "/"))[1]
        for path in ("/ui", *(f"/ui/{name}" for name in NAMES)):
            answer = await ask(server, path)
            assert answer.status == 200, path
            (policy,) = answer.header("content-security-policy")
            rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
            assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
            assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
            assert "unsafe" not in policy
            assert answer.header("x-content-type-options") == ["nosniff"]
            assert answer.header("x-frame-options") == ["DENY"]
            assert answer.header("referrer-policy") == ["no-referrer"]
            assert answer.header("cache-control") == ["private, no-cache"]
            assert answer.header("access-control-allow-origin") == []
        assert server.state.http_requests["/ui"] == len(NAMES) + 1

    serve(tmp_path, scenario, http_ui=True)


def test_what_a_browser_has_already_is_not_sent_again(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        first = await ask(server, "/ui/main.js")
        (tag,) = first.header("etag")
        for known in (tag, f'"other", W/{tag}'):
            again = await ask(server, "/ui/main.js", f"If-None-Match: {known}\r\n".encode())
            assert (again.status, again.body) == (304, b"")
            assert again.header("etag") == [tag]
            assert again.header("content-length") == []
        other = await ask(server, "/ui/main.js", b'If-None-Match: "other"\r\n')
        assert (other.status, other.body) == (200, first.body)

    serve(tmp_path, scenario, http_ui=True)


def test_it_is_only_read(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        page = await ask(server, "/ui")
        head = await ask(server, "/ui", method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.header("content-length") == [str(len(page.body))]
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            for path in ("/ui", "/ui/main.js", "/ui/streams"):
                answer = await ask(server, path, method=method)
                assert answer.status == 405
                assert answer.header("allow") == ["GET, HEAD"]

    serve(tmp_path, scenario, http_ui=True)


@pytest.mark.parametrize(
    "path",
    [
        "/ui/nope.js", "/ui/main.py", "/ui/__init__.py", "/ui/static/main.js", "/ui/files.py",
        "/ui/main.js/", "/ui/%00", "/uix", "/ui.html", "/ui/Main.js", "/ui/..%5cfiles.py",
    ],
)  # fmt: skip
def test_no_other_file_is_shown(path: str, tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        assert (await get(server, path)) == (404, b"404 page not found\n")

    serve(tmp_path, scenario, http_ui=True)


def test_nobody_leaves_the_folder(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        for path in ("/ui/../files.py", "/ui/%2e%2e/files.py", "/ui/..%2f..%2fvarz.py", "/ui//etc"):
            answer = await ask(server, path)
            (target,) = answer.header("location")
            assert answer.status == 307 and ".." not in target
            assert (await get(server, target))[0] == 404

    serve(tmp_path, scenario, http_ui=True)


def test_all_addresses_are_relative_so_a_proxy_may_put_a_path_before_them(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        status, page = await get(server, "/deep/mon/ui")
        assert status == 200
        assert b'"ui/main.js"' in page and b'"/' not in page and b"://" not in page
        assert (await get(server, "/deep/mon/ui/main.js"))[0] == 200
        assert (await get(server, "/deep/mon/ui/streams"))[0] == 200
        slashed = await ask(server, "/deep/mon/ui/")
        assert (slashed.status, slashed.header("location")) == (307, ["../ui"])
        assert (await get(server, "/ui"))[0] == 404
        assert b'href="/deep/mon/ui"' in (await get(server, "/deep/mon"))[1]

    serve(tmp_path, scenario, http_ui=True, http_base_path="/deep/mon")


def test_who_may_not_ask_for_monitoring_does_not_see_it(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        for path in PATHS:
            assert (await ask(server, path)).status == 401
        token = b"Authorization: Bearer t0ken\r\n"
        assert (await ask(server, "/ui", token)).status == 200
        assert (await ask(server, "/ui/streams", token)).status == 200

    serve(tmp_path, scenario, http_ui=True, http_auth=HttpAuth(token="t0ken"))


def test_a_reload_switches_it(tmp_path: Path) -> None:
    path = tmp_path / "s.conf"
    begin = 'listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\n'
    path.write_text(begin)

    async def run() -> None:
        async with Server(Options.load(path)) as server:
            server.load_options = lambda: Options.load(path)
            for text, status in ((f"{begin}http_ui: true\n", 200), (begin, 404)):
                path.write_text(text)
                assert server.reload()
                assert (await ask(server, "/ui")).status == status
                assert (await ask(server, "/ui/accounts")).status == status

    asyncio.run(run())


def test_a_change_is_told_in_the_log() -> None:
    (change,) = diff(Options(), Options(http_ui=True))
    assert change.reloadable
    assert change.notices == ["Reloaded: http_ui = true"]


# -- lists --------------------------------------------------------------------------------------


async def listed(server: Server, path: str) -> dict[str, Any]:
    answer = await ask(server, path)
    assert answer.status == 200, answer.body
    assert answer.header("cache-control") == ["no-store"]
    assert answer.header("access-control-allow-origin") == []
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def told(server: Server, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await get(server, path))[1])
    return found


def test_lists_of_streams_and_consumers_are_what_jsz_says(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        client = await jetstream.connect(f"nats://127.0.0.1:{server.client_port}")
        js = client.jetstream()
        for number in range(1, 6):
            await js.add_stream(name=f"S{number}", subjects=[f"s{number}.>"], max_msgs=10)
            for _ in range(number):
                await js.publish(f"s{number}.x", b"0123456789")
        many = [f"many.{number}" for number in range(40)]
        await js.add_stream(name="MANY", subjects=many)
        (row,) = (await listed(server, "/ui/streams?stream=MANY"))["rows"]
        assert (row["subjects"], row["more_subjects"]) == (many[:32], 8)
        await js.delete_stream("MANY")
        pull = await js.pull_subscribe("s5.>", "worker")
        await (await pull.fetch(2))[0].ack()
        await client.flush()

        page = await listed(server, "/ui/streams?sort=messages&limit=2&offset=1")
        assert (page["total"], page["offset"], page["limit"]) == (5, 1, 2)
        assert [row["name"] for row in page["rows"]] == ["S4", "S3"]
        everything = await listed(server, "/ui/streams")
        (detail,) = (await told(server, "/jsz?streams=1&config=1&acc=$G"))["account_details"]
        for row, wanted in zip(everything["rows"], detail["stream_detail"], strict=True):
            state = wanted["state"]
            for name in ("messages", "bytes", "first_seq", "first_ts", "last_seq", "last_ts"):
                assert row[name] == state[name]
            assert (row["name"], row["account"]) == (wanted["name"], "$G")
            assert row["consumers"] == state["consumer_count"]
            assert row["subjects"] == wanted["config"]["subjects"]
            assert row["max_messages"] == wanted["config"]["max_msgs"]
        assert (await listed(server, "/ui/streams?search=s3"))["total"] == 1
        assert (await listed(server, "/ui/streams?sort=used&limit=1"))["rows"][0]["name"] == "S5"
        assert (await listed(server, "/ui/streams?acc=nobody"))["total"] == 0
        assert (await listed(server, "/ui/streams?offset=9"))["rows"] == []

        (consumer,) = (await listed(server, "/ui/consumers?acc=$G&stream=S5"))["rows"]
        assert (await listed(server, "/ui/consumers?sort=lag"))["rows"] == [consumer]
        assert (await listed(server, "/ui/consumers?stream=S4"))["total"] == 0
        wanted = (await told(server, "/jsz?consumers=1"))["account_details"][0]["stream_detail"][4]
        (info,) = wanted["consumer_detail"]
        assert consumer["name"] == info["name"] == "worker"
        assert consumer["pending"] == info["num_pending"] == 3
        assert consumer["ack_pending"] == info["num_ack_pending"] == 1
        assert consumer["lag"] == 4
        assert consumer["delivered_seq"] == info["delivered"]["stream_seq"] == 2
        assert consumer["acked_seq"] == info["ack_floor"]["stream_seq"] == 1
        await client.close()

    options = JetStreamOptions(enabled=True, store_dir=tmp_path / "js")
    serve(tmp_path, scenario, http_ui=True, jetstream=options)


def test_lists_of_accounts_are_what_accstatz_says(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        writer = await connect(server, b"SUB a 1\r\nPUB a 3\r\nxyz\r\n")
        rows = (await listed(server, "/ui/accounts"))["rows"]
        stats = (await told(server, "/accstatz?unused=1"))["account_statz"]
        for row, wanted in zip(rows, stats, strict=True):
            assert row["name"] == wanted["acc"]
            assert row["connections"] == wanted["conns"]
            assert row["subscriptions"] == wanted["num_subscriptions"]
            assert row["in_msgs"] == wanted["received"]["msgs"]
            assert row["out_bytes"] == wanted["sent"]["bytes"]
            assert row["jetstream"] is None
        busiest = (await listed(server, "/ui/accounts?sort=in_msgs&limit=1"))["rows"]
        assert [row["name"] for row in busiest] == ["$G"]
        assert [row["is_system"] for row in rows if row["name"] == "$SYS"] == [True]
        writer.close()

    serve(tmp_path, scenario, http_ui=True)


def test_without_jetstream_there_are_no_streams(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        assert (await listed(server, "/ui/streams"))["rows"] == []
        assert (await listed(server, "/ui/consumers"))["total"] == 0

    serve(tmp_path, scenario, http_ui=True)


@pytest.mark.parametrize("path", ["streams", "consumers", "accounts"])
def test_an_order_that_there_is_not_is_refused(path: str, tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        found = await get(server, f"/ui/{path}?sort=size")
        assert found == (400, b"invalid sorting option: size")
        assert (await get(server, f"/ui/{path}?limit=x"))[0] == 400

    serve(tmp_path, scenario, http_ui=True)


def test_connections_are_searched_by_what_people_know_of_them(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        writers = []
        for name in ("Orders-API", "billing", "orders-worker"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
            await reader.readline()
            hello = json.dumps({"verbose": False, "name": name})
            writer.write(f"CONNECT {hello}\r\nPING\r\n".encode())
            assert await reader.readline() == b"PONG\r\n"
            writers.append(writer)
        found = await told(server, "/connz?search=orders&limit=1")
        assert (found["total"], found["num_connections"]) == (2, 1)
        assert found["connections"][0]["name"] == "Orders-API"
        assert (await told(server, "/connz?search=2"))["total"] >= 1  # a cid, or an address
        assert (await told(server, "/connz?search=127.0.0.1:"))["total"] == 3
        assert (await told(server, "/connz?search=$g"))["total"] == 3
        assert (await told(server, "/connz?search=zzz"))["connections"] == []
        plain = await told(server, "/connz?search=")
        assert (plain["total"], plain["num_connections"]) == (3, 3)
        for writer in writers:
            writer.close()

    serve(tmp_path, scenario)


def test_files_are_read_once_and_off_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    readers = []
    read = files.read

    def watched() -> dict[str, files.File]:
        readers.append(threading.current_thread())
        return read()

    monkeypatch.setattr(files, "read", watched)

    async def scenario(server: Server) -> None:
        await get(server, "/varz")
        assert readers == []
        for _ in range(3):
            await get(server, "/ui")

    serve(tmp_path, scenario, http_ui=True)
    assert len(readers) == 1
    assert readers[0] is not threading.main_thread()


def test_a_pipelined_answer_without_a_body_does_not_swallow_the_next(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        (tag,) = (await ask(server, "/ui")).header("etag")
        both = f"GET /ui HTTP/1.1\r\nHost: x\r\nIf-None-Match: {tag}\r\n\r\n".encode()
        both += b"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        data = await exchange(server, both, end=False)
        assert data.startswith(b"HTTP/1.1 304 ") and b"HTTP/1.1 404 " in data

    serve(tmp_path, scenario, http_ui=True)


def test_lists_are_sorted_some_at_a_time() -> None:
    from pynats_server.work import finish
    from pynats_server.work.lists import ordered, window

    seen: list[int] = []

    def rank(number: int) -> tuple[int, int]:
        seen.append(number)
        return -(number % 7), number

    numbers = list(range(3 * MERGED))
    work = ordered(numbers, rank, False, MERGED)
    next(work)
    assert len(seen) == MERGED
    page = finish(window(finish(work), 10, 13, MERGED))
    assert page == sorted(numbers, key=lambda number: (-(number % 7), number))[10:13]
