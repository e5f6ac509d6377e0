"""JetStream of a server: begins at the start or by a reload, ends by a reload or at shutdown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from pynats_common.go.durations import human_duration_ns
from pynats_common.go.errno import error_text

from pynats_server.options import ACK_SUBJECTS_V2, Options
from pynats_server.server.state import ServerState

if TYPE_CHECKING:
    from pynats_server.jetstream.folders.root import StoreFolder
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.operator import Claimed


class JetStreamError(Exception):
    """JetStream cannot be started; the text says why."""


class JetStreamLife:
    """Switches the JetStream of one server on and off."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._taken: StoreFolder | None = None  # for the reload that is being checked
        self._preparing: asyncio.Task[None] | None = None  # a start, at first or by a reload
        self._ending: asyncio.Task[None] | None = None  # switching off
        self._again = False  # a reload wants it back, as soon as it has ended
        self._over = False  # the server shuts down
        # Around the recovery of streams, which holds the loop up as long as it takes.
        self.at_work: Callable[[], AbstractContextManager[None]] = nullcontext
        self._log = state.log.part("jetstream")

    async def prepare(self) -> None:
        """Takes the folder and does what may take long before the start, while the loop goes on;
        a stop ends it. Raises JetStreamError."""
        self._preparing = asyncio.ensure_future(self._change_keys())
        try:
            await asyncio.wait([self._preparing])
            if not self._preparing.cancelled():
                self._preparing.result()
        finally:
            self._preparing = None

    async def _change_keys(self) -> None:
        """Takes the folder, for `start`, and has the streams in it under the configured key."""
        from pynats_server.jetstream import enablement
        from pynats_server.jetstream.folders.keys import KeyChanges

        options = self._state.options
        folder, self._taken = self._taken or self._take(options), None
        names = [name for name, limits in enablement.wanted(options).items() if limits is not None]
        changes = KeyChanges(self._log)
        try:
            await changes.run(folder.store_dir, names, options.jetstream)
        except BaseException:
            folder.release()
            raise
        self._taken = folder

    def start(self) -> None:
        """Starts as the options ask for. Raises JetStreamError."""
        with self.at_work():
            self._start()

    def _start(self) -> None:
        from pynats_server.jetstream import enablement
        from pynats_server.jetstream.banner import banner_lines
        from pynats_server.jetstream.capacity import resolve
        from pynats_server.jetstream.manager import JetStream

        self._state.jetstream_failed = True  # until it has started
        begun = time.perf_counter_ns()
        state, log, options = self._state, self._log, self._state.options.jetstream
        log.notice("Starting JetStream")
        accounts = enablement.wanted(state.options)
        folder, self._taken = self._taken or self._take(state.options), None
        for warning in folder.warnings:
            log.warn(warning)
        limits = resolve(options, folder.store_dir)
        try:
            enablement.check_promises(accounts, limits)
            jetstream = JetStream(
                state.engine, log, options, limits, state.name, state.turns, folder
            )
        except (ValueError, OSError) as error:
            folder.release()
            raise _failure(error) from error
        jetstream.context.max_payload = state.options.max_payload
        jetstream.context.ack_subjects_v2 = state.options.feature_flags.get(ACK_SUBJECTS_V2, False)
        state.jetstream = jetstream
        try:
            jetstream.context.remove_leftovers()
            for line in banner_lines(options, limits):
                log.notice(line)
            enablement.start(jetstream, accounts, state.accounts, state.claimed is not None)
            if state.claimed is not None:
                for claimed in state.claimed.all():
                    self.follow_claim(None, claimed)
        except Exception as error:
            self._give_up(jetstream)  # rather than serve half of it
            if isinstance(error, OSError):
                raise _failure(error) from error
            raise
        state.jetstream_failed = False
        log.notice(f"Took {human_duration_ns(time.perf_counter_ns() - begun)} to start JetStream")

    async def stop(self) -> None:
        """Closes every stream, at shutdown."""
        self._over = True
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])
        jetstream = self._state.jetstream
        if jetstream is not None:
            await self._end(jetstream)
        if self._ending is not None:
            await self._ending
        self.abandon()

    def follow_claim(self, before: Claimed | None, now: Claimed) -> None:
        """An account of operator mode is new, or has changed."""
        jetstream, state = self._state.jetstream, self._state
        if jetstream is not None and not now.expired:
            from pynats_server.jetstream import enablement

            limits = now.options.jetstream
            account = state.accounts[now.account]
            if account is state.system_account:
                limits = None
            if before is None or before.options.jetstream != limits:
                with self.at_work():
                    enablement.follow(jetstream, account, limits, now.options.jetstream_tiers)

    # -- reloads ------------------------------------------------------------------------------

    def check_reload(self, new: Options) -> None:
        """Raises ValueError where new options cannot be followed. `follow` or `abandon` is next.
        While JetStream ends, or its files get another key, nobody can tell whether the folder will
        do: if not, the reload has failed afterwards."""
        if not new.jetstream.enabled:
            return
        from pynats_server.jetstream import enablement
        from pynats_server.jetstream.capacity import resolve
        from pynats_server.jetstream.folders import root

        if self._state.jetstream is not None:
            enablement.check_reload(self._state.jetstream, new)
            return
        try:
            if self._is_busy():  # it has the folder
                place = new.jetstream.store_dir or root.usual()
            else:
                self._taken = self._take(new)
                place = self._taken.store_dir
            enablement.check_promises(enablement.wanted(new), resolve(new.jetstream, place))
        except JetStreamError as error:
            raise ValueError(str(error)) from None

    def abandon(self) -> None:
        """The reload that was checked does not happen."""
        if self._taken is not None:
            self._taken.release()
            self._taken = None

    def follow(self, new: Options) -> None:
        """Applies new options, which are the state's already. Raises JetStreamError."""
        jetstream = self._state.jetstream
        if jetstream is None:
            self._again = new.jetstream.enabled and self._ending is not None
            if new.jetstream.enabled and not self._is_busy():
                self._restart()
        elif new.jetstream.enabled:
            from pynats_server.jetstream import enablement

            with self.at_work():
                enablement.reload(jetstream, new, self._state.accounts)
        else:
            self._give_up(jetstream)

    def _is_busy(self) -> bool:
        return self._ending is not None or self._preparing is not None

    def _give_up(self, jetstream: JetStream) -> None:
        self._state.jetstream = None
        jetstream.leave()
        self._ending = asyncio.ensure_future(self._switch_off(jetstream))

    def _restart(self) -> None:
        self._log.notice("Restarting JetStream")
        if self._state.options.jetstream.key:
            self._preparing = asyncio.ensure_future(self._restart_prepared())
        else:
            self.start()

    async def _restart_prepared(self) -> None:
        try:
            await self._change_keys()
        except JetStreamError as error:
            self._failed(error)
            return
        finally:
            self._preparing = None
        if not self._state.options.jetstream.enabled:  # another reload came
            self.abandon()
            return
        try:
            self.start()
        except JetStreamError as error:
            self._failed(error)

    def _failed(self, error: JetStreamError) -> None:
        """What a reload has begun comes to nothing."""
        self._log.error(str(error))
        self._state.jetstream_failed = True
        self._state.blame_reload(str(error))

    async def _switch_off(self, jetstream: JetStream) -> None:
        await self._end(jetstream)
        self._ending = None
        if self._again and not self._over:  # another reload came
            self._again = False
            try:
                self._restart()
            except JetStreamError as error:
                self._failed(error)

    async def _end(self, jetstream: JetStream) -> None:
        self._log.notice("Initiating JetStream Shutdown...")
        await jetstream.stop()
        self._log.notice("JetStream Shutdown")

    def _take(self, options: Options) -> StoreFolder:
        from pynats_server.jetstream.folders import root

        try:
            return root.take(options.jetstream.store_dir)
        except OSError as error:
            raise _failure(error) from error


def _failure(error: ValueError | OSError) -> JetStreamError:
    """An error of the system with its place; ours say all in their text."""
    reason = str(error)
    if isinstance(error, OSError) and error.errno is not None:
        reason = error_text(error)
        reason = f"{error.filename}: {reason}" if error.filename else reason
    return JetStreamError(f"Can't start JetStream: {reason}")
