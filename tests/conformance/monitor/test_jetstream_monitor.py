"""Monitoring of JetStream beside the real server's: the same documents for the same streams."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.monitor import jetstream_scene
from tests.conformance.monitor.scene import ask
from tests.conformance.monitor.shape import shape
from tests.support.client import Client
from tests.support.deadline import wait_until
from tests.support.process import REFERENCE, ServerProcess
from tests.support.raw import RawClient

pytestmark = pytest.mark.reference

Pair = tuple[ServerProcess, ServerProcess]  # (ours, the real one)


@pytest.fixture(scope="module")
def streams(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("monitor-jetstream")
    config = jetstream_scene.CONFIG
    with (
        ServerProcess(kind_under_test, folder / "ours", config, monitor=True) as ours,
        ServerProcess(REFERENCE, folder / "reference", config, monitor=True) as reference,
    ):
        for server in (ours, reference):
            jetstream_scene.build(server)
        yield ours, reference


@pytest.fixture
def fresh(kind_under_test: str, tmp_path: Path) -> Iterator[Pair]:
    """Servers without streams."""
    config = jetstream_scene.PLAIN_CONFIG
    with (
        ServerProcess(kind_under_test, tmp_path / "ours", config, monitor=True) as ours,
        ServerProcess(REFERENCE, tmp_path / "reference", config, monitor=True) as reference,
    ):
        yield ours, reference


def compare(pair: Pair, path: str) -> None:
    """The same status, and a document of the same shape and values."""
    ours, reference = (ask(server, path) for server in pair)
    assert ours.status == reference.status, (path, ours.body)
    documents = [reply.json() for reply in (ours, reference)]
    for document in documents:
        for name in ("out_bytes", "out_client_bytes"):  # times in answers have as many digits
            document.pop(name, None)  # as they need
    assert shape(documents[0]) == shape(documents[1]), path


FLAGS = (
    "accounts", "streams", "consumers", "direct-consumers", "config", "leader-only",
    "stream-leader-only", "raft",
)  # fmt: skip


@pytest.mark.parametrize("account", ["", "$G", "$SYS", "nope"])
def test_jsz_with_every_combination_of_flags(streams: Pair, account: str) -> None:
    for size in range(len(FLAGS) + 1):
        for chosen in combinations(FLAGS, size):
            query = "&".join(f"{flag}=true" for flag in chosen)
            compare(streams, f"/jsz?acc={account}&{query}")


@pytest.mark.parametrize("wanted", ["accounts=1", "streams=t", "consumers=True&config=1"])
def test_pages_of_accounts(streams: Pair, wanted: str) -> None:
    for offset in ("-1", "0", "1", "5", "9223372036854775807"):
        for limit in ("-1", "0", "1", "2", "9223372036854775807", "-9223372036854775808"):
            compare(streams, f"/jsz?{wanted}&offset={offset}&limit={limit}")


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
def test_refused_parameters(streams: Pair, query: str) -> None:
    ours, reference = (ask(server, f"/jsz?{query}") for server in streams)
    assert (ours.status, ours.body) == (reference.status, reference.body)


@pytest.mark.parametrize("path", ["/accountz", "/accountz?acc=$G", "/accountz?acc=$SYS", "/varz"])
def test_other_documents_with_jetstream(streams: Pair, path: str) -> None:
    compare(streams, path)


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
def test_documents_before_the_first_stream(fresh: Pair, path: str) -> None:
    compare(fresh, path)


def test_mirrors_and_sources(fresh: Pair) -> None:
    def followers(server: ServerProcess) -> Any:
        document = ask(server, "/jsz?acc=$G&streams=1&config=1").json()
        (account,) = document["account_details"]
        del account["api"], document["api"]  # the real server's followers make requests, too
        return document

    for server in fresh:
        jetstream_scene.build(server)
        jetstream_scene.follow(server)
    ours, reference = map(followers, fresh)
    assert shape(ours) == shape(reference)


def _grow(server: ServerProcess) -> None:
    server.write_config(jetstream_scene.PLAIN_CONFIG.replace("max_mem: 10M", "max_mem: 20M"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: "Reloaded server configuration" in server.log(), "the reload")


def test_sizes_that_a_reload_has_raised(fresh: Pair) -> None:
    for server in fresh:
        _grow(server)
        with Client(server.port) as client:  # would not have fitted before
            jetstream_scene.create(client, "BIG", storage="memory", max_bytes=15_000_000)
    compare(fresh, "/jsz?streams=1")
    compare(fresh, "/varz")


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
    "?account=$G&stream=NOPE&consumer=c", "?account=%22%0a&stream=%3C%3E&details=1",
    "?account=$G&stream=%22%01%c3%a9", "?js-enabled=x", "?details=x&js-meta-only=y",
]  # fmt: skip


def same_health(pair: Pair, query: str) -> None:
    ours, reference = (ask(server, f"/healthz{query}") for server in pair)
    assert (ours.status, ours.body) == (reference.status, reference.body), query


@pytest.mark.parametrize("query", HEALTH)
def test_health(streams: Pair, query: str) -> None:
    same_health(streams, query)


def test_health_before_the_first_stream(fresh: Pair) -> None:
    for query in ("", "?details=1", "?account=$G", "?account=$G&stream=DISK", "?account=$SYS"):
        same_health(fresh, query)


def test_the_old_name_of_a_switch_is_logged(streams: Pair) -> None:
    for server in streams:
        ask(server, "/healthz?js-enabled=true")
        text = "[WRN] Healthcheck: js-enabled deprecated, use js-enabled-only instead"
        assert text in server.log()


def test_streams_in_memory_are_found(streams: Pair, kind_under_test: str) -> None:
    if kind_under_test == REFERENCE:
        pytest.skip("ours alone")
    # The real server without a cluster looks for folders, so it misses them; with one, it does not.
    assert ask(streams[0], "/healthz?account=$G&stream=MEMORY").status == 200


def test_health_of_what_could_not_be_recovered(fresh: Pair) -> None:
    for server in fresh:
        jetstream_scene.build(server)
        server.stop()
        store = server.folder / "store" / "jetstream"
        (store / "$G" / "streams" / "EMPTY" / "meta.sum").write_text("0" * 16)
        (store / "$G" / "streams" / "BARE").mkdir()
        (store / "GONE" / "streams" / "S").mkdir(parents=True)
        server.start()
    for query in (
        "?account=$G", "?account=$G&stream=EMPTY", "?account=$G&stream=BARE",
        "?account=$G&stream=DISK", "?account=$G&stream=DISK&details=1", "?account=GONE",
        "?account=GONE&details=1", "?js-server-only=1", "?js-enabled-only=1",
    ):  # fmt: skip
        same_health(fresh, query)
    for query in ("?details=1", "?account=$G&details=1", "?account=$G&stream=EMPTY&details=1"):
        ours, reference = (ask(server, f"/healthz{query}") for server in fresh)
        assert ours.status == reference.status == 503
        errors = [json.loads(reply.body)["errors"] for reply in (ours, reference)]
        for got, wanted in zip(*errors, strict=True):  # ours says why, too
            assert got.pop("error").startswith(wanted.pop("error"))
            assert got == wanted
    for server in fresh:
        expected = "Healthcheck failed: \"JetStream stream '$G > BARE' could not be recovered\""
        assert expected in server.log()


def test_info_says_that_jetstream_is_on(streams: Pair, fresh: Pair) -> None:
    for pair in (streams, fresh):
        shown = []
        for server in pair:
            client = RawClient(server.port)
            info = json.loads(client.read_info().partition(b" ")[2])
            shown.append({name: info.get(name) for name in ("jetstream", "domain", "api_lvl")})
            client.close()
        assert shown[0] == shown[1]


RESTORE = ("  Starting restore for stream", "  Restored ")
START = (
    "Starting http monitor", "Starting JetStream", "---------------- JETSTREAM ----------------",
    "  Strict:", "  Max Memory:", "  Max Storage:", "  Store Directory:", "  Domain:",
    "  API Level:", "-------------------------------------------", *RESTORE, "Took ",
    "Listening for client connections", "Server is ready", "Initiating Shutdown...",
    "Initiating JetStream Shutdown...", "JetStream Shutdown", "Server Exiting..",
)  # fmt: skip


def test_log_of_a_life(kind_under_test: str, tmp_path: Path) -> None:
    """The lines that tools and people look for, in the same order with the same figures."""
    lives = []
    for name, kind in (("ours", kind_under_test), ("reference", REFERENCE)):
        server = ServerProcess(kind, tmp_path / name, jetstream_scene.CONFIG, monitor=True)
        with server:
            jetstream_scene.build(server)
        server.log_path.write_text("")
        with server:
            pass
        lines = [line.partition("] ")[2] for line in server.log().splitlines()]
        lines = [line.partition("[INF] ")[2] for line in lines if "[INF]" in line]
        kept = [_stable(line, server) for line in lines if line.startswith(START)]
        # The real server restores several streams at the same time.
        restores = [line for line in kept if line.startswith(RESTORE)]
        at = kept.index(restores[0])
        kept[at : at + len(restores)] = sorted(restores)
        lives.append(kept)
    assert lives[0] == lives[1]


def _stable(line: str, server: ServerProcess) -> str:
    if line.startswith("Took "):
        return "Took"
    for word in (" in ", " on "):
        line = line.rpartition(word)[0] if word in line and not line.startswith("  S") else line
    return line.replace(str(server.folder), "@FOLDER@")
