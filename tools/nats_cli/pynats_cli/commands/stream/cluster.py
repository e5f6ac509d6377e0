"""`stream cluster`: which servers hold and lead a stream."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.go.quoting import quote

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.streams import peers
from pynats_cli.jetstream.streams.fields import shown_info
from pynats_cli.jetstream.streams.screen import info_screen
from pynats_cli.pickers import pick_stream
from pynats_cli.screen import ask
from pynats_cli.screen.output import line, log, note, show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class StepDownOptions(StreamGroup, Force, Shown):
    stream: Annotated[str, arg("Stream whose leader steps down")] = ""
    preferred: Annotated[
        str, opt("--preferred", help="The server that should lead", placeholder="SERVER")
    ] = ""


async def step_down(session: Session, options: StepDownOptions) -> None:
    """Has a new leader elected, and shows the stream."""
    name = await pick_stream(session, options.stream, options.all)
    cluster = peers.replicated_cluster_of(await session.js.stream_info(name))
    leader, count = cluster.get("leader", ""), len(peers.peers_of(cluster))
    if not leader and not options.force:
        raise CliError("stream has no current leader")
    log(
        f"Requesting leader step down of {quote(leader)} for stream {quote(name)} "
        f"in a {count} peer cluster group"
    )
    request: dict[str, Any] = {}
    if options.preferred:
        request = {"placement": {"preferred": options.preferred}}
    await session.js.request(f"STREAM.LEADER.STEPDOWN.{name}", request or None)
    info = await peers.wait_for_leader(session, name, leader)
    if info is None:
        raise CliError(f"stream {quote(name)} did not elect a new leader in time")
    log(f"New leader elected {quote(info['cluster']['leader'])}")
    show(options, shown_info(info), lambda: info_screen(info).render())


@dataclass(kw_only=True)
class PeerOptions(StreamGroup, Force):
    stream: Annotated[str, arg("Stream to move")] = ""
    peer: Annotated[str, arg("Server to leave")] = ""


def _pick_peer(cluster: dict[str, Any], given: str) -> str:
    if given:
        return given
    return ask.choose("Select a Peer", peers.peers_of(cluster), missing="the server's name")


async def peer_remove(session: Session, options: PeerOptions) -> None:
    """Takes a server out of the group; another takes its place."""
    note("WARNING: use `stream cluster evacuate` and the number of replicas instead: it is safer\n")
    name = await pick_stream(session, options.stream, options.all)
    cluster = peers.replicated_cluster_of(await session.js.stream_info(name))
    peer = _pick_peer(cluster, options.peer)
    if not ask.sure(options.force, f"Really remove peer {peer} from Stream {name}", "not removed"):
        return
    log(f"Removing peer {quote(peer)}")
    await session.js.request(f"STREAM.PEER.REMOVE.{name}", {"peer": peer})
    log(f"Requested removal of peer {quote(peer)}")


async def evacuate(session: Session, options: PeerOptions) -> None:
    """Moves a stream's data from one server to another."""
    if options.force and not (options.stream and options.peer):
        raise CliError("--force requires a stream name and a peer name")
    name = await pick_stream(session, options.stream, options.all)
    cluster = peers.cluster_of(await session.js.stream_info(name))
    peer = _pick_peer(cluster, options.peer)
    log(f"Evacuating stream from peer {quote(peer)}")
    question = f"Really evacuate Stream {name} from peer {peer}"
    if not ask.sure(options.force, question, "not moved"):
        return
    await session.js.request(f"STREAM.PEER.EVACUATE.{name}", {"peer": peer})
    log(f"Requested evacuation of peer {quote(peer)}")
    log("Waiting up to 1 minute for peer state to change")
    info = await peers.wait_for_peers(session, name, peer, _dot)
    if sys.stderr.isatty():
        note("")
    if info is None:
        raise CliError(f"stream {quote(name)} is still on {quote(peer)}: the move goes on")
    line(f"Stream peers are now: {', '.join(peers.peers_of(info['cluster']))}")


def _dot() -> None:
    if sys.stderr.isatty():
        print(".", end="", file=sys.stderr, flush=True)


@dataclass(kw_only=True)
class CancelOptions(StreamGroup, Force):
    stream: Annotated[str, arg("Stream that moves")] = ""


async def cancel_move(session: Session, options: CancelOptions) -> None:
    """Ends a move; the stream stays where it was."""
    name = await pick_stream(session, options.stream, options.all)
    if not options.force:
        info = await session.js.stream_info(name)
        wanted = int(info["config"].get("num_replicas", 1))
        if len(peers.peers_of(peers.cluster_of(info))) <= wanted:
            raise CliError("stream is not busy moving")
        if not ask.sure(False, f"Really cancel the move of Stream {name}", "the move goes on"):
            return
    await session.js.request(f"STREAM.CANCEL_MOVE.{name}")
    log(f"Requested the end of the move of Stream {name}")
