"""Version 1 claims, read as version 2.

Version 1 kept `type`, `tags` and sometimes `issuer_account` beside `nats` instead of in it,
called the limits of a user `max`/`payload`/`src`, and wrote an activation's kind as `type`.
"""

from __future__ import annotations

from typing import Any

from pynats_common.jwt.errors import ClaimsError, UnsupportedTokenError

_MOVED = ("tags", "issuer_account")
_KNOWN = ("operator", "account", "user", "activation", "generic")


def migrate_v1(raw: dict[str, Any]) -> dict[str, Any]:
    """Version 2 payload for a version 1 payload. Raises UnsupportedTokenError, ClaimsError."""
    kind = raw.get("type")
    if not isinstance(kind, str):
        raise ClaimsError("type: expected a string")
    if kind not in _KNOWN:
        raise UnsupportedTokenError(f"version 1 claims of type {kind[:32]!r} are not supported")
    body = raw.get("nats") or {}
    if not isinstance(body, dict):
        raise ClaimsError("nats: expected an object")
    body = dict(body)
    result = {name: value for name, value in raw.items() if name not in ("type", *_MOVED, "nats")}
    for name in _MOVED:
        if name in raw and kind != "generic":
            body[name] = raw[name]
    if kind == "activation":
        body["kind"] = body.pop("type", "")
    elif kind == "user":
        _migrate_user(body)
    elif kind == "account":
        _migrate_account(body)
    if kind != "generic":
        body["type"], body["version"] = kind, 2
    result["nats"] = body
    return result


def _migrate_user(body: dict[str, Any]) -> None:
    # `max` limited messages and no longer exists; absent limits meant "none".
    body.pop("max", None)
    if "identity_provider" in body:
        body.pop("identity_provider")
    for name in ("subs", "data", "payload"):
        body.setdefault(name, -1)


def _migrate_account(body: dict[str, Any]) -> None:
    body.setdefault("limits", {})
    exports = body.get("exports")
    if isinstance(exports, list):
        for export in exports:
            if isinstance(export, dict) and export.get("type") == "service":
                export.setdefault("response_type", "Singleton")
