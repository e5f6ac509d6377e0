"""JetStream of one server: the folder, the accounts that have it, and the API in front."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.api import Api
from pynats_server.jetstream.capacity import JetStreamLimits
from pynats_server.jetstream.publish.batch.open_batches import ATOMIC_TOTAL, FAST_TOTAL, BatchCount
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import Syncer
from pynats_server.jetstream.store.file.diskblocks import FULL
from pynats_server.log.logger import Logger
from pynats_server.options import AccountLimits, JetStreamOptions

T = TypeVar("T")
STAGING = ".snap-staging"  # nats-server's name for what is not a stream yet; it ignores it, too


def has_streams(folder: Path) -> bool:
    """Whether a folder is that of an account with streams. Others may stand beside those, and not
    be for us to read, as lost+found."""
    try:
        return any(path.is_dir() for path in (folder / "streams").iterdir())
    except OSError:
        return False


class StoreInUse(OSError):
    """Another server works in the same folder."""


class JetStream:
    """Streams of every account that has JetStream."""

    def __init__(
        self,
        engine: Engine,
        log: Logger,
        options: JetStreamOptions,
        limits: JetStreamLimits,
        server_id: str,
        server_name: str,
    ) -> None:
        self.engine = engine
        self.log = log
        self.options = options
        self.limits = limits
        self.server_id = server_id
        self.server_name = server_name
        self.folder = limits.store_dir / "jetstream"
        self.staging = self.folder / STAGING
        self.accounts: dict[str, JetStreamAccount] = {}
        self._without: dict[str, JetStreamAccount] = {}  # accounts whose requests are refused
        self._ended: dict[str, JetStreamAccount] = {}  # with changes that still wait for the disk
        self._enabling: dict[str, asyncio.Task[None]] = {}  # once those are done
        most = options.limits.batch.max_inflight_total
        self.atomic_batches = BatchCount(most or ATOMIC_TOTAL)
        self.fast_batches = BatchCount(most or FAST_TOTAL)
        self.file_usage = Usage(limits.max_file)
        self.memory_usage = Usage(limits.max_memory)
        self.loop = asyncio.get_running_loop()
        self.syncer = Syncer(self.loop)
        self.api = Api(self)
        self._lock = -1
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs something in the background until the server stops."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error(f"JetStream: {error!r}")

    def start(self) -> None:
        """Takes the folder. Raises OSError (StoreInUse when another server has it)."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreInUse(f"{self.folder} is in use by another server") from None
        if self.staging.is_dir():  # what a crash left of creations, deletions and restores
            shutil.rmtree(self.staging, ignore_errors=True)
        # Made while there is room: on a full disk one must be able to delete a stream.
        try:
            self.staging.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            if error.errno not in FULL:
                raise

    def unreserved(self, storage: str) -> int:
        """Bytes that no stream has claimed by its max_bytes; -1 = unlimited."""
        limit = (self.file_usage if storage == "file" else self.memory_usage).limit
        if limit < 0:
            return -1
        return max(0, limit - self.reserved(storage))

    def reserved(self, storage: str) -> int:
        """Bytes that streams of all accounts have claimed by their max_bytes."""
        return sum(account.reserved(storage) for account in self.accounts.values())

    @property
    def api_total(self) -> int:
        """API requests of all accounts."""
        return sum(account.api_total for account in self.accounts.values())

    @property
    def api_errors(self) -> int:
        """Those of them that were refused."""
        return sum(account.api_errors for account in self.accounts.values())

    def enable(self, account: Account, limits: AccountLimits | None = None) -> JetStreamAccount:
        """Gives an account JetStream: recovers its streams and answers its API requests."""
        made = JetStreamAccount(self, account, limits or AccountLimits())
        self.accounts[account.name] = made
        self._without.pop(account.name, None)
        made.recover()
        self.api.serve(made)
        self.log.debug(f'Enabled JetStream for account "{account.name}"')
        return made

    def enable_again(self, account: Account, limits: AccountLimits) -> None:
        """As `enable`, after the changes that were under way when the account last lost
        JetStream: they work in the folder that is read now. Raises OSError where there are none."""
        former = self._ended.get(account.name)
        if former is None:
            self.enable(account, limits)
            return
        self.refuse(account)

        async def wait() -> None:
            async with former.changing:
                del self._enabling[account.name]
                self._ended.pop(account.name, None)
                try:
                    self.enable(account, limits)
                except OSError as error:
                    self.not_enabled(account, error)

        self._enabling[account.name] = self.spawn(wait())

    def not_enabled(self, account: Account, error: OSError) -> None:
        """A running server goes on when the folder of one account can not be read."""
        self.log.error(f"JetStream for account '{account.name}' could not start: {error}")
        self.refuse(account)

    def refuse(self, account: Account) -> None:
        """Tells an account that asks for JetStream that it has none. Ends what it had; its folder
        stays."""
        self.forget(account)
        self._without[account.name] = JetStreamAccount(self, account, AccountLimits(), False)
        self.api.serve(self._without[account.name])

    def forget(self, account: Account) -> None:
        """Has nothing more to do with an account. Its folder stays."""
        self.api.leave(account)
        self._without.pop(account.name, None)
        enabling = self._enabling.pop(account.name, None)
        if enabling is not None:
            enabling.cancel()
        had = self.accounts.pop(account.name, None)
        if had is not None:
            had.end()
            self._await_changes(had)

    def _await_changes(self, ended: JetStreamAccount) -> None:
        if not ended.changing.locked():
            return
        self._ended[ended.name] = ended

        async def wait() -> None:
            async with ended.changing:
                if self._ended.get(ended.name) is ended:
                    del self._ended[ended.name]

        self.spawn(wait())

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Runs what waits for the disk off the loop. Whoever is cancelled meanwhile learns of it
        when the thread is done: nobody may clean up under its feet."""
        running = self.loop.run_in_executor(None, work, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def served(self) -> list[JetStreamAccount]:
        """All accounts that are answered, with JetStream or without."""
        return [*self.accounts.values(), *self._without.values()]

    def folders_without_account(self) -> list[str]:
        """Accounts whose streams are on the disk, and not served. Raises OSError."""
        return [
            path.name
            for path in sorted(self.folder.iterdir())
            if path.name not in self.accounts and has_streams(path)
        ]

    async def stop(self) -> None:
        """Ends the API and closes every stream."""
        await self.api.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for account in self.accounts.values():
            account.stop()
        self.syncer.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def remove_later(self, folder: Path) -> None:
        """Removes a folder that nothing refers to any more, off the loop."""
        self.loop.run_in_executor(None, shutil.rmtree, folder, True)
