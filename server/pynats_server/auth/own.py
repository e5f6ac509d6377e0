"""An authenticator that a program brings: asked before what is configured.

Its code is not ours. Whatever it raises or returns by mistake lets nobody in, and ends neither the
server nor the log-in of somebody else.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, Protocol, TypeAlias

from pynats_server import options as config
from pynats_server.auth.base import (
    REFUSED,
    Answer,
    Hello,
    Outcome,
    Refusal,
    Slow,
    Verdict,
)
from pynats_server.auth.permissions import barring, compile_permissions
from pynats_server.auth.users import CALLOUT_SUBJECT
from pynats_server.core.account import Account

METHOD: Final = "own"

Verify: TypeAlias = Callable[[Hello], "Outcome | Awaitable[Answer | None] | None"]
"""Decides about a connection; None = what is configured decides."""


class Host(Protocol):
    """The server, as far as this needs it."""

    def find_account(self, name: str) -> Account | None: ...

    def warn_of_logins(self, text: str) -> None: ...


class OwnLogin:
    """Stands around the log-ins of the configuration."""

    def __init__(self, verify: Verify, options: config.Options, host: Host) -> None:
        self._verify = verify
        self._host = host
        self._timeout_s = options.auth_timeout
        self._known = options.account_names
        self._operated = options.operator.enabled  # then accounts are not those of the options
        callout = options.authorization.auth_callout
        self._service_account = callout.account if callout is not None else ""

    def verify(self, hello: Hello, rest: Callable[[Hello], Outcome]) -> Outcome:
        """Whether it may come in, and as whom. `rest` is what is configured."""
        try:
            outcome = self._verify(hello)
        except Exception as error:
            return self._failed(error)
        if outcome is None:
            return rest(hello)
        if isinstance(outcome, Slow):
            return Slow(self._guarded(outcome), lambda answer: self._checked(hello, answer, rest))
        if inspect.isawaitable(outcome):
            return self._wait(hello, outcome, rest)
        return self._checked(hello, outcome, rest)

    def recheck(self, verdict: Verdict) -> Outcome | None:
        """None for one that was let in otherwise. What was decided holds as long as there is the
        account."""
        if verdict.method != METHOD:
            return None
        known = self._operated or verdict.account in self._known
        return verdict if known else REFUSED

    async def _wait(
        self, hello: Hello, outcome: Awaitable[Answer | None], rest: Callable[[Hello], Outcome]
    ) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await outcome
        except TimeoutError:
            self._host.warn_of_logins("the authenticator gives no answer in time")
            return REFUSED
        except Exception as error:
            return self._failed(error)
        return await _settled(self._checked(hello, found, rest))

    def _guarded(self, slow: Slow) -> Callable[[], Answer]:
        """Runs in a thread."""

        def decide() -> Answer:
            try:
                return slow.decide()
            except Exception as error:
                # The log is the loop's affair: the answer carries it there.
                return Refusal(warning=_told(error))

        return decide

    def _checked(self, hello: Hello, found: Any, rest: Callable[[Hello], Outcome]) -> Outcome:
        if found is None:
            return rest(hello)
        if isinstance(found, Refusal):
            return found
        if not isinstance(found, Verdict):
            return self._failed(TypeError(f"it returns a {type(found).__name__}"))
        if not self._exists(found.account):
            return Refusal(warning="the authenticator names an account that does not exist")
        try:
            rights = found.rights
            if found.account == self._service_account:
                rights = barring(rights, CALLOUT_SUBJECT)
            permissions = found.permissions
            if rights is not found.rights or permissions is None:
                permissions = compile_permissions(rights)
            return replace(found, method=METHOD, rights=rights, permissions=permissions)
        except Exception as error:  # of rights that are none
            return self._failed(error)

    def _exists(self, account: object) -> bool:
        return isinstance(account, str) and self._host.find_account(account) is not None

    def _failed(self, error: Exception) -> Refusal:
        return Refusal(warning=_told(error))


def _told(error: Exception) -> str:
    """Without the text of the error: it may hold what the client has presented."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" at {where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else ""
    ours = f": {error}" if isinstance(error, TypeError) and where is None else ""
    return f"the authenticator has failed: {type(error).__name__}{place}{ours}"


async def _settled(outcome: Outcome) -> Answer:
    """The answer of what is configured."""
    if isinstance(outcome, Verdict | Refusal):
        return outcome
    if isinstance(outcome, Slow):
        answer = await asyncio.get_running_loop().run_in_executor(None, outcome.decide)
        return await _settled(outcome.then(answer)) if outcome.then is not None else answer
    return await outcome
