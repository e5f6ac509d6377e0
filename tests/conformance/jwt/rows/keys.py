"""Keys that are none where tokens name one: too short for their sum, too long, of another kind.

A key is base32 of a byte for its kind, 32 bytes and a sum; one advisory (GHSA-g33f) is about an
issuer that had fewer and a right sum, on which the real server once fell.
"""

from __future__ import annotations

import base64

from pynats_common.nkeys import Prefix
from pynats_common.nkeys.codec import crc16

from tests.conformance.jwt.login import Login, of_claims
from tests.conformance.jwt.tokens import token, user, user_key
from tests.conformance.jwt.world import A_SIGNER, A

ONE = ("PUB a.b | hi",)
LENGTHS = (0, 1, 2, 16, 31, 33, 64)


def key_of(length: int, kind: Prefix = Prefix.ACCOUNT) -> str:
    """A key of that many bytes, with the sum that belongs to it."""
    body = bytes([kind.value]) + A.raw_public_key.ljust(64, b"\1")[:length]
    return base64.b32encode(body + crc16(body).to_bytes(2, "little")).rstrip(b"=").decode()


def named(claim: str, value: str, shown: str) -> Login:
    claims = user("u", A)
    if claim == "issuer_account":
        claims["nats"] = {**user("u", A_SIGNER)["nats"], "issuer_account": value}
        return Login(f"key: {shown}", token(claims | {"iss": A_SIGNER.public_key}, A_SIGNER))
    return Login(f"key: {shown}", token(claims | {claim: value}, A), talk=ONE)


ROWS = [
    *(named("iss", key_of(n), f"iss of {n} bytes") for n in LENGTHS),
    *(named("sub", key_of(n, Prefix.USER), f"sub of {n} bytes") for n in LENGTHS),
    *(named("issuer_account", key_of(n), f"issuer_account of {n} bytes") for n in LENGTHS),
    named("iss", key_of(0, Prefix.USER), "iss of a user, 0 bytes"),
    named("iss", key_of(32, Prefix.SERVER), "iss of a server"),
    named("iss", key_of(32, Prefix.CURVE), "iss of a curve"),
    named("iss", key_of(32)[:-1] + "=", "iss padded"),
    named("sub", A.public_key[:0], "sub of nothing"),
    named("sub", key_of(32, Prefix.CURVE), "sub of a curve"),
    of_claims("key: of another user, who signs", user("v", A) | {"sub": user_key("u").public_key}),
]
