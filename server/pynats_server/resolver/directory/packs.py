"""How servers exchange all their JWTs: lines of `account|token`."""

from __future__ import annotations

from collections.abc import Iterator

from pynats_server.resolver.base import is_account
from pynats_server.resolver.directory.index import packed


class BadPack(ValueError):
    """The rest of a pack cannot be read."""


def line_of(account: str, token: str) -> bytes:
    """One JWT, for a pack; nothing for what is none."""
    return f"{account}|{token}".encode() if packed(account, token) else b""


def lines_of(pack: bytes) -> Iterator[tuple[str, str]]:
    """The JWTs in a pack. Raises BadPack at the first line that is none."""
    for line in pack.decode("utf-8", "replace").split("\n"):
        if not line.strip("\r"):
            continue
        account, sign, token = line.strip("\r").partition("|")
        if not sign or "|" in token:
            raise BadPack(f'line in package didn\'t contain 2 entries: "{line[:80]}"')
        if not is_account(account):
            raise BadPack("key to merge is not a valid public account key")
        yield account, token
