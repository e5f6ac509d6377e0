"""A question to the service, and its answer."""

from __future__ import annotations

import asyncio
from typing import Final

from pynats_common.ids.nuid import new_nuid

from pynats_server.auth.users import CALLOUT_SUBJECT
from pynats_server.core.account import Account
from pynats_server.core.engine import Engine

_INBOX: Final = "$SYS._INBOX."


async def ask(
    engine: Engine, account: Account, text: bytes, headers: bytes, timeout_s: float
) -> bytes | None:
    """The first answer that anybody gives, whoever that is; None if nobody does in time. As with
    the real server, that nobody listens is no answer: a service may be about to come."""
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def take(_: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        if not answer.done():
            answer.set_result(payload)

    inbox = f"{_INBOX}{new_nuid()}".encode()
    subscription = account.subscribe(inbox, take)
    try:
        account.publish(engine, CALLOUT_SUBJECT.encode(), text, inbox, headers)
        async with asyncio.timeout(timeout_s):
            return await answer
    except TimeoutError:
        return None
    finally:
        account.unsubscribe(subscription)
