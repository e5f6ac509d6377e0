"""Credentials of a Context as connect options for nats-py."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from pynats_common.contexts import Context, credrefs
from pynats_common.creds import CredsError, decode_creds, decode_text, extract_jwt, extract_key_pair
from pynats_common.network.urls import ServerUrl
from pynats_common.nkeys import KeyPair, NkeyError, Prefix

from pynats_cli.errors import CliError

PUBLIC_NKEY = "public_nkey"
"""The one option that is not nats-py's: the public key that goes with the signature."""


def login_options(context: Context) -> dict[str, Any]:
    """Keyword arguments for `nats.connect` (and PUBLIC_NKEY). Raises CliError.

    Precedence: user and password, then creds, then nkey, then JWT with seed; a token is sent in
    addition. Secrets are read now, so that a wrong path fails before connecting.
    """
    found: dict[str, Any] = {}
    if context.user:
        found = {"user": context.user, "password": _literal("password", context.password)}
    elif context.creds:
        found = _reading("creds", lambda: _creds_login(_text(context.creds)))
    elif context.nkey:
        found = _reading("nkey", lambda: _nkey_login(_text(context.nkey)))
    elif context.user_jwt:
        found = _jwt_login(context.user_jwt, context.user_seed)
    if context.token:
        found["token"] = _literal("token", context.token)
    return found


def url_login(server: ServerUrl) -> dict[str, Any]:
    """The login in an address: a user without a password is a token."""
    if server.user is None:
        return {}
    if server.password is None:
        return {"token": server.user}
    return {"user": server.user, "password": server.password}


def _reading(kind: str, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of `read`; its errors name the kind of credentials, never the credentials."""
    try:
        return read()
    except (CredsError, NkeyError, credrefs.CredentialError) as error:
        raise CliError(f"{kind}: {error}") from None


def _creds_login(text: str) -> dict[str, Any]:
    creds = decode_creds(text, Prefix.USER)
    return {"user_jwt_cb": _constant(creds.jwt), "signature_cb": _signer(creds.key_pair)}


def _nkey_login(text: str) -> dict[str, Any]:
    pair = extract_key_pair(text)
    return {"signature_cb": _signer(pair), PUBLIC_NKEY: pair.public_key}


def _jwt_login(jwt: str, seed: str) -> dict[str, Any]:
    found = _reading(
        "user_jwt", lambda: {"user_jwt_cb": _constant(extract_jwt(_value_or_file(jwt)))}
    )
    if not seed:
        # A bearer JWT needs no signature.
        return {**found, "signature_cb": lambda _nonce: b""}
    signature = _reading(
        "user_seed", lambda: {"signature_cb": _signer(extract_key_pair(_value_or_file(seed)))}
    )
    return {**found, **signature}


def _value_or_file(value: str) -> str:
    """The value itself, the secret that it refers to, or the content of the file that it names."""
    secret = value.startswith(("eyJ", "-")) or (len(value) == 58 and value.startswith("S"))
    return value if secret else _text(value)


def _text(reference: str) -> str:
    return decode_text(credrefs.read_reference(reference))


def _literal(kind: str, value: str) -> str:
    try:
        return credrefs.read_literal(value)
    except credrefs.CredentialError as error:
        raise CliError(f"{kind}: {error}") from None


def _constant(text: str) -> Callable[[], bytes]:
    data = text.encode()
    return lambda: data


def _signer(pair: KeyPair) -> Callable[[str], bytes]:
    return lambda nonce: base64.b64encode(pair.sign(nonce.encode()))
