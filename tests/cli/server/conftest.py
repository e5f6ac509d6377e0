"""A server with a system account and JetStream, and an archive of what it says."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Imported before forking, see Running.
import pynats_cli.commands.account.info
import pynats_cli.commands.account.report
import pynats_cli.commands.server.account.info
import pynats_cli.commands.server.info
import pynats_cli.commands.server.listing
import pynats_cli.commands.server.ping
import pynats_cli.commands.server.report.accounts
import pynats_cli.commands.server.report.jetstream
import pynats_cli.commands.server.request.endpoints
import pynats_cli.expressions  # noqa: F401
import pytest
import rich.table  # noqa: F401
from pynats_cli.connect.opening import open_session
from pynats_cli.global_options import GlobalOptions
from pynats_cli.servers.system import ask

from tests.cli.conftest import KINDS, Cli
from tests.support.process import ServerProcess

CONFIG = """
server_name: p1
server_tags: ["rack:1", "ssd"]
jetstream { store_dir: "@FOLDER@/store" }
system_account: SYS
accounts {
  SYS { users: [{user: sys, password: sys}] }
  A {
    jetstream: enabled
    users: [{user: a, password: a},
            {user: few, password: few, permissions: {publish: {deny: "$JS.>"}}}]
    exports: [{service: "svc.>"}, {stream: "st.>"}]
    mappings: {old: new}
  }
  B {
    users: [{user: b, password: b}]
    imports: [{service: {account: A, subject: "svc.x"}, to: "local.x"}]
  }
}
"""
KINDS_OF_ARCHIVES = {
    "VARZ": "variables", "CONNZ": "connections", "ROUTEZ": "routes", "GATEWAYZ": "gateways",
    "LEAFZ": "leafs", "JSZ": "jetstream_info", "HEALTHZ": "health", "ACCOUNTZ": "accounts",
}  # fmt: skip


@pytest.fixture(scope="session", params=KINDS)
def system_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("system")
    with ServerProcess(request.param, folder, CONFIG) as process:
        yield process


UserCli = Callable[[str], Cli]


@pytest.fixture
def as_user(system_server: ServerProcess, make_cli: Callable[[str], Cli]) -> UserCli:
    """`pynats` as one of the users, whose passwords are their names."""
    return lambda user: make_cli(f"nats://{user}:{user}@127.0.0.1:{system_server.port}")


@pytest.fixture
def system(as_user: UserCli) -> Cli:
    """`pynats` in the system account."""
    return as_user("sys")


@pytest.fixture(scope="session")
def archive(system_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server says, as audit gather would keep it."""
    path = tmp_path_factory.mktemp("archive") / "archive.zip"
    url = f"nats://sys:sys@127.0.0.1:{system_server.port}"

    async def gathered() -> dict[str, Any]:
        files = {}
        async with open_session(GlobalOptions(server=url)) as session:
            for kind, folder in KINDS_OF_ARCHIVES.items():
                (document,) = await ask(session, kind, {"accounts": True} if kind == "JSZ" else {})
                files[f"clusters/unclustered/p1/{folder}"] = document
            (account,) = await ask(session, "ACCOUNTZ", {"account": "A"})
        place = "accounts/A/servers/unclustered__p1/account_info"
        files[place] = {**account, "data": account["data"]["account_detail"]}
        return files

    with zipfile.ZipFile(path, "w") as out:
        for folder, document in asyncio.run(gathered()).items():
            out.writestr(f"capture/{folder}/0001.json", json.dumps(document))
    return path


@pytest.fixture
def listeners(as_user: UserCli) -> Iterator[list[str]]:
    """Three open connections that subscribe: two of A, of which c1 has two messages, one of B."""
    running = []
    for user, name, subject in (("a", "c1", "one"), ("a", "c2", "two"), ("b", "c3", "three")):
        cli = as_user(user)
        running.append(cli.start("sub", subject, "--connection-name", name))
        running[-1].wait_for("Subscribing")
    assert as_user("a").run("pub", "one", "hello", "--count", "2").code == 0
    running[0].wait_for("#2")
    yield ["c1", "c2", "c3"]
