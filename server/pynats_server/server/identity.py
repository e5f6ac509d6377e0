"""Who a server is: keys that are made at its start and known to nobody else.

One signs what the server says of itself (requests to an auth callout service); its public half is
the server's id. The other opens what is sealed for the server; INFO names its public half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_common.nkeys import Prefix, create_pair

if TYPE_CHECKING:
    from pynats_common.nkeys import KeyPair


class Identity:
    """Of one server, from its start to its end. Its representation shows no secret."""

    __slots__ = ("curve", "id", "key", "xkey")

    def __init__(self) -> None:
        self.key: KeyPair = create_pair(Prefix.SERVER)
        self.curve: KeyPair = create_pair(Prefix.CURVE)
        self.id = self.key.public_key
        self.xkey = self.curve.public_key

    def __repr__(self) -> str:
        return f"Identity(id={self.id!r}, xkey={self.xkey!r})"
