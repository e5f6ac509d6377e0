"""Endpoints of parts that this server does not have: routes, gateways, leaf nodes. They answer like
the real server with those parts off."""

from __future__ import annotations

import time

import msgspec
from pynats_common.go.times import format_time_s

from pynats_server.monitor.options import (
    GatewayzOptions,
    IpqueueszOptions,
    LeafzOptions,
    RoutezOptions,
)
from pynats_server.monitor.source import MonitorSource

NO_RAFT_NODES = "No Raft nodes registered"


class Routes(msgspec.Struct, kw_only=True):
    server_id: str
    server_name: str
    now: str
    num_routes: int = 0
    routes: list[int] = msgspec.field(default_factory=list)


class Gateways(msgspec.Struct, kw_only=True):
    server_id: str
    now: str
    outbound_gateways: dict[str, int] = msgspec.field(default_factory=dict)
    inbound_gateways: dict[str, int] = msgspec.field(default_factory=dict)


class LeafNodes(msgspec.Struct, kw_only=True):
    server_id: str
    now: str
    leafnodes: int = 0
    leafs: list[int] = msgspec.field(default_factory=list)


def routez(source: MonitorSource, options: RoutezOptions) -> Routes:
    """The body of /routez."""
    return Routes(server_id=source.id, server_name=source.name, now=_now())


def gatewayz(source: MonitorSource, options: GatewayzOptions) -> Gateways:
    """The body of /gatewayz."""
    return Gateways(server_id=source.id, now=_now())


def leafz(source: MonitorSource, options: LeafzOptions) -> LeafNodes:
    """The body of /leafz."""
    return LeafNodes(server_id=source.id, now=_now())


def ipqueuesz(source: MonitorSource, options: IpqueueszOptions) -> dict[str, int]:
    """The body of /ipqueuesz: there are no queues between threads."""
    return {}


def _now() -> str:
    return format_time_s(time.time())
