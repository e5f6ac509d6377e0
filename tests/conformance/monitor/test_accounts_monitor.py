"""Monitoring of several accounts, with and without JetStream, compared with the real server's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.monitor.jetstream_scene import create
from tests.conformance.monitor.scene import Scene, ask
from tests.conformance.monitor.shape import shape
from tests.conformance.monitor.test_monitor import without_internal
from tests.conformance.monitor.twins import Twins, text_of
from tests.support.client import Client
from tests.support.exposition import series_of
from tests.support.process import ServerProcess
from tests.support.records import Recorded

CONFIG = """
server_name: "scene"
jetstream { store_dir: "@FOLDER@/store", max_mem: 100M, max_file: 100M, sync: always }
accounts {
  DISK {
    users: [{user: disk, password: p}, {user: second, password: p}]
    jetstream { max_file: 50M, max_mem: 10M, max_streams: 5, max_ack_pending: 7 }
  }
  WIDE { users: [{user: wide, password: p}], jetstream: enabled }
  OFF { users: [{user: lone, password: p}], limits { max_subs: 9 } }
  EMPTY { }
  $SYS { users: [{user: admin, password: p}] }
}
authorization { users: [{user: plain, password: p}] }
"""


def build(server: ServerProcess, stack: ExitStack) -> None:
    """Clients of every account that has users; streams in two of them."""
    for user in ("disk", "wide"):
        with Client(server.port, user, "p") as client:
            create(client, "S", subjects=["s.*"], max_bytes=100_000)
            create(client, "M", subjects=["m.*"], storage="memory", max_bytes=5000)
            for index in range(3):
                client.request(f"s.{index}", b"x" * 10)
                client.request("m.1", b"y")
    scene = Scene(server)
    stack.callback(scene.close)
    for number, user in enumerate(("disk", "second", "wide", "lone", "plain", "admin")):
        subscribe = b"".join(b"SUB a.%d %d\r\n" % (n, n) for n in range(number + 1))
        publish = b"PUB a.0 2\r\nhi\r\n" * (number + 1)
        # What comes together with CONNECT the real server counts for the account before it.
        client = scene.connect({"user": user, "pass": "p"})
        client.send(subscribe + publish)
        client.fence()
        scene.clients.append(client)


@pytest.fixture(scope="module")
def servers(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder: Path = tmp_path_factory.mktemp("monitor-accounts")
    with Twins(kind_under_test, folder, CONFIG, build) as twins:
        yield twins


ACCOUNTS = ("DISK", "WIDE", "OFF", "EMPTY", "$G", "$SYS", "NOPE")
PATHS = [
    "/varz",
    "/accountz",
    "/accstatz",
    "/accstatz?unused=1",
    "/connz?auth=1",
    "/connz?auth=1&subs=detail&sort=subs",
    "/connz?user=second&auth=1",
    "/connz?acc=DISK&user=second",
    "/connz?acc=WIDE&user=second",
    "/subsz?subs=1&test=a.0",
    "/jsz",
    "/jsz?accounts=1",
    "/jsz?streams=1&config=1",
    "/jsz?accounts=1&offset=1&limit=1",
    *(f"/connz?acc={name}&auth=1&subs=1" for name in ACCOUNTS),
    *(f"/connz?acc={name}&state=closed" for name in ACCOUNTS),
    *(f"/subsz?acc={name}&subs=1&test=a.0" for name in ACCOUNTS if name != "$SYS"),
    *(f"/accountz?acc={name}" for name in ACCOUNTS if name != "NOPE"),
    *(f"/jsz?acc={name}&streams=1" for name in ACCOUNTS),
]


def stable(body: Any) -> Any:
    """Without what depends on how long an answer of the API was: it contains times."""
    if isinstance(body, dict):
        for name in ("out_bytes", "out_client_bytes"):
            body.pop(name, None)
        if "sent" in body:
            body["sent"].pop("bytes")
        return {key: stable(value) for key, value in body.items()}
    return [stable(value) for value in body] if isinstance(body, list) else body


@pytest.mark.parametrize("path", PATHS)
def test_same_document(servers: Twins, recorded: Recorded, path: str) -> None:
    def look(server: ServerProcess) -> Any:
        reply = ask(server, path)
        assert reply.status == 200, reply.body
        return shape(stable(without_internal(reply.json())))

    servers.compare(recorded, look)


@pytest.mark.parametrize("name", ACCOUNTS)
@pytest.mark.parametrize(
    "query", ["", "&details=1", "&stream=S", "&stream=X", "&stream=S&details=1"]
)
def test_same_health(servers: Twins, recorded: Recorded, name: str, query: str) -> None:
    servers.compare(recorded, text_of(f"/healthz?account={name}{query}"))


def test_metrics_of_every_account(servers: Twins) -> None:
    metrics = series_of(ask(servers.ours, "/metrics").body)
    for name in ACCOUNTS[:-1]:
        assert f'account_connections{{account="{name}"}}' in metrics
    for name in ("DISK", "WIDE"):
        assert metrics[f'account_jetstream_streams{{account="{name}"}}'] == 2
        assert metrics[f'stream_messages{{account="{name}",stream="S"}}'] == 3
    assert 'account_jetstream_streams{account="OFF"}' not in metrics
