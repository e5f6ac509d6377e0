"""Protocol traffic for the log: payloads quoted and cut, credentials masked."""

from __future__ import annotations

import json
import re
from typing import Any

from pynats_common.go.quoting import quote

MASK = "[REDACTED]"
# Fields of CONNECT that are secrets or prove an identity, wherever they stand in it.
SECRET_FIELDS = frozenset(
    {
        "pass",
        "password",
        "auth_token",
        "token",
        "jwt",
        "sig",
        "nkey",
        "nkey_seed",
        "seed",
        "proxy_sig",
    }
)

_URL_USER = re.compile(r"(://)[^/@\s]+@")


def payload_text(payload: bytes, limit: int = 0) -> str:
    """`["…"]` for a trace line; at most `limit` bytes of the payload if it is above 0."""
    if 0 < limit < len(payload):
        return f'[{quote(payload[:limit])[:-1]}..."]'
    return f"[{quote(payload)}]"


def redact_connect(arguments: bytes) -> str:
    """The argument of CONNECT without its secrets; nothing if it is not a JSON object."""
    try:
        fields = json.loads(arguments)
        if not isinstance(fields, dict):
            return MASK
        return json.dumps(_masked(fields), separators=(",", ":"))
    except (ValueError, RecursionError):
        return MASK


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {
            key: MASK if key.lower() in SECRET_FIELDS and inner else _masked(inner)
            for key, inner in value.items()
        }
    return value


def redact_url(url: str) -> str:
    """`url` with user and password masked."""
    return _URL_USER.sub(rf"\g<1>{MASK}@", url)
