"""`pynats trace`: the way of a message through servers, streams and accounts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of
from pynats_common.subjects import is_valid_subject

from pynats_cli.errors import CliError
from pynats_cli.flags import Shown, WithHeaders
from pynats_cli.messages.tracing.hops import Route, read
from pynats_cli.messages.tracing.screen import route_screen
from pynats_cli.screen.output import line, log, note, show
from pynats_cli.template.messages import parse_headers

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

DESTINATION, ONLY = "Nats-Trace-Dest", "Nats-Trace-Only"
_NEEDS = (2, 11)
"""Servers before this release tell nothing."""
_SETTLE_S = 0.15
"""For a subscription to become known in all clusters."""


@dataclass(kw_only=True)
class TraceOptions(Shown, WithHeaders):
    """Flags of `trace`."""

    subject: Annotated[str, arg("Subject of the message")]
    payload: Annotated[str, arg("Body of the message")] = ""
    deliver: Annotated[bool, opt("--deliver", help="Deliver and store the message, too")] = False
    timestamp: Annotated[bool, opt("--timestamp", "-T", help="Show when each step was")] = False


async def trace(session: Session, options: TraceOptions) -> None:
    """Trace the way of a message: which clients, streams, servers and clusters it would reach, and
    under which subjects. Nothing is delivered or stored without --deliver."""
    headers = parse_headers(options.header, 1)
    if not is_valid_subject(options.subject):
        raise CliError(f"nats: invalid subject {quote(options.subject)}")
    _require_release(session)
    route = await _ask(session, options, headers)
    first = route.tree()
    if first is None:
        raise CliError("no trace received: the servers told nothing about the message")
    if options.form == "table":
        how = "with delivery to the final destination" if options.deliver else ""
        line(f"Tracing message route to subject {options.subject} {how}\n")
    show(options, route.contents(), lambda: route_screen(first, options.timestamp))
    if not route.complete:
        note("The trace is not complete: not every server told of the message in time")


def _require_release(session: Session) -> None:
    release = session.client.connected_server_version
    if (release.major, release.minor) < _NEEDS:
        raise CliError("tracing messages needs a NATS Server of version 2.11 or newer")


async def _ask(session: Session, options: TraceOptions, headers: list[tuple[str, str]]) -> Route:
    from pynats_cli.connect.headers import Headers

    subscription = await session.client.subscribe(session.inbox)
    try:
        asked = [*headers, (DESTINATION, subscription.subject)]
        if not options.deliver:
            asked.append((ONLY, "true"))
        await session.check()
        if session.server_info.get("cluster"):
            # Other servers must know of the subscription before they hear of the message: between
            # clusters the two travel on different connections.
            await asyncio.sleep(_SETTLE_S)
        await session.client.publish(
            options.subject, bytes_of(options.payload), headers=Headers(asked)
        )
        await session.check()  # a message that is not allowed has no trace
        return await _collect(session, subscription)
    finally:
        await subscription.unsubscribe()


async def _collect(session: Session, subscription: Any) -> Route:
    from nats import errors as nats_errors

    route = Route()
    ends = asyncio.get_running_loop().time() + session.options.timeout_s
    while not route.complete:
        left = ends - asyncio.get_running_loop().time()
        try:
            message = await session.unless_refused(subscription.next_msg(timeout=max(left, 0.001)))
        except (TimeoutError, nats_errors.TimeoutError):
            break
        if session.options.trace:
            log(f">>> {message.data.decode(errors='replace')}")
        if (told := read(message.data)) is not None:
            route.add(told)
    return route
