"""INFO of a server, of which nats-py believes every word."""

from __future__ import annotations

from typing import Any

from nats.errors import ProtocolError

POOL_MAX = 4096
"""Most addresses of servers that are remembered: nats-py compares each with each."""
_TEXTS = ("server_id", "server_name", "version", "host", "nonce", "cluster", "domain", "client_ip")
_NUMBERS = ("port", "max_payload", "proto", "client_id")
_SWITCHES = ("headers", "auth_required", "tls_required", "tls_available", "jetstream", "ldm")
_TYPES: dict[str, type] = {
    **dict.fromkeys(_TEXTS, str),
    **dict.fromkeys(_NUMBERS, int),
    **dict.fromkeys(_SWITCHES, bool),
    "connect_urls": list,
}


class InfoError(ProtocolError):  # type: ignore[misc]
    """INFO that no server sends."""

    def __str__(self) -> str:
        return f"nats: malformed INFO of the server: {self.args[0]}"


def check_info(info: Any, known: set[str]) -> None:
    """Raises InfoError for a field of a wrong type. What is null goes, as do addresses of servers
    that are `known`, and those that are too many."""
    if not isinstance(info, dict):
        raise InfoError("it is not a JSON object")
    for name, kind in _TYPES.items():
        value = info.get(name)
        if value is None:
            info.pop(name, None)
        elif type(value) is not kind:
            raise InfoError(name)
    if "connect_urls" in info:
        urls = info["connect_urls"]
        if not all(isinstance(url, str) for url in urls):
            raise InfoError("connect_urls")
        new = [url for url in dict.fromkeys(urls) if url not in known]
        info["connect_urls"] = new[: max(POOL_MAX - len(known), 0)]
