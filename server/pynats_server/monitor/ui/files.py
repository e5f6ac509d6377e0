"""The dashboard's files, and how a browser may use them.

Whatever clients call themselves, the page is only ever code of ours: no script, style or picture
comes from elsewhere or out of the page itself, nothing may be sent elsewhere, no other page may
frame it, and scripts cannot turn text into markup.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from pynats_server.monitor.serving.http import Request, Response

PAGE = "index.html"
FOLDER = "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
STRICT = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class File:
    """One of them."""

    kind: str
    body: bytes
    tag: str  # changes with the body


def read() -> dict[str, File]:
    """All files by name."""
    found = {}
    for entry in files(__package__).joinpath(FOLDER).iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if entry.is_file() and suffix in KINDS:
            body = entry.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            found[entry.name] = File(KINDS[suffix], body, tag)
    return found


class Files:
    """Answers with them. They are read once, in a thread, when one is asked for."""

    def __init__(self) -> None:
        self._found: Mapping[str, File] = {}

    async def answer(self, name: str, request: Request) -> Response | None:
        """None if there is no such file."""
        if not self._found:
            self._found = await asyncio.to_thread(read)
        file = self._found.get(name)
        if file is None:
            return None
        headers = [*STRICT, ("Cache-Control", "private, no-cache"), ("ETag", file.tag)]
        if file.tag in _tags(request.if_none_match):
            return Response(304, file.kind, iter(()), headers)
        return Response(200, file.kind, iter((file.body,)), headers)


def _tags(header: str) -> Iterator[str]:
    """Those that a browser has, whether weak or not."""
    return (tag.strip().removeprefix("W/") for tag in header.split(","))
