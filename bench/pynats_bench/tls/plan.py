"""Rules of a TLS context, as an engine reads them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Held:
    """A certificate with its key."""

    chain: tuple[bytes, ...]
    key: bytes = field(repr=False)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Rules of a context."""

    certificates: tuple[Held, ...] = ()
    authorities: tuple[bytes, ...] | None = ()
    verify: bool = False
    min_version: int = 0x0303
    ciphers_12: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    resumption: bool = True
    session_context: bytes = b"bench"
    staple: bytes | None = None
