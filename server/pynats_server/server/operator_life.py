"""Operator mode of a server: its accounts come and change by their JWTs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pynats_server.clients.handler import ClientHandler
from pynats_server.clients.logins import claimed as clients
from pynats_server.server.jetstream_life import JetStreamLife
from pynats_server.server.resolver_life import ResolverLife
from pynats_server.server.state import ServerState

if TYPE_CHECKING:
    from pynats_server.operator import Claimed


class OperatorError(Exception):
    """The server cannot be in operator mode; the text says why."""


class OperatorLife:
    """Nothing happens, and nothing of it is loaded, in a server without operators."""

    def __init__(
        self, state: ServerState, handler: ClientHandler, jetstream: JetStreamLife,
        resolver: ResolverLife,
    ) -> None:  # fmt: skip
        self._state = state
        self._handler = handler
        self._jetstream = jetstream
        self._resolver = resolver

    @property
    def _wanted(self) -> bool:
        return self._state.options.operator.enabled

    async def start(self) -> None:
        """Finds the system account. Raises OperatorError."""
        if not self._wanted:
            await self._start_resolver()
            return
        from pynats_server.operator import ClaimedAccounts, Trust

        state, log = self._state, self._state.log.part("auth")
        if state.options.resolver.kind == "none":
            raise OperatorError("operators require an account resolver to be configured")
        trust = Trust(state.options)
        trust.announce(state.log)
        state.claimed = claimed = ClaimedAccounts(trust, self._resolver, state, log)
        claimed.followers += [partial(self._follow), self._jetstream.follow_claim]
        state.authenticator = state.make_authenticator()
        await self._start_resolver()
        if not state.options.system_account:
            if state.options.jetstream.enabled:
                raise OperatorError(
                    "Can't start JetStream: setting up internal jetstream subscriptions failed: "
                    "system account not setup"
                )
            return
        try:
            await claimed.load(state.options.system_account)
        except Exception as error:  # of whatever the resolver asks
            raise OperatorError(f"error resolving system account: {error}") from error

    async def _start_resolver(self) -> None:
        if self._state.options.resolver.kind == "none":
            return
        from pynats_server.resolver.base import ResolverError

        try:
            await self._resolver.start()
        except ResolverError as error:
            raise OperatorError(str(error)) from error

    def _follow(self, before: Claimed | None, now: Claimed) -> None:
        if before is not None:
            clients.follow(self._state, self._handler.log_in, now.account)

    async def recover(self) -> None:
        """Loads the accounts that have streams on the disk."""
        state, jetstream = self._state, self._state.jetstream
        if state.claimed is None or jetstream is None:
            return
        for name in jetstream.folders_without_account():
            try:
                await state.claimed.load(name)
                why = "" if name in jetstream.accounts else "it has no JetStream"
            except Exception as error:  # of the resolver
                why = str(error)
            if why:
                jetstream.log.warn(
                    f"JetStream: the streams of account '{name}' stay in "
                    f"{jetstream.folder / name} untouched: {why}"
                )

    def stop(self) -> None:
        """Nothing changes any more."""
        if self._state.claimed is not None:
            self._state.claimed.stop()
