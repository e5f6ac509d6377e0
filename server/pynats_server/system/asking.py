"""What this server asks others in the system account."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

from pynats_server.core.account import Account
from pynats_server.core.interest.subscription import Subscription
from pynats_server.server.state import ServerState

INBOX: Final = "$SYS._INBOX.{}."
TOKEN_BYTES: Final = 4  # of the last part of a reply subject, and of that before

Take = Callable[[bytes], None]


class Asking:
    """Of one server, on the loop's thread. It listens for answers once it has asked something."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._inbox = INBOX.format(secrets.token_hex(TOKEN_BYTES)).encode()
        self._waiting: dict[bytes, Take] = {}  # by the last token of their reply subjects
        self._listening: Subscription | None = None

    async def first(self, subject: str, timeout_s: float) -> bytes | None:
        """The first answer that says something; None when none came in time."""
        found: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def take(payload: bytes) -> None:
            if payload and not found.done():
                found.set_result(payload)

        collecting = self.collect(take)
        try:
            collecting.ask(subject, b"")
            async with asyncio.timeout(timeout_s):
                return await found
        except TimeoutError:
            return None
        finally:
            collecting.close()

    def collect(self, take: Take) -> Collecting:
        """Answers to requests that are repeated."""
        token = secrets.token_hex(TOKEN_BYTES).encode()
        self._waiting[token] = take
        return Collecting(self, token)

    def send(self, subject: str, body: bytes, token: bytes) -> None:
        """Asks; answers go to whoever waits under `token`."""
        account = self._state.system_account
        if self._listening is None:
            self._listening = account.subscribe(self._inbox + b"*", self._answered)
        account.publish(self._state.engine, subject.encode(), body, self._inbox + token)

    def forget(self, token: bytes) -> None:
        """Nobody waits there any more."""
        self._waiting.pop(token, None)

    def close(self) -> None:
        """No more answers are taken. Idempotent."""
        self._waiting.clear()
        if self._listening is not None:
            self._state.system_account.unsubscribe(self._listening)
            self._listening = None

    def _answered(
        self, _: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes
    ) -> None:
        take = self._waiting.get(subject.removeprefix(self._inbox))
        if take is not None:
            take(payload)


class Collecting:
    """Takes answers until it is closed."""

    def __init__(self, asking: Asking, token: bytes) -> None:
        self._asking = asking
        self._token = token

    def ask(self, subject: str, body: bytes) -> None:
        """Sends the request again."""
        self._asking.send(subject, body, self._token)

    def close(self) -> None:
        """Idempotent."""
        self._asking.forget(self._token)
