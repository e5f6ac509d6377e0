"""Whom a log line is about."""

from __future__ import annotations

from typing import Any

from pynats_common.go.quoting import quote
from pynats_common.go.text import clean, shortened
from pynats_common.network.urls import host_port

from pynats_server.clients.session import Session
from pynats_server.clients.shown import REDACTED, shown_user
from pynats_server.core.client import ClientConnection
from pynats_server.core.sockets.connection import Connection


def short(text: str) -> str:
    """A name from outside, for a line of the log."""
    return shortened(clean(text))


def kind_of(client: ClientConnection, who: str) -> str:
    """What its name is: `user`, `nkey`, `jwt` or `token`."""
    if who == REDACTED:
        return "token"
    session: Session | None = client.context
    if session is not None and session.verdict is not None and session.verdict.method == "jwt":
        return "jwt"
    by_key = session is not None and (
        who == session.said.nkey or (session.verdict is not None and session.verdict.by_key)
    )
    return "nkey" if by_key else "user"


def _account_of(client: ClientConnection) -> str:
    """Its name, with that of its JWT."""
    verdict = client.context.verdict if client.context is not None else None
    tag = verdict.account_tag if verdict is not None else ""
    return f"{client.account.name}/{short(tag)}" if tag else str(client.account.name)


def presented(client: ClientConnection) -> str:
    """What it presents, as `Verdict.method` calls that; `none` without credentials."""
    session: Session | None = client.context
    if session is None:
        return "none"
    said = session.said
    if said.jwt:
        return "jwt"
    if said.nkey:
        return "nkey"
    if session.hello.mapped:
        return "certificate"
    if said.user or said.password:
        return "password"
    return "token" if said.auth_token else "none"


def whose(client: ClientConnection) -> str:
    """`User "x"`, `Nkey "U…"`, `JWT User "U…"`, `Token "[REDACTED]"`, or nothing."""
    who = shown_user(client)
    if not who:
        return ""
    kind = kind_of(client, who)
    return f"{'JWT User' if kind == 'jwt' else kind.capitalize()} {quote(short(who))}"


def identity(client: ClientConnection) -> str:
    """The account and the user of one who is in, for the end of a line."""
    who = shown_user(client)
    return f" - Account:{_account_of(client)} - {kind_of(client, who)}:{short(who)}"


def place(connection: Connection) -> str:
    """Where it comes from, and its id."""
    return f"{host_port(connection.host, connection.port)} - cid:{connection.cid}"


class Who:
    """A connection, for the log. Nothing is looked up before a line is written."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def label(self) -> str:
        """The prefix of log lines: address, id, client program, account and user."""
        connection = self._connection
        label = place(connection)
        if isinstance(connection, ClientConnection) and (connection.lang or connection.name):
            described = [f"v{connection.version}" if connection.version else "", connection.lang]
            described.append(connection.name)
            label += " - " + quote(":".join(short(part) for part in described if part))
        if isinstance(connection, ClientConnection) and connection.connect_received:
            who = shown_user(connection)
            if who:
                kind = kind_of(connection, who)
                told = kind if kind == "token" else f"{kind}:{short(who)}"
                label += " - " + quote(f"{_account_of(connection)}/{told}")
        return label

    def fields(self) -> dict[str, Any]:
        """The same facts, one by one."""
        connection = self._connection
        found: dict[str, Any] = {
            "cid": connection.cid,
            "host": connection.host,
            "port": connection.port,
        }
        if isinstance(connection, ClientConnection):
            for key in ("name", "lang", "version"):
                if value := getattr(connection, key):
                    found[key] = short(value)
            if connection.connect_received:
                found["account"] = clean(connection.account.name)
                if user := shown_user(connection):
                    found["user"] = short(user)
        return found
