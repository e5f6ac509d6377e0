"""A line for each log-in: who, from where, how, and what came of it. Never a secret."""

from __future__ import annotations

from typing import Any

from pynats_common.go.quoting import quote

from pynats_server.auth import Verdict
from pynats_server.clients.shown import REDACTED, claimed_user
from pynats_server.clients.who import Who, presented, short
from pynats_server.core.client import ClientConnection
from pynats_server.core.sockets.address import host_port
from pynats_server.log.logger import Logger

ACCEPTED = "accepted"
REFUSED = "refused"


class Tried(Who):
    """A client and how it has tried to log in."""

    __slots__ = ("_facts",)

    def __init__(self, client: ClientConnection, facts: dict[str, str]) -> None:
        super().__init__(client)
        self._facts = facts

    def label(self) -> str:
        """Where from: the rest is in the text."""
        peer = self._connection
        return f"{host_port(peer.host, peer.port)} - cid:{peer.cid}"

    def fields(self) -> dict[str, Any]:
        """The same facts, one by one."""
        return {**super().fields(), **self._facts}


def tell(
    log: Logger, client: ClientConnection, reason: str = "", verdict: Verdict | None = None
) -> None:
    """The log-in has been accepted, or refused for a `reason`. What has been compared, or is given
    to everybody, stands in the `verdict`; without one the client has said it itself."""
    claimed = claimed_user(client)
    if verdict is not None:
        method, user = verdict.method, verdict.user or ""
        claimed = "" if method == "token" or claimed == user else claimed
    else:
        method, user, claimed = presented(client), claimed, ""
    facts = {
        "result": REFUSED if reason else ACCEPTED,
        "method": method,
        "user": _name(user),
        "claimed": _name(claimed),
        "account": _name(verdict.account) if verdict is not None and not reason else "",
        "reason": reason,
    }
    facts = {key: value for key, value in facts.items() if value}
    text = " ".join(
        f"{key}={value if key == 'method' else quote(value)}"
        for key, value in facts.items()
        if key != "result"
    )
    log.notice(f"log-in {facts['result']}: {text}", Tried(client, facts))


def _name(text: str) -> str:
    return "token" if text == REDACTED else short(text)
