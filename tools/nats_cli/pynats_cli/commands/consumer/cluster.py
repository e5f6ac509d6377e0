"""`consumer cluster`: leaders and places of a consumer's replicas."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.go.quoting import quote

from pynats_cli.commands.consumer.choosing import chosen
from pynats_cli.commands.consumer.options import OneConsumer, OneStream
from pynats_cli.commands.stream.balance import announce
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.consumers import requests
from pynats_cli.jetstream.consumers.find import FindFlags, matching
from pynats_cli.jetstream.consumers.screen import info_screen
from pynats_cli.jetstream.streams.balance import Group, plans
from pynats_cli.jetstream.streams.peers import peers_of
from pynats_cli.pickers import pick_stream
from pynats_cli.screen.ask import choose, sure
from pynats_cli.screen.output import line, log, show

_LOOK_EVERY_S = 0.25
_ELECTION_MAX_S = 10.0


@dataclass(kw_only=True)
class StepDownOptions(OneConsumer, Force, Shown):
    """Which consumer, and who should lead."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer")] = ""
    preferred: Annotated[
        str, opt("--preferred", help="Server that should lead", placeholder="SERVER")
    ] = ""


@dataclass(kw_only=True)
class BalanceOptions(OneStream, FindFlags):
    """Which stream, and which of its consumers."""


@dataclass(kw_only=True)
class EvacuateOptions(OneConsumer, Force):
    """Which consumer leaves which server."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer")] = ""
    peer: Annotated[str, arg("The server to leave")] = ""


async def step_down(session: Session, options: StepDownOptions) -> None:
    """Have a consumer's leader step down, so that another server leads."""
    stream, consumer, info = await chosen(session, options)
    cluster = info.get("cluster")
    if not cluster:
        raise CliError(f"consumer {quote(stream)} > {quote(consumer)} is not clustered")
    leader = cluster.get("leader", "")
    if not leader and not options.force:
        raise CliError(f"consumer {quote(stream)} > {quote(consumer)} has no current leader")
    if not cluster.get("replicas"):
        raise CliError(
            f"consumer {quote(stream)} > {quote(consumer)} has one replica only: nobody else can "
            "lead"
        )
    if options.preferred and options.preferred == leader:
        raise CliError(f"{quote(leader)} is already the leader")
    if options.preferred:
        await _require_placement(session)
    peers = len(cluster["replicas"]) + 1
    log(f"Requesting leader step down of {quote(leader)} in a {peers} peer RAFT group")
    await requests.step_down(session, stream, consumer, options.preferred)
    found = await _after_election(session, stream, consumer, leader)
    new = found["cluster"].get("leader", "")
    log(f"New leader elected {quote(new)}")
    show(options, found, lambda: f"\n{info_screen(found).render()}")


async def _require_placement(session: Session) -> None:
    await session.js.require_level(1, "preferred leaders need NATS Server 2.11 or newer")


async def _after_election(
    session: Session, stream: str, consumer: str, before: str
) -> dict[str, Any]:
    """The consumer once it has another leader. Raises CliError after a while."""
    loop = asyncio.get_running_loop()
    end = loop.time() + max(_ELECTION_MAX_S, session.options.timeout_s)
    while loop.time() < end:
        info = await _info_in_election(session, stream, consumer)
        leader = (info.get("cluster") or {}).get("leader", "")
        if leader and leader != before:
            return info
        await asyncio.sleep(_LOOK_EVERY_S)
    raise CliError(f"no new leader was elected within {round(_ELECTION_MAX_S)}s")


async def _info_in_election(session: Session, stream: str, consumer: str) -> dict[str, Any]:
    """What is known; nothing while no server answers for the group."""
    try:
        return await session.js.consumer_info(stream, consumer)
    except (TimeoutError, CliError):
        return {}


async def balance(session: Session, options: BalanceOptions) -> None:
    """Spread the leaders of a stream's consumers evenly over the servers."""
    stream = await pick_stream(session, options.stream, everything=options.all)
    replicas = int((await session.js.stream_info(stream))["config"].get("num_replicas", 1))
    found = matching((await requests.listing(session, stream)).consumers, options, replicas)
    if not found:
        line(f"No consumers on {stream}")
        return
    for info in found:
        if not info.get("cluster"):
            raise CliError(
                f"failed to balance consumers on {stream} - consumer {quote(info['name'])} "
                "has no cluster info"
            )
    await _require_placement(session)
    groups = [Group.of(str(info["name"]), info["cluster"]) for info in found]
    balanced = 0
    for plan in plans(group for group in groups if group is not None):
        announce(plan)
        for move in plan.moves:
            leader, name = move.group.leader, move.group.name
            log(
                f"Requesting leader {quote(leader)} step down for consumer {quote(name)}. "
                f"New preferred leader is {quote(move.to)}"
            )
            await requests.step_down(session, stream, name, move.to)
            await _after_election(session, stream, name, leader)
            balanced += 1
    line(f"Balanced {balanced} consumers on {stream}")


async def evacuate(session: Session, options: EvacuateOptions) -> None:
    """Move a consumer's replica from one server to another."""
    stream, consumer, info = await chosen(session, options)
    cluster = info.get("cluster")
    if not cluster:
        raise CliError(f"consumer {quote(consumer)} is not clustered")
    peer = options.peer or choose("Select a Peer", peers_of(cluster), missing="the peer")
    log(f"Evacuating consumer from peer {quote(peer)}")
    if not sure(options.force, f"Really evacuate {quote(peer)}", "not evacuated"):
        return
    await requests.evacuate(session, stream, consumer, peer)
    line(f"Consumer {stream} > {consumer} leaves {peer}")
