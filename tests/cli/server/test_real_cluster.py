"""`pynats server` with a JetStream cluster of the real server; ours cannot be in one yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.server.test_looking import rows
from tests.support.deadline import wait_until
from tests.support.process import REFERENCE, ServerProcess, lasting_port

pytestmark = pytest.mark.reference
CONFIG = """
server_name: {name}
server_tags: ["{name}-tag"]
jetstream {{ store_dir: "@FOLDER@/store" }}
system_account: SYS
accounts {{
  SYS {{ users: [{{user: sys, password: sys}}] }}
  A {{ jetstream: enabled, users: [{{user: a, password: a}}] }}
}}
cluster {{ name: C1, listen: "127.0.0.1:{port}", routes: [{routes}] }}
"""
NAMES = ("n1", "n2", "n3")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[str, ServerProcess]]:
    ports = {name: lasting_port() for name in NAMES}
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports.values())
    servers = {
        name: ServerProcess(
            REFERENCE, tmp_path / name, CONFIG.format(name=name, port=port, routes=routes)
        )
        for name, port in ports.items()
    }
    try:
        for server in servers.values():
            server.start()
        yield servers
    finally:
        for server in servers.values():
            if server.alive:
                server.kill()


def system_of(server: ServerProcess, make_cli: Callable[[str], Cli]) -> Cli:
    return make_cli(f"nats://sys:sys@127.0.0.1:{server.port}")


def leader(cli: Cli, expect: int = 3) -> str:
    """The name of the meta leader, "" without one."""
    done = cli.run("server", "request", "jsz", str(expect), "--timeout", "2s")
    for line in done.out.splitlines():
        document = json.loads(line)
        meta = document["data"].get("meta_cluster") or {}
        if meta.get("leader") == document["server"]["name"]:
            return str(meta["leader"])
    return ""


def test_a_cluster_is_seen_led_and_shrunk(
    cluster: dict[str, ServerProcess], make_cli: Callable[[str], Cli]
) -> None:
    system = system_of(cluster["n1"], make_cli)
    wait_until(lambda: leader(system), "a leader")
    listed = system.run("server", "ls", "3", "--sort", "name")
    assert listed.code == 0, listed.err
    assert [row[0] for row in rows(listed.out)[1:4]] == list(NAMES)
    assert rows(listed.out)[-2][:2] == ["C1", "3"]
    first = leader(system)
    assert system.run("server", "cluster", "step-down").code == 0
    assert leader(system) not in ("", first)
    report = system.run("server", "report", "jetstream", "3", "--leaders")
    assert "RAFT Meta Group Information - Lead cluster: C1" in report.out
    assert f"{leader(system)}*" in [row[0] for row in rows(report.out)]
    routes = rows(system.run("server", "report", "routes", "3").out)
    assert routes[-1][:2] == ["3", "1"]
    healthy = system.run("server", "cluster", "rescue")
    assert "Cluster is healthy with a leader, no rescue needed" in healthy.out
    lost = next(name for name in ("n3", "n2") if name != leader(system))
    cluster[lost].kill()
    done = system.run("server", "cluster", "peer-remove", lost, "--force")
    assert done.code == 0, done.err
    left = json.loads(
        system.run("server", "request", "jsz", "--leader", "--timeout", "5s").out
    )["data"]["meta_cluster"]  # fmt: skip
    assert [each["name"] for each in left["replicas"]] != [] and left["cluster_size"] == 2


def test_streams_leave_a_peer_that_is_evacuated(
    cluster: dict[str, ServerProcess], make_cli: Callable[[str], Cli]
) -> None:
    system = system_of(cluster["n1"], make_cli)
    wait_until(lambda: leader(system), "a leader")
    account = make_cli(f"nats://a:a@127.0.0.1:{cluster['n1'].port}")
    create = {"name": "S", "subjects": ["s"], "placement": {"tags": ["n3-tag"]}}
    made = account.run("req", "$JS.API.STREAM.CREATE.S", json.dumps(create), "--raw")
    assert '"leader":"n3"' in made.out.replace(" ", "")
    # Its placement keeps it there: evacuating says so, and ends.
    del create["placement"]
    changed = account.run("req", "$JS.API.STREAM.UPDATE.S", json.dumps(create), "--raw")
    assert '"error"' not in changed.out, changed.out
    done = system.run("server", "cluster", "evacuate", "n3", "--force")
    assert done.code == 0, done.err
    assert done.out.endswith('Server "n3": Streams: 0 Consumers: 0\n')
