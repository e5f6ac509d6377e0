"""The authenticator interface, and the fields of CONNECT."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import NotImplementedType
from typing import Any, Protocol

from pynats_common.go.text import clean, text_of

from pynats_server.core.permissions import Permissions
from pynats_server.options import PublishLimits


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
    account: str = ""
    new_account: bool = False

    def update(self, raw: bytes) -> None:
        """Applies the fields of a CONNECT. JSON is read as Go does: keys in any case, null keeps
        the value, the last of equal keys wins. Raises ValueError if it is not an object or a value
        has the wrong type."""
        text = text_of(raw)
        try:
            decoded = json.loads(text, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if decoded is None:
            return
        if not isinstance(decoded, dict):
            raise ValueError("CONNECT needs a JSON object")
        changes: dict[str, Any] = {}
        for key, value in decoded.items():
            known = _FIELDS.get(key.lower())
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


_FIELDS: dict[str, tuple[str, type]] = {
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
    "account": ("account", str),
    "new_account": ("new_account", bool),
}


@dataclass(slots=True)
class Verdict:
    """A client's identity: the account's name, compiled permissions (None = unrestricted), the
    name that monitoring shows, limits of publishing, and what it follows from: `password` or
    `token`, which were compared, `no_auth_user`, or `none` where there are no log-ins."""

    account: str
    permissions: Permissions | None = None
    user: str | None = None
    limits: PublishLimits | None = None
    method: str = "none"


class Authenticator(Protocol):
    """Decides about CONNECT."""

    @property
    def required(self) -> bool:
        """Whether clients must present credentials at all."""
        ...

    def quick(self, options: ConnectOptions) -> Verdict | NotImplementedType | None:
        """The verdict, None for a refusal, or NotImplemented when `slow` must decide."""
        ...

    def slow(self, options: ConnectOptions) -> Verdict | None:
        """Like `quick`, for slow checks (bcrypt); runs in a thread."""
        ...

    def implicit(self) -> Verdict | None:
        """For a client that sends other verbs before CONNECT; None refuses."""
        ...
