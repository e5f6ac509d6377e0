"""The resolver of a running server: started, replaced by reloads, stopped.

It is only there in operator mode, where `state.claimed` has the accounts that its JWTs are of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from pynats_server.options import ResolverOptions, TlsOptions
from pynats_server.server.state import ServerState
from pynats_server.system.asking import Asking
from pynats_server.system.services import Desk
from pynats_server.work import Work

if TYPE_CHECKING:
    import ssl

    from pynats_server.resolver.base import Resolver

FOLDERS = ("full", "cache")


class ResolverLife:
    """On the loop's thread."""

    def __init__(self, state: ServerState, desk: Desk) -> None:
        self._state = state
        self._desk = desk
        self._asking = Asking(state)
        self._options = ResolverOptions()  # of the one that is there
        self._tls: TlsOptions | None = None
        self._looked_at: Mapping[str, str] = {}  # preloaded JWTs whose faults were told
        self._replacing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises `resolver.base.ResolverError`. In operator mode `state.claimed` is there."""
        options = self._state.options.resolver
        if options.kind == "none":
            return
        self._options = options
        self._state.resolver = await self._begin(options)

    async def _begin(self, options: ResolverOptions) -> Resolver:
        from pynats_server.resolver.base import ResolverError
        from pynats_server.resolver.making import make_resolver

        if self._state.claimed is None and options.kind in FOLDERS:
            raise ResolverError("Could not start resolver: no operator key found")
        if options.preload and options.preload != self._looked_at:
            self._looked_at = options.preload
            for line in await asyncio.to_thread(_issues_of, options.preload):
                self._state.log.warn(line)
        tls = await self._tls_context() if options.kind == "url" else None
        resolver = make_resolver(options, self._check, self._asking, self._state.log, tls)
        resolver.on_change = self._changed
        await resolver.start()
        if options.kind in FOLDERS:
            some = "all" if options.kind == "full" else "some"
            where = options.dir.absolute() if options.dir is not None else ""
            self._state.log.notice(f"Managing {some} jwt in exclusive directory {where}")
        return resolver

    async def _tls_context(self) -> ssl.SSLContext | None:
        """For a web server, if something is said of that. Raises ResolverError."""
        tls = self._tls = self._state.options.resolver_tls
        if tls is None:
            return None
        from pynats_server.resolver.base import ResolverError

        try:
            context, without_effect = await asyncio.to_thread(_context_of, tls)
        except ValueError as error:  # a file, or what is in it
            raise ResolverError(f"resolver_tls: {error}") from error
        for key in without_effect:
            self._state.log.warn(f"resolver_tls: {key} has no effect")
        return context

    def _check(self, token: str) -> object:
        from pynats_server.operator import ClaimsError
        from pynats_server.resolver.base import NotGood

        if self._state.claimed is None:
            raise NotGood("no operator key found")
        try:
            return self._state.claimed.check(token)
        except ClaimsError as error:
            raise NotGood(str(error)) from None

    # -- for the accounts ---------------------------------------------------------------------

    def known(self, account: str) -> str | None:
        """See Resolver: of the one that is there."""
        return self._state.resolver.known(account) if self._state.resolver is not None else None

    async def fetch(self, account: str, address: str = "") -> str:
        """See Resolver: of the one that is there."""
        from pynats_server.resolver.base import MISSING, ResolverError

        if self._state.resolver is None:
            raise ResolverError(MISSING)
        try:
            return await self._state.resolver.fetch(account, address)
        except ResolverError as error:
            self._state.log.warn_rarely(f"Account fetch failed: {error}", kind="account fetch")
            raise

    def join(self, account: str, address: str) -> None:
        """See Resolver: of the one that is there."""
        if self._state.resolver is not None:
            self._state.resolver.join(account, address)

    # -- changes ------------------------------------------------------------------------------

    def follow(self) -> None:
        """The options are others, perhaps. What cannot be started does not take the place of what
        is there. A folder is looked at again: somebody may have put JWTs there."""
        options, old = self._state.options.resolver, self._options
        same_tls = options.kind != "url" or self._state.options.resolver_tls == self._tls
        if options != old or options.preload != old.preload or not same_tls:
            self._options = options
            self._after(self._replace(options, old))
        elif self._state.resolver is not None:
            self._after(self._look_again(self._state.resolver))

    def _after(self, work: Coroutine[Any, Any, None]) -> None:
        """Does it when what the last reload has begun is done."""
        before = self._replacing

        async def wait() -> None:
            if before is not None:
                await asyncio.wait([before])
            await work

        self._replacing = asyncio.get_running_loop().create_task(wait())

    async def _look_again(self, resolver: Resolver) -> None:
        try:
            await resolver.look_again()
        except OSError as error:
            self._state.log.error(f"Reloaded, but not all of it: resolver: {error}")
            self._state.blame_reload(f"resolver: {error}")

    async def _replace(self, options: ResolverOptions, old: ResolverOptions) -> None:
        from pynats_server.resolver.base import ResolverError

        try:
            resolver = await self._begin(options)
        except ResolverError as error:
            self._options = old
            self._state.log.error(f"Reloaded, but not all of it: resolver: {error}")
            self._state.blame_reload(f"resolver: {error}")
            return
        replaced, self._state.resolver = self._state.resolver, resolver
        self._desk.follow_resolver()
        if replaced is not None:
            await replaced.stop()
        if options.kind == old.kind == "memory":
            turns = self._state.turns
            await turns.run(self, self, self._follow_preload(options, old))

    def _follow_preload(self, options: ResolverOptions, old: ResolverOptions) -> Work[None]:
        """Accounts in use are what the configuration says now."""
        accounts = self._state.claimed
        for account in old.preload.keys() | options.preload.keys():
            token = options.preload.get(account)
            if token != old.preload.get(account) and accounts and accounts.find(account):
                self._changed(account, token)
            yield

    def _changed(self, account: str, token: str | None) -> None:
        """A claim has changed. It counts if the account is in use, otherwise when it is."""
        accounts = self._state.claimed
        if accounts is None:
            return
        try:
            if token is None:
                accounts.delete(account)
            else:
                accounts.update(account, token)
        except Exception as error:
            self._state.log.error(
                f'DirResolver - Update for account "{account}" resulted in error {error}'
            )

    async def stop(self) -> None:
        """Idempotent."""
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.wait([self._replacing])
        self._asking.close()
        if self._state.resolver is not None:
            await self._state.resolver.stop()


def _issues_of(preload: Mapping[str, str]) -> list[str]:
    from pynats_server.resolver.preloads import issues_of

    return list(issues_of(preload))


def _context_of(options: TlsOptions) -> tuple[ssl.SSLContext, list[str]]:
    from pynats_server.tls.https import client_context, without_effect
    from pynats_server.tls.plan import plan_of

    return client_context(plan_of(options)), without_effect(options)
