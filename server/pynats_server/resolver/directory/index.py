"""What is known of the files of a folder, without looking there."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from pynats_server.resolver.base import is_account

DIGEST_BYTES: Final = 32
NOTHING: Final = bytes(DIGEST_BYTES)


class _Entry:
    __slots__ = ("digest", "until")

    def __init__(self, digest: bytes | None, until: float) -> None:
        self.digest = digest  # None = the file was not read yet
        self.until = until


class Index:
    """Accounts in the order of their use, the last one last. Servers that have the same JWTs have
    the same digest: that of each token, exclusive or.

    What is no JWT of an account (`packed` says so) is listed, and does not count for the digest.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._digest = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @property
    def digest(self) -> bytes:
        """Of all that was read."""
        return self._digest.to_bytes(DIGEST_BYTES, "big")

    def unread(self) -> list[str]:
        """Whose files have not been read yet."""
        return [key for key, entry in self._entries.items() if entry.digest is None]

    def add(self, key: str, until: float = 0.0) -> None:
        """There is a file, which was not read."""
        if key not in self._entries:
            self._entries[key] = _Entry(None, until)

    def put(self, key: str, token: str, until: float = 0.0) -> None:
        """A file has this content, since now. It runs out at `until`; 0 = never."""
        self.drop(key)
        digest = digest_of(key, token)
        self._entries[key] = _Entry(digest, until)
        self._digest ^= int.from_bytes(digest, "big")

    def saw(self, key: str, token: str) -> None:
        """A file was read."""
        entry = self._entries.get(key)
        if entry is None:
            self.put(key, token)
            return
        digest = digest_of(key, token)
        self._digest ^= int.from_bytes(digest, "big") ^ int.from_bytes(entry.digest or b"", "big")
        entry.digest = digest

    def use(self, key: str) -> None:
        """Somebody needs it."""
        self._entries.move_to_end(key)

    def drop(self, key: str) -> None:
        """Its file is gone."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._digest ^= int.from_bytes(entry.digest or b"", "big")

    def oldest(self) -> str:
        """The account that nobody has needed for the longest time."""
        return next(iter(self._entries))

    def expired(self, now: float) -> list[str]:
        """What has run out."""
        return [key for key, entry in self._entries.items() if 0 < entry.until <= now]


def packed(key: str, token: str) -> bool:
    """Whether other servers are told of it."""
    return token.count(".") == 2 and is_account(key)


def digest_of(key: str, token: str) -> bytes:
    """What it counts for."""
    return hashlib.sha256(token.encode()).digest() if packed(key, token) else NOTHING
