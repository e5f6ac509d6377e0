"""How many subscribers there are to a subject."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from pynats_common.go.text import bytes_of, text_of
from pynats_common.subjects import has_wildcard

from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.subject import covers
from pynats_server.said.objects import TEXT, BadBody, Fields, Named, decode_fields
from pynats_server.system.services.context import Bare, Context
from pynats_server.system.services.of_clients import asker
from pynats_server.system.services.request import Request, Silence
from pynats_server.work import Work
from pynats_server.work.lists import slices

STEP: Final = 512  # subscriptions, or clients without any, looked at in one step
ASKED: Final[Fields] = {
    "acc": ("account", TEXT),
    "subject": ("subject", TEXT),
    "queue": ("queue", Named("[]uint8")),
}


def count(account: Account, subject: bytes, queue: bytes | None) -> Work[int]:
    """Subscriptions of clients that a message to `subject` reaches; of a subject with wildcards,
    those that it contains. With `queue` only those of that group."""
    if not has_wildcard(text_of(subject)):
        return (yield from _reached(account, subject, queue))
    found = 0
    for number, client in enumerate(list(account.clients), 1):
        if number % STEP == 0:
            yield
        for batch in slices(client.subscription_list(), STEP):
            found += sum(
                covers(subject, sub.subject) and queue in (None, sub.queue) for sub in batch
            )
            yield
    return found


def _reached(account: Account, subject: bytes, queue: bytes | None) -> Work[int]:
    plain, groups = account.sublist.lookup(subject)
    chosen = [] if queue is not None else list(plain)
    for group, members in groups.items():
        if queue in (None, group):
            chosen += members
    found = 0
    for batch in slices(chosen, STEP):
        found += sum(isinstance(sub.owner, ClientConnection) for sub in batch)
        yield
    return found


def _debug(context: Context, request: Request) -> Work[bytes]:
    """For whoever imports it: `subject [queue]` in its own account."""
    if request.source is None:
        raise Silence
    try:
        told = asker(request.headers)
    except ValueError:
        raise Silence from None
    name = told.get("svc") or told.get("acc") or request.source.account.name
    account = context.state.accounts.get(name)
    if account is None:
        raise Silence
    words = request.payload.strip().split(b" ")
    queue = words[1] if len(words) > 1 else None
    return b"%d" % (yield from count(account, words[0], queue))


def _of_account(context: Context, request: Request) -> Work[bytes]:
    """As other servers of a cluster ask."""
    if not request.payload:
        raise Silence("request requires a body")
    try:
        asked = decode_fields(request.payload, "accNumSubsReq", ASKED)
        group = asked.get("queue")
        queue = base64.b64decode(group, validate=True) if group is not None else None
    except (BadBody, binascii.Error, ValueError) as error:
        raise Silence(f"Error unmarshalling the request: {error}") from None
    account = context.state.accounts.get(asked.get("account", ""))
    if account is None or not account.clients:
        raise Silence
    subject = bytes_of(asked.get("subject", ""))
    return b"%d" % (yield from count(account, subject, queue))


COUNTING: Final = {"NSUBS": Bare(_of_account), "SUBSCRIBERS": Bare(_debug)}
