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

    verbose: bool = True
    pedantic: bool = True
    echo: bool = True
    tls_required: bool = False
    headers: bool = False
    no_responders: bool = False
    protocol: int = 0
    name: str = ""
    lang: str = ""
    version: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    auth_token: str = field(default="", repr=False)
    nkey: str = ""
    jwt: str = field(default="", repr=False)
    sig: str = field(default="", repr=False)
    proxy_sig: str = field(default="", repr=False)
    account: str = ""
    new_account: bool = False

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
