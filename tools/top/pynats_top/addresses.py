"""Addresses of monitoring ports, as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from pynats_cli.errors import CliError
from pynats_common.network.urls import redact_url

HTTP_PORT: Final = 8222
_SCHEMES: Final = ("http", "https")


def is_monitoring(text: str) -> bool:
    """Whether an address says that it is one of a monitoring port."""
    return text.strip().lower().startswith(("http://", "https://"))


def split_addresses(texts: Iterable[str]) -> list[str]:
    """The addresses of texts with commas between them."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def monitoring_url(text: str, port: int = HTTP_PORT, secure: bool = False) -> str:
    """The URL of `host`, `host:port`, `[::1]:8222`, `::1` or of a URL, with a port in any case.
    Raises CliError."""
    body = text
    if "://" not in body:
        if body.count(":") > 1 and not body.startswith("[") and "@" not in body:
            body = f"[{body}]"  # IPv6
        body = f"{_SCHEMES[secure]}://{body}"
    try:
        parts = urlsplit(body)
        host, given = parts.hostname or "", parts.port
    except ValueError as error:
        raise CliError(f"invalid monitoring endpoint {redact_url(text)!r}: {error}") from None
    if parts.scheme not in _SCHEMES:
        raise CliError(
            f"{redact_url(text)} is a client address: give that of the monitoring port, as in"
            f" http://{host or 'HOST'}:{HTTP_PORT}"
        )
    if not host or given == 0:
        missing = "host" if not host else "port"
        raise CliError(f"invalid monitoring endpoint {redact_url(text)!r}: {missing} is missing")
    if given is None:
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return parts._replace(query="", fragment="").geturl()
