"""The JWTs that the configuration has."""

from __future__ import annotations

from collections.abc import Mapping

from pynats_server.resolver.base import MISSING, OnChange, ResolverError


class MemoryResolver:
    """See Resolver. What is updated counts until the server ends."""

    answers: tuple[str, ...] = ()

    def __init__(self, preload: Mapping[str, str]) -> None:
        self._tokens = dict(preload)
        self.on_change: OnChange | None = None

    def known(self, account: str) -> str | None:
        """See Resolver."""
        return self._tokens.get(account)

    async def fetch(self, account: str, address: str = "") -> str:
        """See Resolver."""
        token = self._tokens.get(account)
        if token is None:
            raise ResolverError(MISSING)
        return token

    def join(self, account: str, address: str) -> None:
        """See Resolver. Nobody waits here."""

    def keep(self, account: str, token: str) -> None:
        """Remembers a newer JWT of an account that the configuration has."""
        if account in self._tokens:
            self._tokens[account] = token

    async def start(self) -> None:
        """See Resolver."""

    async def look_again(self) -> None:
        """See Resolver."""

    async def stop(self) -> None:
        """See Resolver."""
