"""Who a client is, and what an operator does to one client or to the server."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final

import msgspec
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.text import clean

from pynats_server.clients.session import session_of
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.options import Permissions
from pynats_server.said.headers import value_of
from pynats_server.said.json import compact
from pynats_server.said.objects import TEXT, UINT64, Fields
from pynats_server.system.services.context import BAD_REQUEST, Bare, Context, Service
from pynats_server.system.services.request import Refused, Request
from pynats_server.work import Steps, Work

ASKS: Final = b"Nats-Request-Info"
ASKS_MAX: Final = 1 << 16  # bytes: what imports tell is shorter
CID: Final[Fields] = {"cid": ("cid", UINT64)}
LEVEL: Final[Fields] = {"part": ("part", TEXT), "level": ("level", TEXT)}


class Allowed(msgspec.Struct, omit_defaults=True, kw_only=True):
    allow: list[str] = msgspec.field(default_factory=list)
    deny: list[str] = msgspec.field(default_factory=list)


class Answers(msgspec.Struct, kw_only=True):
    max: int
    ttl: int


class Rights(msgspec.Struct, omit_defaults=True, kw_only=True):
    publish: Allowed
    subscribe: Allowed
    responses: Answers | None = None


class User(msgspec.Struct, kw_only=True):
    user: str
    account: str
    account_name: str | msgspec.UnsetType = msgspec.UNSET
    user_name: str | msgspec.UnsetType = msgspec.UNSET
    permissions: Rights | msgspec.UnsetType = msgspec.UNSET
    expires: int | msgspec.UnsetType = msgspec.UNSET  # ns from now on, whole seconds


def asker(headers: bytes) -> dict[str, Any]:
    """What the import through which a request came has told of who asks; nothing without one.
    Raises ValueError where that is no JSON object that an import could have told."""
    value = value_of(headers, ASKS)
    if value is None:
        return {}
    if len(value) > ASKS_MAX:
        raise ValueError("too long")
    try:
        told = json.loads(value.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name, "")
    return clean(value) if isinstance(value, str) else ""


def _user_info(context: Context, request: Request) -> Work[bytes]:
    yield from ()
    try:
        told = asker(request.headers)
    except ValueError:
        return context.refusal(BAD_REQUEST, "")
    account = _text(told, "acc")
    found = User(user=_text(told, "user"), account=account)
    if account in context.state.accounts:
        found.account_name = context.state.name_tag(account)
    if request.source is not None:
        verdict = session_of(request.source).verdict if request.source.context else None
        if verdict is not None:
            found.user_name = verdict.name_tag or msgspec.UNSET
            if verdict.rights is not None:
                found.permissions = _rights(verdict.rights)
            if verdict.expires:
                found.expires = max(0, int(verdict.expires - time.time())) * SECOND_NS
    return context.envelope([compact(found)])


def _rights(permissions: Permissions) -> Rights:
    publish, subscribe = (
        Allowed(allow=each.allow or [], deny=each.deny or []) if each is not None else Allowed()
        for each in (permissions.publish, permissions.subscribe)
    )
    made = Rights(publish=publish, subscribe=subscribe)
    if permissions.responses is not None:
        answers = permissions.responses
        made.responses = Answers(max=answers.max_msgs, ttl=int(answers.ttl * 1e9))
    return made


def _client(context: Context, cid: int) -> ClientConnection | None:
    found = context.state.engine.connections.get(cid)
    return found if isinstance(found, ClientConnection) else None


def _kick(context: Context, request: Request, values: dict[str, Any]) -> Steps[None]:
    yield context.state.turns.later(0)  # not within what that client does itself
    client = _client(context, values.get("cid", 0))
    if client is None:
        raise Refused("no such client or leafnode id")
    client.close(CloseReason.KICKED)


def _lame_duck(context: Context, request: Request, values: dict[str, Any]) -> Work[None]:
    """Tells one client that this server is about to end, so that it goes elsewhere."""
    yield from ()
    client = _client(context, values.get("cid", 0))
    if client is None:
        raise Refused("no such client id")
    if client.protocol < 1 or not client.first_pong_sent:
        raise Refused(
            "client does not support Lame Duck Mode or is not ready to receive the notification"
        )
    client.send(context.info.encode(client, lame_duck=True))


def _reload(context: Context, request: Request, values: dict[str, Any]) -> Steps[None]:
    task = asyncio.get_running_loop().create_task(_awaited(context))
    yield task
    if wrong := task.result():
        raise Refused(wrong)


async def _awaited(context: Context) -> str:
    return await context.reload()


def _log_level(context: Context, request: Request, values: dict[str, Any]) -> Work[list[bytes]]:
    """Ours alone: gives one part of the log a level until the next reload; tells those of all."""
    yield from ()
    wanted = {values["part"]: values.get("level", "")} if "part" in values else {}
    try:
        levels = context.set_levels(wanted)
    except ValueError as error:
        raise Refused(str(error)) from None
    return [msgspec.json.encode(levels)]


OF_CLIENTS: Final[dict[str, Service | Bare]] = {
    "USER INFO": Bare(_user_info),
    "KICK": Service("EventFilterOptions", CID, _kick, empty_if_refused=False, strict=True),
    "LDM": Service("EventFilterOptions", CID, _lame_duck, empty_if_refused=False, strict=True),
    "LOGLEVEL": Service("LogLevelOptions", LEVEL, _log_level),
    "RELOAD": Service("EventFilterOptions", {}, _reload, empty_if_refused=False),
}
