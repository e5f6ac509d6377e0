"""JSZ answers from running servers, from an archive, or as text that was saved."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pynats_cli.errors import CliError
from pynats_cli.servers.replicas.groups import Member
from pynats_cli.servers.system import requests
from pynats_cli.servers.system.archive import Archive

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_ACCOUNTS_MAX = 100_000
_REQUEST = {
    "accounts": True, "streams": True, "consumer": True, "config": True, "raft": True,
    "limit": _ACCOUNTS_MAX,
}  # fmt: skip


async def ask(session: Session, expect: int, note: Callable[[str], None]) -> list[dict[str, Any]]:
    """What the servers say now."""
    begin = time.monotonic()
    documents = await requests.ask(session, "JSZ", _REQUEST, expect=expect)
    note(f"Response took {time.monotonic() - begin:.3f}s")
    if expect and len(documents) < expect:
        note(f"Warning: expected {expect} responses got {len(documents)}")
    return _some(requests.successful(documents))


def from_archive(path: str) -> list[dict[str, Any]]:
    """What they had said to `audit gather`."""
    with Archive(path) as archive:
        return _some(archive.answers("JSZ"))


def from_text(text: str) -> list[dict[str, Any]]:
    """Documents of `server request jsz --all`, one after the other, or an array of them."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            document, at = decoder.raw_decode(text, at)
        except ValueError as error:
            raise CliError(f"invalid JSON on standard input: {error}") from None
        found += document if isinstance(document, list) else [document]
    if not all(isinstance(document, dict) for document in found):
        raise CliError("standard input holds no JSZ answers")
    return _some(found)


def _some(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not documents:
        raise CliError("no JSZ responses received")
    return documents


async def add_health(session: Session, members: Sequence[Member]) -> None:
    """Asks each replica's server for the health of that replica."""
    for member in members:
        request = {
            "account": member.account_id or member.account,
            "stream": getattr(member, "stream", ""),
            "consumer": getattr(member, "consumer", ""),
        }
        server = str(member.server.get("id", ""))
        try:
            document = await requests.ask_one(
                session, server, "HEALTHZ", {key: value for key, value in request.items() if value}
            )
        except CliError as error:
            member.health = f":error: {error}"
            continue
        data = document.get("data") or {}
        member.health = f":{data.get('status', '?')}: {data.get('error') or ''}".rstrip()
