"""`pynats server account info`: imports, exports and mappings of an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.server.account.screen import account_screen
from pynats_cli.commands.server.options import Archived
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import show
from pynats_cli.servers.system.archive import Archive
from pynats_cli.servers.system.requests import answer_of, data_of, first_answer


@dataclass(kw_only=True)
class AccountInfoOptions(Archived, Shown):
    """Flags of `server account info`."""

    account: Annotated[str, arg("Name of the account")]
    host: Annotated[
        str, opt("--host", placeholder="NAME", help="Ask this server, by its name or id")
    ] = ""


async def info(options: GlobalOptions, chosen: AccountInfoOptions) -> None:
    """Show an account as a server knows it."""
    account = _archived(chosen) if chosen.archive else await _asked(options, chosen)
    show(chosen, account, lambda: account_screen(account).render())


async def _asked(options: GlobalOptions, chosen: AccountInfoOptions) -> dict[str, Any]:
    from pynats_cli.connect.opening import open_session

    request = {"account": chosen.account}
    async with open_session(options) as session:
        document = (
            await answer_of(session, chosen.host, "ACCOUNTZ", request)
            if chosen.host
            else await first_answer(session, "ACCOUNTZ", request)
        )
    error = document.get("error") or {}
    if "does not exist" in str(error.get("description")):
        raise CliError(str(error["description"]))
    detail = data_of(document).get("account_detail")
    if not isinstance(detail, dict) or not detail.get("account_name"):
        raise CliError(f"Account {chosen.account} does not exist")
    return detail


def _archived(chosen: AccountInfoOptions) -> dict[str, Any]:
    with Archive(chosen.archive) as archive:
        for document in archive.answers("ACCOUNTZ", chosen.account):
            server = document.get("server") or {}
            if chosen.host in ("", server.get("name"), server.get("id")):
                return data_of(document)
    raise CliError(f"Account {chosen.account} does not exist")
