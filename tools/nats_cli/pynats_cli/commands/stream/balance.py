"""`stream cluster balance`: every server leads as many streams as the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pynats_common.go.quoting import quote

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.jetstream.streams.balance import ClusterPlan, Group, Move, plans
from pynats_cli.jetstream.streams.find import FindFlags, matching
from pynats_cli.jetstream.streams.peers import wait_for_leader
from pynats_cli.screen.output import line, log

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class BalanceOptions(FindFlags, StreamGroup):
    pass


async def balance(session: Session, options: BalanceOptions) -> None:
    """Has leaders step down where one server leads more than its share."""
    found = await matching(session, options)
    names = [(str(info["config"]["name"]), info.get("cluster") or {}) for info in found]
    groups = [group for name, cluster in names if (group := Group.of(name, cluster))]
    if not groups:
        raise CliError("no clustered streams to balance were found")
    balanced = 0
    for plan in plans(groups):
        announce(plan)
        for move in plan.moves:
            balanced += await _move(session, move)
    line(f"Balanced {balanced} streams.")


def announce(plan: ClusterPlan) -> None:
    """What is, and what would be even."""
    log(f"Found cluster {plan.cluster} with a balanced distribution of {plan.even}")
    log(f"Cluster {plan.cluster} has {len(plan.counts)} available peers")
    for name, count in sorted(plan.counts.items(), key=lambda row: (-row[1], row[0])):
        log(
            f"Nats server '{name}' is the lead of {count} entities "
            f"with a offset of {count - plan.even}"
        )


async def _move(session: Session, move: Move) -> int:
    group = move.group
    log(f"Moving the lead of {quote(group.name)} from {quote(group.leader)} to {quote(move.to)}")
    request = {"placement": {"preferred": move.to}}
    try:
        await session.js.request(f"STREAM.LEADER.STEPDOWN.{group.name}", request)
        info = await wait_for_leader(session, group.name, group.leader)
    except CliError as error:
        log(f"Could not balance {quote(group.name)}: {error}")
        return 0
    if info is None:
        log(f"Stream {quote(group.name)} did not elect a new leader in time")
        return 0
    log(f"New leader of {quote(group.name)} is {quote(info['cluster']['leader'])}")
    return 1
