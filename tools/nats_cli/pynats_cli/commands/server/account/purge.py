"""`pynats server account purge`: deletes all streams and consumers of an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import note, show


@dataclass(kw_only=True)
class PurgeOptions(Force, Shown):
    """Flags of `server account purge`."""

    account: Annotated[str, arg("Name of the account")]


async def purge(session: Session, chosen: PurgeOptions) -> None:
    """Delete everything that an account keeps in JetStream."""
    if not chosen.force:
        note(f"This deletes all data of the account {chosen.account} and cannot be undone.\n")
    if not sure(chosen.force, f"Really purge account {chosen.account}", "not purged"):
        return
    answer = await session.js.request(f"ACCOUNT.PURGE.{chosen.account}")
    if not answer.get("initiated"):
        raise CliError(f"the purge of account {chosen.account} was not initiated")
    show(chosen, answer, lambda: f"Purge operation on account {chosen.account} initiated")
