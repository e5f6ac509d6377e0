"""Turns received bytes into transcripts that can be compared.

A transcript is a list of items: an INFO is a dict in which server-specific values are masked;
everything else is a line as received, deliveries with their payload. The end of
a connection is the item CLOSED.
"""

from __future__ import annotations

import json
import re
from typing import Any

Item = str | dict[str, Any]
CLOSED = "<closed by server>"
TIMED_OUT = "<no answer in time>"

# Present in both, but server-specific.
_MASKED = {
    "server_id": r"N[A-Z2-7]{55}",
    "server_name": r"N[A-Z2-7]{55}",  # the id, unless configured
    "version": r"\d+\.\d+\.\d+.*",
    "go": r".+",
    "client_id": r"\d+",
    "nonce": r"[A-Za-z0-9_-]{15}",
}
# git_commit describes the build. xkey is made at each start and in every INFO: tests of identities
# look at it.
_DROPPED = ("git_commit", "xkey")


def normalise_info(payload: bytes, port: int) -> dict[str, Any]:
    """The INFO object with masked values; unexpected values stay visible.

    `port` is the server's own, the only one to be masked.

    Raises ValueError when `payload` is no JSON object.
    """
    info = json.loads(payload)
    if not isinstance(info, dict):
        raise ValueError(f"INFO is not an object: {payload!r}")
    for key in _DROPPED:
        info.pop(key, None)
    for key, form in _MASKED.items():
        if key in info and re.fullmatch(form, str(info[key])):
            info[key] = f"<{key}>"
    if info.get("port") == port:
        info["port"] = "<port>"
    return info


def parse_transcript(received: bytes, port: int) -> list[Item]:
    """Split received bytes into items; bytes that form no line are kept as a last item."""
    items: list[Item] = []
    rest = received
    while rest:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            items.append(f"<partial> {_show(line)}")
            break
        if line.startswith(b"INFO "):
            items.append({"INFO": normalise_info(line[5:], port)})
            continue
        size = _payload_size(line)
        if size is None:
            items.append(_show(line))
        else:
            payload, rest = rest[: size + 2], rest[size + 2 :]
            items.append(f"{_show(line)} | {_show(payload)}")
    return items


def _payload_size(line: bytes) -> int | None:
    if not line.startswith((b"MSG ", b"HMSG ")):
        return None
    last = line.rsplit(b" ", 1)[-1]
    return int(last) if last.isdigit() else None


def _show(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


def show(item: Item) -> str:
    """An item as the line it was."""
    return item if isinstance(item, str) else f"INFO {json.dumps(item['INFO'], sort_keys=True)}"
