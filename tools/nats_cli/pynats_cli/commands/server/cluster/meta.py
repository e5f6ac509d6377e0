"""The meta group, as its leader sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.servers.system.requests import ask, scatter

NO_LEADER = (
    "did not receive a response from the meta leader, ensure the account used has system "
    "privileges and appropriate permissions"
)


@dataclass(frozen=True)
class Peer:
    """A server of the meta group."""

    name: str
    id: str
    offline: bool = False


@dataclass(frozen=True)
class MetaGroup:
    """The leader and the others."""

    leader: Peer
    replicas: tuple[Peer, ...]

    @property
    def names(self) -> list[str]:
        """Of all peers, sorted."""
        return sorted(peer.name for peer in (self.leader, *self.replicas))


def refuse_domain(session: Session) -> None:
    """These requests reach all domains: one that is asked for would not be respected."""
    if session.context.jetstream_domain:
        raise CliError("the meta group cannot be changed through a JetStream domain")


async def meta_group(session: Session) -> MetaGroup:
    """The group, as the one leader tells it. Raises CliError when there is none, or are more."""
    return _only(await ask(session, "JSZ", {}))


async def leaders_view(session: Session) -> MetaGroup:
    """The same, of the leader alone."""
    answers = await scatter(session, "$SYS.REQ.SERVER.PING.JSZ", {"leader_only": True})
    return _only([answer.document for answer in answers])


def _only(documents: list[dict[str, Any]]) -> MetaGroup:
    leading = []
    for document in documents:
        meta = (document.get("data") or {}).get("meta_cluster") or {}
        name = (document.get("server") or {}).get("name")
        if name and meta.get("leader") == name:
            leading.append(meta)
    if not leading:
        raise CliError(NO_LEADER)
    if len(leading) > 1:
        names = ", ".join(sorted(str(meta["leader"]) for meta in leading))
        raise CliError(f"expected one meta leader, but there are several: {names}")
    (meta,) = leading
    replicas = tuple(
        Peer(str(each.get("name") or ""), str(each.get("peer") or ""), bool(each.get("offline")))
        for each in meta.get("replicas") or ()
    )
    return MetaGroup(Peer(str(meta["leader"]), str(meta.get("peer") or "")), replicas)
