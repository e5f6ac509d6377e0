"""Who a server says it is: the fields of INFO in order, and keys that are new at each start."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from pynats_common.nkeys import Prefix, is_valid_public
from pynats_server.options import Options
from pynats_server.server.identity import Identity
from pynats_server.server.server import Server

from tests.support.pool import ServerPool
from tests.support.process import ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

BUILD = ("git_commit",)  # of a build, not of a server


def _infos(port: int) -> list[dict[str, object]]:
    """What a client is told first, and after its first PONG."""
    with RawClient(port) as client:
        client.send(b'CONNECT {"protocol":1}\r\nPING\r\n')
        client.read_until(b'"connect_info"')
        client.read_until(b"} \r\n")
        lines = bytes(client.received).split(b"\r\n")
    return [json.loads(line[5:]) for line in lines if line.startswith(b"INFO ")]


def _names(infos: list[dict[str, object]]) -> list[list[str]]:
    return [[name for name in info if name not in BUILD] for info in infos]


def test_fields_come_in_the_order_of_the_real_server(
    recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    theirs = recorded.of(lambda: _names(_infos(reference_servers.get("plain", "").port)))
    ours = _infos(servers_under_test.get("plain", "").port)
    assert _names(ours) == theirs
    assert ours[0]["xkey"] == ours[1]["xkey"]
    assert is_valid_public(ours[0]["xkey"], Prefix.CURVE)
    assert is_valid_public(ours[0]["server_id"], Prefix.SERVER)


def test_keys_are_new_at_each_start(tmp_path: Path) -> None:
    seen = []
    with ServerProcess("pynats", tmp_path) as server:
        for _ in range(2):
            info, _ = _infos(server.port)
            seen += [info["server_id"], info["xkey"]]
            server.stop()
            server.start()
    assert len(set(seen)) == len(seen)


def test_secrets_belong_to_what_is_shown_and_are_not_shown() -> None:
    identity = Identity()
    identity.key.verify(b"text", identity.key.sign(b"text"))
    assert identity.key.public_key == identity.id
    assert identity.curve.open(identity.curve.seal(b"text", identity.xkey), identity.xkey)
    for secret in (identity.key.seed, identity.curve.seed):
        assert secret not in repr(identity)
        assert secret not in repr(identity.key) + repr(identity.curve)


def test_the_id_of_an_embedded_server_is_its_key() -> None:
    async def run() -> None:
        async with Server(Options(host="127.0.0.1", port=-1), log=None) as server:
            assert server.id == server.state.identity.key.public_key

    asyncio.run(run())
