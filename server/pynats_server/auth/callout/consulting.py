"""One question to a service: made, asked, and the answer checked."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_common.nkeys import Prefix, create_pair

from pynats_server.auth.base import Hello, Refusal, Verdict
from pynats_server.auth.callout.answer import CalloutError, Expected, read_answer, read_user
from pynats_server.auth.callout.asking import ask
from pynats_server.auth.callout.request import request, wrap
from pynats_server.auth.callout.server import AskingServer
from pynats_server.auth.jwt.tokens import User


@dataclass(frozen=True, slots=True)
class Service:
    """Whom to ask, and who may answer."""

    account: str  # where it is asked
    subject: str  # `sub` of the request
    issuers: frozenset[str]  # who may sign the answer
    xkey: str  # public; empty = nothing is sealed


@dataclass(frozen=True, slots=True)
class Found:
    """The user in an answer, and what it must fit."""

    token: str
    user: User
    expected: Expected


async def consult(
    server: AskingServer,
    service: Service,
    hello: Hello,
    timeout_s: float,
    *,
    guest: str = "",
    presented: Verdict | None = None,
) -> Found | Refusal:
    """The user that the service says the client is: its JWT is signed by somebody and for this
    client, the rest is for the caller to check. A refusal if there is no answer in time. Raises
    CalloutError. `guest` is the user that a client without credentials stands for; what is
    `presented` is a user JWT, which the service is told."""
    account = server.find_account(service.account)
    if account is None:
        raise CalloutError(
            f'No valid account "{service.account}" for auth callout request: account missing'
        )
    user_key = create_pair(Prefix.USER).public_key  # nobody needs its seed
    claims = request(
        server, hello, subject=service.subject, user_key=user_key, timeout_s=timeout_s,
        sealed=bool(service.xkey), guest=guest, presented=presented,
    )  # fmt: skip
    text, headers = wrap(server, claims, service.xkey)
    data = await ask(server.engine, account, text, headers, timeout_s)
    if data is None:
        return Refusal(
            why="Authorization callout response not received in time on account "
            f'"{service.account}"'
        )
    expected = Expected(
        service.account, user_key, server.identity.id, service.issuers,
        server.identity.curve if service.xkey else None, service.xkey,
    )  # fmt: skip
    token = read_answer(data, expected)
    return Found(token, read_user(token, expected), expected)
