"""`statsz`: the figures that a server tells of itself from time to time, and when it is asked."""

from __future__ import annotations

import os

import msgspec
from pynats_common.go.json import json_number
from pynats_common.go.times import format_time_s

from pynats_server.machine.cores import usable_cores
from pynats_server.monitor import jsz
from pynats_server.monitor.traffic import Moved, moved_in, moved_out
from pynats_server.monitor.varz import ByKind, Usage, subscription_total
from pynats_server.server.state import ServerState


class Statsz(msgspec.Struct, omit_defaults=True, kw_only=True):
    start: str
    mem: int
    cores: int
    cpu: int | float
    connections: int
    total_connections: int
    active_accounts: int
    subscriptions: int
    sent: Moved
    sent_to_clients: Moved
    received: Moved
    received_from_clients: Moved
    slow_consumers: int
    slow_consumer_stats: ByKind | None = None
    stale_connections: int = 0
    stale_connection_stats: ByKind | None = None
    stalled_clients: int = 0
    active_servers: int = 0
    jetstream: jsz.Varz | None = None
    gomaxprocs: int


class Told(msgspec.Struct, kw_only=True):
    """As it is published, and answered."""

    server: msgspec.Raw
    statsz: Statsz


def statsz(state: ServerState, usage: Usage) -> Statsz:
    """The figures of now."""
    engine = state.engine
    sent, received = moved_out(engine), moved_in(engine)
    slow, stale = engine.slow_consumers, engine.stale_connections
    return Statsz(
        start=format_time_s(state.start_time),
        mem=usage.resident_bytes(),
        cores=os.cpu_count() or 1,
        cpu=json_number(usage.cpu_percent()),
        connections=len(engine.connections),
        total_connections=engine.total_connections,
        active_accounts=sum(1 for account in state.accounts.values() if account.clients),
        subscriptions=subscription_total(state),
        sent=sent,
        sent_to_clients=sent,
        received=received,
        received_from_clients=received,
        slow_consumers=slow,
        slow_consumer_stats=ByKind(clients=slow) if slow else None,
        stale_connections=stale,
        stale_connection_stats=ByKind(clients=stale) if stale else None,
        stalled_clients=engine.stalls,
        active_servers=1,
        jetstream=_jetstream(state),
        gomaxprocs=usable_cores(),
    )


def _jetstream(state: ServerState) -> jsz.Varz | None:
    """As in /varz, but where its files are concerns nobody elsewhere."""
    if state.jetstream is None:
        return None
    part = jsz.varz_part(state)
    if part.config is not None:
        part.config.store_dir = ""
    return part
