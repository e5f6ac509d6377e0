"""The fields of CONNECT."""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any

from pynats_common.go.text import clean, text_of
from pynats_common.records import dataclass


@dataclass(slots=True)
class ConnectOptions:
    """CONNECT with its defaults (docs.nats.io/reference/reference-protocols/nats-protocol).

    A later CONNECT on the same connection changes only the fields that it names.
    """

    verbose: bool = True  # the server says +OK to everything
    pedantic: bool = True  # subjects of PUB are checked
    echo: bool = True  # it gets its own messages
    tls_required: bool = False  # the client wants TLS
    headers: bool = False  # it knows headers
    no_responders: bool = False  # it wants status 503 where nobody listens
    protocol: int = 0  # 1 = it reads an INFO that comes later
    name: str = ""  # what the client calls itself
    lang: str = ""  # language of its library
    version: str = ""  # of its library
    user: str = ""  # a user's name, or a token
    password: str = field(default="", repr=False)  # `pass`
    auth_token: str = field(default="", repr=False)  # a token
    nkey: str = ""  # its public key
    jwt: str = field(default="", repr=False)  # its user JWT
    sig: str = field(default="", repr=False)  # of the nonce, by its key
    proxy_sig: str = field(default="", repr=False)  # of the nonce, by a proxy's key
    account: str = ""  # refused: credentials decide
    new_account: bool = False  # refused, too

    def update(self, raw: bytes) -> None:
        """Applies the fields of a CONNECT. JSON is read as Go does: keys in any case, null keeps
        the value, the last of equal keys wins. Raises ValueError if it is not an object or a value
        has the wrong type."""
        text = text_of(raw)
        try:
            decoded = _JSON.decode(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if decoded is None:
            return
        if not isinstance(decoded, dict):
            raise ValueError("CONNECT needs a JSON object")
        changes: dict[str, Any] = {}
        for key, value in decoded.items():
            known = FIELDS.get(key.lower())
            if known is None or value is None:
                continue
            attribute, kind = known
            if type(value) is not kind:
                raise ValueError(f"{attribute}: {kind.__name__} expected")
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise ValueError(f"{attribute}: out of range")
            changes[attribute] = clean(value) if isinstance(value, str) else value
        for attribute, value in changes.items():
            setattr(self, attribute, value)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_no_constant)
FIELDS: dict[str, tuple[str, type]] = {
    "verbose": ("verbose", bool),
    "pedantic": ("pedantic", bool),
    "echo": ("echo", bool),
    "tls_required": ("tls_required", bool),
    "headers": ("headers", bool),
    "no_responders": ("no_responders", bool),
    "protocol": ("protocol", int),
    "name": ("name", str),
    "lang": ("lang", str),
    "version": ("version", str),
    "user": ("user", str),
    "pass": ("password", str),
    "auth_token": ("auth_token", str),
    "nkey": ("nkey", str),
    "jwt": ("jwt", str),
    "sig": ("sig", str),
    "proxy_sig": ("proxy_sig", str),
    "account": ("account", str),
    "new_account": ("new_account", bool),
}
