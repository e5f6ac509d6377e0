"""What the resolvers with a folder have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from pynats_common.go.errno import error_text

from pynats_server.resolver.base import (
    MISSING,
    TIMED_OUT,
    OnChange,
    Peers,
    ResolverError,
    is_account,
)
from pynats_server.resolver.directory.merging import Refused, checked
from pynats_server.resolver.directory.store import JwtStore
from pynats_server.resolver.lookups import Lookups

LOOKUP: Final = "$SYS.REQ.ACCOUNT.{}.CLAIMS.LOOKUP"


class Log(Protocol):
    """Of the server."""

    def debug(self, text: str, /) -> None: ...
    def warn(self, text: str, /) -> None: ...
    def error(self, text: str, /) -> None: ...


class DirectoryResolver:
    """See Resolver. What is not in the folder, other servers are asked for: for `timeout_s`.

    `deletes` says whether accounts may be deleted, and `keeps` whether their files stay then.
    """

    answers: tuple[str, ...] = ()
    deletes = False
    keeps = True

    def __init__(
        self, store: JwtStore, peers: Peers, log: Log, *, timeout_s: float,
        preload: dict[str, str],
    ) -> None:  # fmt: skip
        self.store = store
        self.on_change: OnChange | None = None
        self._peers = peers
        self._log = log
        self._timeout_s = timeout_s
        self._preload = dict(preload)
        self._lookups = Lookups(self._look_up)
        self._tasks: set[asyncio.Task[None]] = set()

    def known(self, account: str) -> str | None:
        """See Resolver. Files are not read while somebody waits."""
        return None

    async def start(self) -> None:
        """See Resolver."""
        try:
            faults = await self.store.open(self._preload.items())
        except OSError as error:
            path = self.store.folder.path
            missing = [each for each in (*reversed(path.parents), path) if not each.is_dir()]
            where = f"mkdir {missing[0]}" if missing else path
            raise ResolverError(f"{where}: {error_text(error)}") from None
        for fault in faults:
            if "validation errors" not in fault:  # those of all preloaded JWTs are told elsewhere
                self._log.warn(f"resolver_preload: {fault}")

    async def look_again(self) -> None:
        """See Resolver."""
        await self.store.look_again()

    async def stop(self) -> None:
        """See Resolver."""
        await self._lookups.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.store.close()

    async def fetch(self, account: str, address: str = "") -> str:
        """See Resolver."""
        if not is_account(account):
            raise ResolverError(MISSING)
        try:
            text = await self.store.get(account)
        except OSError as error:
            # What is there may be newer than what others have.
            raise ResolverError(f"jwt of {account}: {error_text(error)}") from None
        return text or self._preload.get(account) or await self._lookups.find(account, address)

    def join(self, account: str, address: str) -> None:
        """See Resolver."""
        self._lookups.join(account, address)

    async def _look_up(self, account: str) -> str:
        answer = await self._peers.first(LOOKUP.format(account), self._timeout_s)
        if answer is None:
            raise ResolverError(TIMED_OUT)
        token = answer.decode("utf-8", "replace").strip("\r\n")
        try:
            claims = await self.store.run(checked, token, self.store.check)
        except Refused as error:
            raise ResolverError(str(error)) from None
        if claims.sub != account:
            raise ResolverError("account validation failed")
        await self._keep(account, token)
        return token

    async def _keep(self, account: str, token: str) -> None:
        """What another server has said stays here. If it cannot, it counts all the same."""
        try:
            await self.store.put(account, token, skips=True)
        except (Refused, OSError) as error:
            self._log.warn(f"DirResolver - Could not store account {account}: {error}")

    # -- changes ------------------------------------------------------------------------------

    async def update(self, account: str, token: str) -> None:
        """An operator has pushed a claim: it counts, and is on the disk, when this returns. Raises
        Refused, OSError."""
        await self.store.put(account, token)
        self._changed(account, token)

    async def delete(self, accounts: list[str]) -> None:
        """Deletes accounts, whether there are any or not. Raises OSError."""
        try:
            await self.store.remove(accounts, keep=self.keeps)
        finally:
            for account in accounts:
                if account not in self.store.index:
                    self._preload.pop(account, None)
                    self._changed(account, None)

    def accounts(self) -> Iterable[str]:
        """What there is, by the names of the files."""
        return list(self.store.index)

    def _changed(self, account: str, token: str | None) -> None:
        self._lookups.forget(account)
        if self.on_change is not None:
            self.on_change(account, token)
