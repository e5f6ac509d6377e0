"""`pynats server watch api requests`: who asks what of the JetStream API, and how often."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, REGEX, UNSIGNED
from pynats_common.go.durations import MINUTE_NS, SECOND_NS, format_duration_ns

from pynats_cli.commands.server.watch.live import chosen, redraw, require_terminal
from pynats_cli.errors import CliError
from pynats_cli.screen.tables import Table
from pynats_cli.servers.watching.requests import (
    INFO_HEADER,
    Kind,
    RequestCounts,
    account_of,
    read_subject,
)

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from pynats_cli.connect.session import Session

_NAME_MAX = 30
_ELLIPSIS = "…"


@dataclass(kw_only=True)
class RequestsOptions:
    account: Annotated[
        re.Pattern[str] | None,
        opt("--account", help="Only accounts that match this pattern", kind=REGEX)
    ] = None  # fmt: skip
    top: Annotated[
        int, opt("--top", "-n", help="How many kinds of requests to show", kind=UNSIGNED)
    ] = 10
    rate: Annotated[int, opt("--rate", help="Count what came in this time", kind=DURATION)] = (
        MINUTE_NS
    )
    record_consumer: Annotated[
        bool, opt("--record-consumer/--no-record-consumer", help="Tell consumers apart")
    ] = True
    compact: Annotated[
        bool, opt("--compact/--no-compact", help="Shorten long names of accounts and assets")
    ] = True
    reverse: Annotated[bool, opt("--reverse", "-R", help="The most frequent last")] = False


async def requests(session: Session, options: RequestsOptions) -> None:
    """Watches the requests of the API. With the system account those of all accounts are seen."""
    require_terminal()
    if options.rate <= 0:
        raise CliError("--rate: must be more than 0")
    counts = RequestCounts(options.rate / SECOND_NS)
    prefix = session.jetstream_prefix()

    async def on_request(message: Msg) -> None:
        _count(counts, message, prefix, options)

    await session.client.subscribe(f"{prefix}.>", cb=on_request)
    await session.check()
    await redraw(session, lambda: requests_screen(counts, options, time.monotonic()))


def _count(counts: RequestCounts, message: Msg, prefix: str, options: RequestsOptions) -> None:
    found = read_subject(message.subject, prefix, options.record_consumer)
    account = account_of((message.headers or {}).get(INFO_HEADER))
    if found is None or (options.account is not None and not options.account.search(account)):
        return
    counts.add(Kind(found[0], account, found[1]), time.monotonic())


def requests_screen(counts: RequestCounts, options: RequestsOptions, now: float) -> str:
    """The table of kinds of requests."""
    if not len(counts):
        return "Waiting for requests..."
    rows = counts.top(chosen(options.top), now, options.reverse)
    table = Table(
        f"Top {len(rows)} JS API activity",
        ("Type", "Account", "Count", f"Event / {format_duration_ns(options.rate)}", "Asset"),
    )
    for count, rate in rows:
        table.add(
            count.kind.type, _short(count.kind.account, options), count.total, rate,
            _short(count.kind.asset, options),
        )  # fmt: skip
    return table.render()


def _short(name: str, options: RequestsOptions) -> str:
    if not options.compact or len(name) <= _NAME_MAX:
        return name
    half = (_NAME_MAX - 1) // 2
    return name[:half] + _ELLIPSIS + name[-half:]
