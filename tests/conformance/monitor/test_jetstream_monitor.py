"""JetStream's monitoring compared with the real server's: the same documents."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.monitor import jetstream_scene
from tests.conformance.monitor.scene import ask
from tests.conformance.monitor.shape import same_answers, shape
from tests.conformance.monitor.twins import Look, Twins, text_of
from tests.support.client import Client
from tests.support.deadline import wait_until
from tests.support.process import REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded, as_text, plain


@pytest.fixture(scope="module")
def streams(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder: Path = tmp_path_factory.mktemp("monitor-jetstream")

    def build(server: ServerProcess, _: ExitStack) -> None:
        jetstream_scene.build(server)

    with Twins(kind_under_test, folder, jetstream_scene.CONFIG, build) as twins:
        yield twins


@pytest.fixture
def fresh(kind_under_test: str, tmp_path: Path) -> Iterator[Twins]:
    """Servers without streams."""
    with Twins(kind_under_test, tmp_path, jetstream_scene.PLAIN_CONFIG, None) as twins:
        yield twins


def document(server: ServerProcess, path: str) -> dict[str, Any]:
    """Status and shape of a document."""
    reply = ask(server, path)
    body = reply.json()
    for name in ("out_bytes", "out_client_bytes"):  # times in answers have as many digits
        body.pop(name, None)  # as they need
    return {"status": reply.status, "document": shape(body)}


def documents(*paths: str) -> Look:
    return lambda server: same_answers({path: document(server, path) for path in paths})


FLAGS = (
    "accounts", "streams", "consumers", "direct-consumers", "config", "leader-only",
    "stream-leader-only", "raft",
)  # fmt: skip


@pytest.mark.parametrize("account", ["", "$G", "$SYS", "nope"])
def test_jsz_with_every_combination_of_flags(
    streams: Twins, recorded: Recorded, account: str
) -> None:
    paths = [
        f"/jsz?acc={account}&" + "&".join(f"{flag}=true" for flag in chosen)
        for size in range(len(FLAGS) + 1)
        for chosen in combinations(FLAGS, size)
    ]
    streams.compare(recorded, documents(*paths))


@pytest.mark.parametrize("wanted", ["accounts=1", "streams=t", "consumers=True&config=1"])
def test_pages_of_accounts(streams: Twins, recorded: Recorded, wanted: str) -> None:
    paths = [
        f"/jsz?{wanted}&offset={offset}&limit={limit}"
        for offset in ("-1", "0", "1", "5", "9223372036854775807")
        for limit in ("-1", "0", "1", "2", "9223372036854775807", "-9223372036854775808")
    ]
    streams.compare(recorded, documents(*paths))


@pytest.mark.parametrize(
    "query",
    [
        "accounts=x", "streams=yes", "consumers=2", "direct-consumers=x", "config=x",
        "leader-only=x", "raft=x", "stream-leader-only=x", "offset=x", "limit=1e3",
        "limit=9223372036854775808", "stream-leader-only=x&raft=y", "raft=x&leader-only=y",
        "leader-only=x&limit=y", "limit=x&offset=y", "offset=x&config=y",
        "config=x&direct-consumers=y", "direct-consumers=x&consumers=y", "consumers=x&streams=y",
        "streams=x&accounts=y",
    ],
)  # fmt: skip
def test_refused_parameters(streams: Twins, recorded: Recorded, query: str) -> None:
    streams.compare(recorded, text_of(f"/jsz?{query}"))


@pytest.mark.parametrize("path", ["/accountz", "/accountz?acc=$G", "/accountz?acc=$SYS", "/varz"])
def test_other_documents_with_jetstream(streams: Twins, recorded: Recorded, path: str) -> None:
    streams.compare(recorded, lambda server: document(server, path))


@pytest.mark.parametrize(
    "path",
    [
        "/jsz",
        "/jsz?streams=1&config=1",
        "/jsz?raft=1&acc=$G",
        "/varz",
        "/accountz?acc=$G",
        "/accstatz",
        "/accstatz?unused=1",
    ],
)
def test_documents_before_the_first_stream(fresh: Twins, recorded: Recorded, path: str) -> None:
    fresh.compare(recorded, lambda server: document(server, path))


def test_mirrors_and_sources(fresh: Twins, recorded: Recorded) -> None:
    def followers(server: ServerProcess) -> Any:
        jetstream_scene.build(server)
        jetstream_scene.follow(server)
        document = ask(server, "/jsz?acc=$G&streams=1&config=1").json()
        (account,) = document["account_details"]
        del account["api"], document["api"]  # the real server's followers make requests, too
        return shape(document)

    fresh.compare(recorded, followers)


def _grow(server: ServerProcess) -> None:
    server.write_config(jetstream_scene.PLAIN_CONFIG.replace("max_mem: 10M", "max_mem: 20M"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: "Reloaded server configuration" in server.log(), "the reload")


def test_sizes_that_a_reload_has_raised(fresh: Twins, recorded: Recorded) -> None:
    def grown(server: ServerProcess) -> Any:
        _grow(server)
        with Client(server.port) as client:  # would not have fitted before
            jetstream_scene.create(client, "BIG", storage="memory", max_bytes=15_000_000)
        return documents("/jsz?streams=1", "/varz")(server)

    fresh.compare(recorded, grown)


HEALTH = [
    "", "?details=1", "?js-enabled=1", "?js-enabled-only=1", "?js-server-only=1",
    "?js-meta-only=1&details=true", "?account=$G", "?account=$G&details=1", "?account=$SYS",
    "?account=nope", "?account=nope&details=1", "?account=nope&js-enabled-only=1",
    "?account=nope&js-enabled=t&details=1", "?account=nope&js-server-only=1",
    "?account=nope&js-meta-only=1", "?account=$G&stream=DISK", "?account=$G&stream=DISK&details=1",
    "?account=$G&stream=NOPE", "?account=$G&stream=NOPE&details=1", "?account=nope&stream=DISK",
    "?stream=DISK", "?stream=DISK&details=1&js-server-only=1", "?consumer=c",
    "?account=$G&consumer=c",
    "?account=$G&stream=DISK&consumer=c", "?account=$G&stream=DISK&consumer=c&details=1",
    "?account=$G&stream=DISK&consumer=reader", "?account=$G&stream=DISK&consumer=hidden&details=1",
    "?account=$G&stream=NOPE&consumer=c", "?account=%22%0a&stream=%3C%3E&details=1",
    "?account=$G&stream=%22%01%c3%a9", "?js-enabled=x", "?details=x&js-meta-only=y",
]  # fmt: skip


@pytest.mark.parametrize("query", HEALTH)
def test_health(streams: Twins, recorded: Recorded, query: str) -> None:
    streams.compare(recorded, text_of(f"/healthz{query}"))


def test_health_before_the_first_stream(fresh: Twins, recorded: Recorded) -> None:
    queries = ("", "?details=1", "?account=$G", "?account=$G&stream=DISK", "?account=$SYS")
    fresh.compare(recorded, _health(queries))


def _health(queries: Sequence[str]) -> Look:
    return lambda server: same_answers(
        {query: text_of(f"/healthz{query}")(server) for query in queries}
    )


def test_the_old_name_of_a_switch_is_logged(streams: Twins, recorded: Recorded) -> None:
    def logged(server: ServerProcess) -> bool:
        ask(server, "/healthz?js-enabled=true")
        text = "[WRN] Healthcheck: js-enabled deprecated, use js-enabled-only instead"
        return server.logs(text)

    streams.compare(recorded, logged)
    assert logged(streams.ours)


def test_streams_in_memory_are_found(streams: Twins, kind_under_test: str) -> None:
    if kind_under_test == REFERENCE:
        pytest.skip("ours alone")
    # The real server without a cluster looks for folders, so it misses them; with one, it does not.
    assert ask(streams.ours, "/healthz?account=$G&stream=MEMORY").status == 200


UNRECOVERED = (
    "?account=$G", "?account=$G&stream=EMPTY", "?account=$G&stream=BARE",
    "?account=$G&stream=DISK", "?account=$G&stream=DISK&details=1", "?account=GONE",
    "?account=GONE&details=1", "?js-server-only=1", "?js-enabled-only=1",
)  # fmt: skip
WITH_REASONS = ("?details=1", "?account=$G&details=1", "?account=$G&stream=EMPTY&details=1")


def test_health_of_what_could_not_be_recovered(fresh: Twins, recorded: Recorded) -> None:
    def damage(server: ServerProcess) -> None:
        jetstream_scene.build(server)
        server.stop()
        store = server.folder / "store" / "jetstream"
        (store / "$G" / "streams" / "EMPTY" / "meta.sum").write_text("0" * 16)
        (store / "$G" / "streams" / "BARE").mkdir()
        (store / "GONE" / "streams" / "S").mkdir(parents=True)
        server.start()

    def answers(server: ServerProcess) -> dict[str, Any]:
        damage(server)
        found = {"health": _health(UNRECOVERED)(server)}
        for query in WITH_REASONS:
            reply = ask(server, f"/healthz{query}")
            assert reply.status == 503
            found[query] = json.loads(reply.body)["errors"]
        logged = "Healthcheck failed: \"JetStream stream '$G > BARE' could not be recovered\""
        return {**found, "logged": server.logs(logged)}

    expected = recorded.of(lambda: answers(fresh.reference))
    ours = plain(answers(fresh.ours))
    assert ours["logged"]
    for query in WITH_REASONS:
        assert len(ours[query]) == len(expected[query])
        for got, wanted in zip(ours[query], expected[query], strict=True):  # ours says why, too
            assert got["error"].startswith(wanted["error"])
            got["error"] = wanted["error"]
    assert as_text(ours) == as_text(expected)


def test_info_says_that_jetstream_is_on(streams: Twins, fresh: Twins, recorded: Recorded) -> None:
    def shown(server: ServerProcess) -> dict[str, Any]:
        with RawClient(server.port) as client:
            info = json.loads(client.read_info().partition(b" ")[2])
        return {name: info.get(name) for name in ("jetstream", "domain", "api_lvl")}

    streams.compare(recorded, shown, "with a domain")
    fresh.compare(recorded, shown, "plain")


RESTORE = ("  Starting restore for stream", "  Restored ")
START = (
    "Starting http monitor", "Starting JetStream", "---------------- JETSTREAM ----------------",
    "  Strict:", "  Max Memory:", "  Max Storage:", "  Store Directory:", "  Domain:",
    "  API Level:", "-------------------------------------------", *RESTORE, "Took ",
    "Listening for client connections", "Server is ready", "Initiating Shutdown...",
    "Initiating JetStream Shutdown...", "JetStream Shutdown", "Server Exiting..",
)  # fmt: skip


def test_log_of_a_life(recorded: Recorded, kind_under_test: str, tmp_path: Path) -> None:
    """The lines that tools and people look for, in the same order with the same figures."""

    def life(kind: str) -> str:
        server = ServerProcess(kind, tmp_path / kind, jetstream_scene.CONFIG, monitor=True)
        with server:
            jetstream_scene.build(server)
            assert "Restored" not in server.log()  # a new stream is none that was found
        server.empty_log()
        with server:
            pass
        lines = [line.partition("] ")[2] for line in server.log().splitlines()]
        lines = [line.partition("[INF] ")[2] for line in lines if "[INF]" in line]
        kept = [_stable(line, server) for line in lines if line.startswith(START)]
        # The real server restores several streams at the same time.
        restores = [line for line in kept if line.startswith(RESTORE)]
        at = kept.index(restores[0])
        kept[at : at + len(restores)] = sorted(restores)
        return "\n".join(kept)

    expected = recorded.of(lambda: life(REFERENCE))
    assert life(kind_under_test) == expected


def _stable(line: str, server: ServerProcess) -> str:
    if line.startswith("Took "):
        return "Took"
    for word in (" in ", " on "):
        line = line.rpartition(word)[0] if word in line and not line.startswith("  S") else line
    return line.replace(str(server.folder), "@FOLDER@")
