"""Gets JSON documents of a provider. It takes time, so call it in a thread."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pynats_common.network.tls import verifying_context
from pynats_common.network.urls import LOOPBACK, fault_of_key_url

BODY_MAX: Final = 1 << 20  # bytes


class FetchError(Exception):
    """There is no document; the text says why."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def get_object(url: str, timeout_s: float, ca_file: Path | None = None) -> dict[str, Any]:
    """The object at a URL. Raises FetchError."""
    if fault := fault_of_key_url(url):
        raise FetchError(f"{url}: {fault}")
    try:
        context = verifying_context(str(ca_file) if ca_file else "")
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}) if urlsplit(url).hostname in LOOPBACK
            else urllib.request.ProxyHandler(),
            urllib.request.HTTPSHandler(context=context), _NoRedirects,
        )  # fmt: skip
        request = urllib.request.Request(url, headers={"Accept": "application/json"})
        with opener.open(request, timeout=timeout_s) as answer:
            body = answer.read(BODY_MAX + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise FetchError(f"{url}: HTTP status {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"{url}: {getattr(error, 'reason', None) or error}") from None
    if len(body) > BODY_MAX:
        raise FetchError(f"{url}: the document is too large")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FetchError(f"{url}: the document is no JSON") from None
    if not isinstance(document, dict):
        raise FetchError(f"{url}: the document is no JSON object")
    return document
