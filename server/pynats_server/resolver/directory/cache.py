"""The resolver that keeps the JWTs which were needed. Other servers have all of them."""

from __future__ import annotations

import asyncio

from pynats_server.resolver.directory.resolver import DirectoryResolver

DEFAULT_LIMIT = 1000  # JWTs
LOOK_S = (0.02, 60.0)  # least and most between looks at what has run out


class CacheResolver(DirectoryResolver):
    """See DirectoryResolver."""

    answers = ("UPDATE", "LIST", "DELETE")
    deletes = True
    keeps = False
    ttl_s = 0.0

    async def start(self) -> None:
        """See Resolver."""
        await super().start()
        if self.ttl_s > 0:
            task = asyncio.get_running_loop().create_task(self._forget_expired())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forget_expired(self) -> None:
        while True:
            await asyncio.sleep(min(max(self.ttl_s / 10, LOOK_S[0]), LOOK_S[1]))
            try:
                await self.store.forget_expired()
            except OSError as error:
                self._log.error(f"DirResolver - Could not remove what has expired: {error}")
