"""`consumer unpin`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg
from pynats_common.go.quoting import quote

from pynats_cli.commands.consumer.choosing import chosen, label
from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.jetstream.consumers.requests import unpin as unpin_consumer
from pynats_cli.screen.ask import choose, sure
from pynats_cli.screen.output import line

_LEVEL = 1


@dataclass(kw_only=True)
class UnpinOptions(OneConsumer, Force):
    """Which group of which consumer."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer")] = ""
    group: Annotated[str, arg("The priority group")] = ""


async def unpin(session: Session, options: UnpinOptions) -> None:
    """Take the pin from a group's client, so that another one gets it."""
    stream, consumer, info = await chosen(session, options, select=not options.force)
    pinned = _pinned(info)
    group = options.group or _pick_group(pinned)
    if group not in pinned:
        raise CliError(f"priority group {quote(group)} has no pinned client")
    name = f"{label(stream, consumer)} > {group}"
    if not sure(options.force, f"Really unpin client from Priority Group {name}", "not unpinned"):
        return
    await session.js.require_level(_LEVEL, "pinned clients need NATS Server 2.11 or newer")
    await unpin_consumer(session, stream, consumer, group)
    line(f"Unpinned client {pinned[group]} from Priority Group {name}")


def _pinned(info: dict[str, Any]) -> dict[str, str]:
    """The pinned client of each group that has one. Raises CliError when none has."""
    if info["config"].get("priority_policy") != "pinned_client":
        raise CliError("consumer is not a pinned priority consumer")
    groups = info.get("priority_groups") or []
    pinned = {
        str(group["group"]): str(group["pinned_client_id"])
        for group in groups
        if group.get("pinned_client_id")
    }
    if not pinned:
        raise CliError("no priority groups have pinned clients")
    return pinned


def _pick_group(pinned: dict[str, str]) -> str:
    if len(pinned) == 1:
        return next(iter(pinned))
    return choose("Select a Group", sorted(pinned), missing="the priority group")
