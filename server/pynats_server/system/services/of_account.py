"""What the server tells of one account. Other accounts ask for themselves only: through imports
that put their name into the subject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pynats_server.accounts.automatic import EVERY_ACCOUNT
from pynats_server.monitor import absent, accountz, jsz, options
from pynats_server.monitor.connz import connz
from pynats_server.monitor.subsz import subsz
from pynats_server.said.json import compact
from pynats_server.said.objects import TEXT, BadBody, decode_fields
from pynats_server.system.events.accounts import connections
from pynats_server.system.services.context import Bare, Context, Service
from pynats_server.system.services.of_server import (
    ACCSTATZ_FIELDS,
    CONNZ_FIELDS,
    JSZ_FIELDS,
    LEAFZ_FIELDS,
    SUBSZ_FIELDS,
    connz_options,
    jsz_options,
    one_line,
    subsz_options,
)  # fmt: skip
from pynats_server.system.services.request import Request, Silence
from pynats_server.work import Work


def _connz(context: Context, request: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    asked = connz_options({**values, "account": request.account})
    return one_line((yield from connz(context.state, asked, context.clock)))


def _subsz(context: Context, request: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    asked = subsz_options({**values, "account": request.account, "subscriptions": True})
    return one_line((yield from subsz(context.state, asked)))


def _leafz(context: Context, request: Request, values: dict[str, Any]) -> Work[list[bytes]]:
    yield from ()
    asked = options.LeafzOptions(**{**values, "account": request.account})
    return [compact(absent.leafz(context.state, asked))]


def _jsz(context: Context, request: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    asked = jsz_options({**values, "account": request.account})
    return one_line((yield from jsz.account_jsz(context.state, asked)))


def _info(context: Context, request: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    found = yield from accountz.detail(context.state, request.account)
    return one_line(found.pieces())


def _statz(context: Context, request: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    """The figures of an account, or of all accounts: only where there is something to tell."""
    asked = options.AccstatzOptions(**values)
    if request.account != EVERY_ACCOUNT:
        asked = options.AccstatzOptions(accounts=(request.account,), unused=asked.unused)
    if not asked.unused and not accountz.counted(context.state, asked):
        raise Silence
    return one_line((yield from accountz.accstatz(context.state, asked)))


def _conns(context: Context, request: Request) -> Work[bytes]:
    """The event that tells how many connections an account has."""
    yield from ()
    if request.payload:
        try:
            values = decode_fields(request.payload, "accNumConnsReq", {"acc": ("account", TEXT)})
        except BadBody as error:
            raise Silence(f"Error unmarshalling the request: {error}") from None
        if values.get("account", request.account) != request.account:
            raise Silence("the account in the request is not that of its subject")
    account = context.state.accounts.get(request.account)
    if account is None or not account.clients:
        raise Silence
    tag = context.state.name_tag(account.name)
    body = connections(account, tag, len(account.clients), account.sublist.count)
    return compact(body(msgspec.Raw(context.block.next())))


OF_ACCOUNT: Final[dict[str, Service | Bare]] = {
    "CONNZ": Service("ConnzEventOptions", CONNZ_FIELDS, _connz),
    "SUBSZ": Service("SubszEventOptions", SUBSZ_FIELDS, _subsz),
    "LEAFZ": Service("LeafzEventOptions", LEAFZ_FIELDS, _leafz),
    "JSZ": Service("JszEventOptions", JSZ_FIELDS, _jsz),
    "INFO": Service("AccInfoEventOptions", {}, _info),
    "STATZ": Service("AccountStatzEventOptions", ACCSTATZ_FIELDS, _statz),
    "CONNS": Bare(_conns),
}
