"""Those who log in by a signature, and the configurations that let them in."""

from __future__ import annotations

import secrets
from functools import cache

from nacl.bindings import crypto_sign_seed_keypair
from pynats_common.jwt import OperatorClaims, encode, new_account, new_user
from pynats_common.nkeys import KeyPair, Prefix, create_pair

from pynats_bench.model import Signer


@cache
def with_nkeys(count: int) -> tuple[str, tuple[Signer, ...]]:
    """The configuration, and so many users, each with a key of its own."""
    signers = tuple(_signer(secrets.token_bytes(32)) for _ in range(count))
    users = "".join(f"    {{ nkey: {signer.public} }}\n" for signer in signers)
    return f"authorization {{\n  users = [\n{users}  ]\n}}\n", signers


@cache
def with_jwts(count: int) -> tuple[str, tuple[Signer, ...]]:
    """The same in operator mode: one account, each user with a JWT of its own."""
    operator, account = create_pair(Prefix.OPERATOR), create_pair(Prefix.ACCOUNT)
    trusted = encode(OperatorClaims(sub=operator.public_key, name="bench"), operator)
    claims = new_account(account.public_key, "bench")
    config = (
        f"operator: {trusted}\n"
        "resolver: MEMORY\n"
        f"resolver_preload {{ {account.public_key}: {encode(claims, operator)} }}\n"
    )
    return config, tuple(_signer(secrets.token_bytes(32), account) for _ in range(count))


def _signer(raw: bytes, account: KeyPair | None = None) -> Signer:
    public = KeyPair.from_raw_seed(Prefix.USER, raw).public_key
    jwt = ""
    if account:
        jwt = encode(new_user(public, "bench"), account)
    return Signer(public, crypto_sign_seed_keypair(raw)[1], jwt)
