"""JetStream of one server: the folder, the accounts that have it, and the API in front."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

from pynats_server.accounts.request_info import RequestInfo
from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.api import Api
from pynats_server.jetstream.api.onlookers import Onlookers
from pynats_server.jetstream.capacity import JetStreamLimits
from pynats_server.jetstream.context import JetStreamContext
from pynats_server.jetstream.figures import Contents, OnDisk, ServerFigures, SyncTimes
from pynats_server.jetstream.folders.keys import KeyChanges
from pynats_server.jetstream.folders.moving import has_streams, look_at_disk, shown_name
from pynats_server.jetstream.folders.root import StoreFolder
from pynats_server.jetstream.store.file.syncing.sync_times import BOUNDS_S
from pynats_server.jetstream.stream.closing import close_together
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.log.logger import Logger
from pynats_server.options import AccountLimits, JetStreamOptions
from pynats_server.work import Turns, Work

Tiers = Mapping[str, AccountLimits]  # by number of replicas: R1, R3
STEP_STREAMS = 128  # counted in one step, for monitoring


class JetStream:
    """Streams of every account that has JetStream."""

    def __init__(
        self,
        engine: Engine,
        log: Logger,
        options: JetStreamOptions,
        limits: JetStreamLimits,
        server_name: str,
        turns: Turns,
        folder: StoreFolder,
    ) -> None:
        self.context = JetStreamContext(engine, log, options, limits, server_name, turns)
        self.accounts: dict[str, JetStreamAccount] = {}
        self._without: dict[str, JetStreamAccount] = {}  # accounts whose requests are refused
        self._ending: dict[str, asyncio.Task[None]] = {}  # streams that close, changes that end
        self._enabling: dict[str, asyncio.Task[None]] = {}  # waiting for that, or for a new key
        self._key_changes = KeyChanges(log)
        who = RequestInfo(server_name, to_system=True)
        self.api = Api(self.context, Onlookers(engine, who))
        self._folder = folder  # taken; `stop` releases it

    @property
    def log(self) -> Logger:
        """The server's log."""
        return self.context.log

    @property
    def folder(self) -> Path:
        """Where the folders of accounts are."""
        return self.context.folder

    def reserved(self, storage: str) -> int:
        """Bytes that streams of all accounts have claimed by their max_bytes."""
        return self.context.reserved.of(storage)

    def set_sizes(self, max_memory: int | None, max_file: int | None) -> None:
        """Changes the limits of the whole server; None keeps one."""
        for storage, size in (("memory", max_memory), ("file", max_file)):
            if size is not None:
                self.context.usage(storage).limit = size

    # -- figures ------------------------------------------------------------------------------

    @property
    def options(self) -> JetStreamOptions:
        """The options it was started with."""
        return self.context.options

    def figures(self) -> ServerFigures:
        """Its numbers, for monitoring."""
        memory, file = self.context.usage("memory"), self.context.usage("file")
        accounts = self.accounts.values()
        return ServerFigures(
            memory=memory.used,
            storage=file.used,
            max_memory=memory.limit,
            max_storage=file.limit,
            reserved_memory=self.reserved("memory"),
            reserved_storage=self.reserved("file"),
            accounts=len(accounts),
            api_total=sum(account.api_total for account in accounts),
            api_errors=sum(account.api_errors for account in accounts),
            api_inflight=self.api.inflight,
        )

    def contents(self) -> Work[Contents]:
        """What the streams of all accounts hold together, for monitoring."""
        count = failed = messages = size = lost = pending = consumers = broken = 0
        for step, stream in enumerate(self._each_stream()):
            if step % STEP_STREAMS == STEP_STREAMS - 1:
                yield
            if stream is None:
                continue
            store = stream.store
            count += 1
            failed += store.failed is not None
            messages += store.msgs
            size += store.nbytes
            lost += len(store.lost)
            pending += stream.ingest.waiting
            consumers += len(stream.consumers.names)
            broken += len(stream.consumers.broken)
        return Contents(
            streams=count,
            broken=sum(len(account.broken) for account in self.accounts.values()),
            failed=failed,
            consumers=consumers,
            broken_consumers=broken,
            messages=messages,
            bytes=size,
            lost=lost,
            pending_acks=pending,
        )

    def _each_stream(self) -> Iterator[Stream | None]:
        """The streams of all accounts; None after each account, which is work without streams,
        too."""
        for account in list(self.accounts.values()):
            yield from account.served()
            yield None

    def streams(self, account: str = "", name: str = "") -> list[Stream]:
        """The streams in order of creation: of all accounts or of one, all or those of a name."""
        asked = [account] if account else self.accounts
        return [s for a in asked if a in self.accounts for s in self.accounts[a].served(name)]

    def sync_times(self) -> SyncTimes:
        """How long fsyncs took since the start."""
        times = self.context.syncer.times
        return SyncTimes(bounds_s=BOUNDS_S, counts=tuple(times.counts), total_s=times.total_seconds)

    async def on_disk(self, account: str, name: str, quarantine: bool) -> OnDisk:
        """What lies in the folder besides the streams that are served; with `quarantine` also how
        many files were put aside of the `streams` of that account and name."""
        served = frozenset(self.accounts)
        streams = self.streams(account, name) if quarantine else []
        folders = [stream.folder for stream in streams if stream.folder is not None]
        return await asyncio.to_thread(
            look_at_disk, self.folder, self.context.staging, served, folders
        )

    # -- accounts -----------------------------------------------------------------------------

    def enable(
        self, account: Account, limits: AccountLimits | None = None, tiers: Tiers | None = None
    ) -> JetStreamAccount:
        """Gives an account JetStream: recovers its streams and answers its API requests."""
        made = JetStreamAccount(self.context, account, limits or AccountLimits())
        made.set_limits(made.limits, tiers)
        self.accounts[account.name] = made
        self._without.pop(account.name, None)
        made.recover()
        made.context.listen()
        self.api.serve(made)
        self.log.debug(f'Enabled JetStream for account "{account.name}"')
        return made

    def enable_again(
        self, account: Account, limits: AccountLimits, tiers: Tiers | None = None
    ) -> None:
        """As `enable`, after the streams and the changes that were under way when the account last
        lost JetStream: they work in the folder that is read now. With encryption it waits for a
        change of key, too. Raises OSError where there is nothing to wait for."""
        ending = self._ending.get(account.name)
        if ending is None and not self.options.key:
            self.enable(account, limits, tiers)
            return
        self.refuse(account)

        async def wait() -> None:
            if ending is not None:
                await asyncio.wait([ending])
            await self._key_changes.run(self.context.store_dir, [account.name], self.options)
            del self._enabling[account.name]
            try:
                self.enable(account, limits, tiers)
            except OSError as error:
                self.not_enabled(account, error)

        self._enabling[account.name] = self.context.spawn(wait())

    def not_enabled(self, account: Account, error: OSError) -> None:
        """Logs that an account's folder cannot be read, and refuses its requests: the server and
        the other accounts go on."""
        self.log.error(f"JetStream for account '{account.name}' could not start: {error}")
        self.refuse(account)

    def refuse(self, account: Account) -> None:
        """Tells an account that asks for JetStream that it has none. Ends what it had; its folder
        stays."""
        self.forget(account)
        without = JetStreamAccount(self.context, account, AccountLimits(), enabled=False)
        self._without[account.name] = without
        self.api.serve(without)

    def forget(self, account: Account) -> None:
        """Stops serving an account. Its folder stays."""
        self.api.leave(account.name)
        self._without.pop(account.name, None)
        enabling = self._enabling.pop(account.name, None)
        if enabling is not None:
            enabling.cancel()
        had = self.accounts.pop(account.name, None)
        if had is not None:
            had.context.stop_listening()
            self._end(had)

    def leave(self) -> None:
        """Stops serving every account, before `stop`, while the server runs on."""
        for account in (*self.accounts.values(), *self._without.values()):
            self.forget(account.account)

    def _end(self, had: JetStreamAccount) -> None:
        streams = had.end()
        if not streams and not had.changing.locked():
            return

        async def end() -> None:
            await close_together(streams, self.log)
            async with had.changing:
                pass

        def ended(task: asyncio.Task[None]) -> None:
            if self._ending.get(had.name) is task:
                del self._ending[had.name]

        task = self._ending[had.name] = self.context.loop.create_task(end())
        task.add_done_callback(ended)

    def folders_without_account(self) -> list[str]:
        """Accounts whose streams are on the disk, and not served. Raises OSError."""
        return [
            shown_name(path)
            for path in sorted(self.folder.iterdir())
            if path.name not in self.accounts and has_streams(path)
        ]

    async def stop(self) -> None:
        """Ends the API and closes every stream."""
        await self.api.stop()
        self.context.stop_consumers()
        await self.context.end_tasks()
        await close_together(self.streams(), self.log)
        await asyncio.gather(*self._ending.values())
        self.context.states.close()
        self.context.discarding.close()
        self.context.syncer.close()
        self._folder.release()
