"""Keys of people in tests, and what they sign: the same people in every run, no secret in the tree.

A script says who signs the nonce of its connection with `@SIGN name@`; behind the name may stand
how the signature is written (`SHAPES`) and whose nonce it is (a connection's name).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache

from pynats_common.nkeys import KeyPair, Prefix

_PLACE = re.compile(rb"@SIGN (\w+)(?: (\w*))?(?: (\w+))?@")


def _url(signature: bytes) -> str:
    return base64.urlsafe_b64encode(signature).decode()


def _standard(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


SHAPES: dict[str, Callable[[bytes], str]] = {
    "": lambda signature: _url(signature).rstrip("="),
    "standard": _standard,
    "padded": _url,
    "unpadded": lambda signature: _standard(signature).rstrip("="),
    "short": lambda signature: _url(signature[:63]),
    "long": lambda signature: _url(signature + b"\0"),
    "zero": lambda signature: _url(bytes(64)).rstrip("="),
    "lines": lambda signature: _url(signature).rstrip("=")[:40] + "\\n" + _url(signature)[40:86],
    "blank": lambda signature: _url(signature).rstrip("=") + " ",
    "flipped": lambda signature: _url(bytes([signature[0] ^ 1]) + signature[1:]).rstrip("="),
    "hex": lambda signature: signature.hex(),
}


@cache
def key_of(name: str, prefix: Prefix = Prefix.USER) -> KeyPair:
    """The key of somebody."""
    return KeyPair.from_raw_seed(prefix, hashlib.sha256(name.encode()).digest())


def public_key(name: str, prefix: Prefix = Prefix.USER) -> str:
    """The public key of somebody, as text."""
    return key_of(name, prefix).public_key


def filled(data: bytes, conn: str, nonces: Mapping[str, str]) -> bytes:
    """`data` with the signatures of the nonces that the connections got."""

    def sign(found: re.Match[bytes]) -> bytes:
        name, shape, other = (each.decode() if each else "" for each in found.groups())
        nonce = nonces.get(other or conn, "")
        if shape == "decoded":
            return SHAPES[""](key_of(name).sign(base64.urlsafe_b64decode(nonce + "=="))).encode()
        return SHAPES[shape](key_of(name).sign(nonce.encode())).encode()

    return _PLACE.sub(sign, data)
