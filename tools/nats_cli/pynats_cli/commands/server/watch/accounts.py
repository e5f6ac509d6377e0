"""`pynats server watch accounts`: what servers report of their accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED, Choice

from pynats_cli.commands.server.watch.live import chosen, document, redraw, require_terminal
from pynats_cli.screen.human import bytes_text, local_time, thousands
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system import requests
from pynats_cli.servers.watching.accounts import ACCOUNT_KEYS, AccountStats

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from pynats_cli.connect.session import Session

_EVENTS = "$SYS.ACCOUNT.*.SERVER.CONNS"
_ALL_NOW = "$SYS.REQ.ACCOUNT.PING.STATZ"


@dataclass(kw_only=True)
class AccountsOptions:
    sort: Annotated[str, opt("--sort", help="Sort by this figure", kind=Choice(*ACCOUNT_KEYS))] = (
        "conns"
    )
    number: Annotated[
        int, opt("--number", "-n", help="How many accounts to show; 0 for all", kind=UNSIGNED)
    ] = 0


async def accounts(session: Session, options: AccountsOptions) -> None:
    """Watches the accounts. Servers with connections of an account tell of it every half minute;
    all are asked once at the start."""
    require_terminal()
    stats = AccountStats()

    async def on_event(message: Msg) -> None:
        stats.add_event(document(message.data))

    await session.client.subscribe(_EVENTS, cb=on_event)
    for answer in await requests.scatter(session, _ALL_NOW, {}):
        stats.add_answer(answer.document)
    await redraw(session, lambda: accounts_screen(stats, options.sort, chosen(options.number)))


def accounts_screen(stats: AccountStats, sort: str, number: int) -> str:
    """The table of accounts."""
    rows = stats.top(sort, number)
    when = local_time(stats.changed) or "no time yet"
    table = Table(
        f"Top {len(rows)} Account activity by {ACCOUNT_KEYS[sort][0]} at {when}",
        ("Account", "Servers", "Connections", "Leafnodes", "Subscriptions", "Slow", "Sent",
         "Received"),
    )  # fmt: skip
    for use in rows:
        table.add(
            use.account, use.servers, use.connections, use.leafnodes, use.subscriptions, use.slow,
            f"{thousands(use.sent_messages)} / {bytes_text(use.sent_bytes)}",
            f"{thousands(use.received_messages)} / {bytes_text(use.received_bytes)}",
        )  # fmt: skip
    return table.render()
