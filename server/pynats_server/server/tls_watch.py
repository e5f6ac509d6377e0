"""Watches the files of clients' TLS: changed ones are used for new connections, without a signal.
And says in time that a certificate ends."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from pynats_common.go.times import format_time_s

from pynats_server.server.state import ServerState
from pynats_server.tls.errors import PlanError

# The rest is there where TLS is in force; others need not load it.
if TYPE_CHECKING:
    from pynats_server.tls.force import TlsInForce
    from pynats_server.tls.plan import ContextPlan

DAY_S: Final = 86400.0
SOON_S: Final = 30 * DAY_S  # before the end of a certificate, after which there is a line a day
LOOK_MIN_S: Final = 0.01
IDLE_S: Final = 60.0  # between looks at the clock, where no files are watched

Stamps: TypeAlias = tuple[tuple[int, int, int] | None, ...]


class TlsWatch:
    """One per server, on the loop's thread; files are read in another one."""

    def __init__(self, state: ServerState, end: Callable[[], None]) -> None:
        """`end` stops a server whose certificate was revoked."""
        self._state = state
        self._end = end
        self._task: asyncio.Task[None] | None = None
        self._warned = 0.0  # when it last told of ends (monotonic)

    def follow(self) -> None:
        """Starts, or begins again with what is in force now."""
        self._cancel()
        if self._state.tls is not None:
            self._tell_ends()
            self._task = asyncio.get_running_loop().create_task(self._run(self._state.tls))

    async def stop(self) -> None:
        """Idempotent."""
        task = self._cancel()
        if task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _cancel(self) -> asyncio.Task[None] | None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    async def _run(self, tls: TlsInForce) -> None:
        interval = tls.options.watch
        files = tuple(tls.options.files())
        seen: Stamps | None = None  # when they were last read
        last: Stamps | None = None
        asked = self._next_question(tls)
        while True:
            pause = min(interval or IDLE_S, asked - time.monotonic())
            await asyncio.sleep(max(LOOK_MIN_S, pause))
            self._tell_ends()
            if time.monotonic() >= asked:
                tls = await self._ask_again(tls)
                asked = self._next_question(tls)
            if not interval:
                continue
            now = await asyncio.to_thread(_stamps, files)
            # Only what has not changed for a while is read: several files are written one after
            # the other. What was read at the start may have changed just then.
            if now != seen and now == last:
                seen = now
                tls = await self._read_again(tls)
                asked = self._next_question(tls)
            last = now

    async def _read_again(self, tls: TlsInForce) -> TlsInForce:
        state = self._state
        try:
            fresh = await asyncio.to_thread(_fresh, tls)
        except PlanError as error:
            state.log.error(f"Changed TLS files are not used: {error}")
            return tls
        if fresh is None or state.tls is not tls:
            return tls
        state.tls = fresh
        from pynats_server.tls.force import changed_files

        what = "; ".join(changed_files(tls.plan, fresh.plan))
        state.log.notice(f"TLS files have changed, new connections use them: {what}")
        self._warned = 0.0
        self._tell_ends()
        return fresh

    # -- the staple --------------------------------------------------------------------------

    def _next_question(self, tls: TlsInForce) -> float:
        """When its authority is asked again (monotonic)."""
        if tls.staple is None:
            return math.inf
        from pynats_server.tls.stapling import next_question

        return time.monotonic() + next_question(tls.staple, time.time())

    async def _ask_again(self, tls: TlsInForce) -> TlsInForce:
        from pynats_server.tls.force import put_in_force
        from pynats_server.tls.stapling import Revoked

        state = self._state
        try:
            fresh = await asyncio.to_thread(put_in_force, tls.options, tls.plan, tls.ocsp)
        except PlanError as error:
            state.log.error(f"TLS: {error}")
            if isinstance(error, Revoked):
                self._end()
            return tls
        if state.tls is not tls:
            return tls
        state.tls = fresh
        if fresh.staple is not None:
            state.log.debug(f"TLS: OCSP status of the certificate is {fresh.staple.status}")
        return fresh

    # -- ends of certificates ----------------------------------------------------------------

    def _tell_ends(self) -> None:
        tls = self._state.tls
        if tls is None or (self._warned and time.monotonic() - self._warned < DAY_S):
            return
        for line in ends(tls.plan, time.time()):
            self._warned = time.monotonic()
            self._state.log.warn(line)


def ends(plan: ContextPlan, now: float) -> Iterable[str]:
    """A line for each certificate that has ended or will soon."""
    for each in plan.certificates:
        left = each.expires - now
        if left <= SOON_S:
            when = format_time_s(each.expires)
            days = int(left // DAY_S)
            how = f"expires in {days} day{'s' if days != 1 else ''}"
            if left <= 0:
                how = "has expired"
            yield f"TLS certificate {each.file} {how}: {when}"


def _stamps(files: Iterable[Path]) -> Stamps:
    """What tells whether files have changed; those that they are links to count."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)


def _fresh(tls: TlsInForce) -> TlsInForce | None:
    """What the files say now; None if that is the same. Raises PlanError."""
    from pynats_server.tls.force import put_in_force
    from pynats_server.tls.plan import plan_of

    plan = plan_of(tls.options)
    return None if tls.is_same(plan) else put_in_force(tls.options, plan, tls.ocsp)
