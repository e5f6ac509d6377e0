"""The resolver that has the JWTs of all accounts: other servers ask it, and from time to time it
takes over what they have."""

from __future__ import annotations

import asyncio
from typing import Final

from pynats_server.resolver.base import Collecting
from pynats_server.resolver.directory.merging import Refused
from pynats_server.resolver.directory.packs import BadPack, lines_of
from pynats_server.resolver.directory.resolver import DirectoryResolver

PACK: Final = "$SYS.REQ.CLAIMS.PACK"
WAITING: Final = 1024  # packs of other servers; what is beyond comes again
WAITING_BYTES: Final = 32 << 20


class FullResolver(DirectoryResolver):
    """See DirectoryResolver."""

    answers = ("UPDATE", "LIST", "PACK", "DELETE", "LOOKUP")
    interval_s = 60.0

    async def start(self) -> None:
        """See Resolver."""
        await super().start()
        self._packs: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._waiting_bytes = 0
        self._collecting: Collecting | None = None
        loop = asyncio.get_running_loop()
        for work in (self._ask(), self._merge()):
            task = loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """See Resolver."""
        if self._collecting is not None:
            self._collecting.close()
        await super().stop()

    async def _ask(self) -> None:
        """Tells the others what it has: who has more answers."""
        while True:
            await asyncio.sleep(self.interval_s)
            digest = await self.store.digest()
            self._log.debug(f"DirResolver - Checking store state: {digest.hex()}")
            if self._collecting is None:
                self._collecting = self._peers.collect(self._take)
            self._collecting.ask(PACK, digest)

    def _take(self, pack: bytes) -> None:
        if not pack or self._packs.full() or self._waiting_bytes + len(pack) > WAITING_BYTES:
            return
        self._waiting_bytes += len(pack)
        self._packs.put_nowait(pack)

    async def _merge(self) -> None:
        while True:
            pack = await self._packs.get()
            self._waiting_bytes -= len(pack)
            try:
                for account, token in lines_of(pack):
                    await self._merge_one(account, token)
            except BadPack as error:
                self._log.error(f"DirResolver - Merging resulted in error: {error}")

    async def _merge_one(self, account: str, token: str) -> None:
        """What would not be taken from an operator is not taken from a server either."""
        try:
            changed = await self.store.put(account, token, skips=True)
        except (Refused, OSError) as error:
            self._log.error(f"DirResolver - Merging of {account} resulted in error: {error}")
            return
        if changed:
            self._changed(account, token)
