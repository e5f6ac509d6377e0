"""The figures of a server, in the real server's order; what has not happened is left out."""

from __future__ import annotations

import json

import msgspec
from pynats_server import Options, Server
from pynats_server.monitor.varz import Usage
from pynats_server.system.statsz import statsz

from tests.support.on_loop import on_loop

ALWAYS = [
    "start", "mem", "cores", "cpu", "connections", "total_connections", "active_accounts",
    "subscriptions", "sent", "sent_to_clients", "received", "received_from_clients",
    "slow_consumers",
]  # fmt: skip


@on_loop
async def test_what_has_not_happened_is_left_out() -> None:
    async with Server(Options(host="127.0.0.1", port=-1), log=None) as server:
        told = json.loads(msgspec.json.encode(statsz(server.state, Usage())))
        assert list(told) == [*ALWAYS, "active_servers", "gomaxprocs"]
        engine = server.state.engine
        engine.slow_consumers, engine.stale_connections, engine.stalls = 2, 3, 4
        told = json.loads(msgspec.json.encode(statsz(server.state, Usage())))
    assert list(told) == [
        *ALWAYS, "slow_consumer_stats", "stale_connections", "stale_connection_stats",
        "stalled_clients", "active_servers", "gomaxprocs",
    ]  # fmt: skip
    assert told["slow_consumer_stats"] == {"clients": 2, "routes": 0, "gateways": 0, "leafs": 0}
    assert told["stale_connection_stats"] == {"clients": 3, "routes": 0, "gateways": 0, "leafs": 0}
    assert (told["slow_consumers"], told["stale_connections"], told["stalled_clients"]) == (2, 3, 4)
