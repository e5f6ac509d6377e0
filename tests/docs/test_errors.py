"""docs/reference/errors.md has every refusal that the server's code can send, and no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from pynats_server.core.reasons import CloseReason

from tests.docs.pages.errors import PROTOCOL_ERRORS, REASONS, STATUSES

SERVER: Final = Path(__file__).parents[2] / "server" / "pynats_server"
# Where -ERR comes from: `complain(b"..."`, `fail("..."`, `fail_with("..."`, `send_error("..."`,
# `Refusal(reason, "..."`, or a constant that stands for the text.
SAID = re.compile(
    r"""(?:self\.complain|\.fail|\.fail_with|\.send_error)\(\s*[bf]?["']([^"'{]+)"""
    r"""|Refusal\(\s*CloseReason\.[A-Z_]+, "([^"]+)"\s*\)"""
    r"""|^(?:VIOLATION|EXPIRED|THROTTLED|TOO_MANY_IN_ACCOUNT|UNKNOWN_OPERATION)"""
    r"""(?:: Final)? = "([^"]+)"$"""
    r"""|text = b['"](Permissions Violation for [A-Za-z]+ )""",
    re.MULTILINE,
)
STATUS = re.compile(
    r"""["'](?:NATS/1\.0 )?([1-5]\d\d [A-Z][A-Za-z]+"""
    r"""(?: (?:[A-Z][A-Za-z]+|is push based)|-[A-Z][a-z]+)*)"""
)


def sources(*folders: str, besides: tuple[str, ...] = ()) -> dict[Path, str]:
    return {
        file: file.read_text("utf-8")
        for folder in folders
        for file in sorted((SERVER / folder).rglob("*.py*"))
        if file.suffix in (".py", ".pyx") and file.name not in besides
    }


def test_every_protocol_error_is_described() -> None:
    said = {
        next(filter(None, found.groups())).strip()
        for text in sources("core", "clients", "auth").values()
        for found in SAID.finditer(text)
    }
    described = [text for text, _, _ in PROTOCOL_ERRORS]
    assert len(said) >= 15
    assert [text for text in said if not any(d.startswith(text) for d in described)] == []


@pytest.mark.parametrize("text", [text for text, _, _ in PROTOCOL_ERRORS])
def test_a_described_protocol_error_is_there(text: str) -> None:
    code = "\n".join(sources("core", "clients", "auth").values())
    for part in re.split(r'"?\{[a-z]+\}"?', text):
        # Its words may be written in two pieces, and what is filled in may be the last of them.
        assert part.strip() in code or part.split(" for ")[0].strip() in code, part


def test_every_close_reason_that_is_used_is_described() -> None:
    texts = sources("", besides=("reasons.py",)).values()
    words = set().union(*(re.findall(r"\b[A-Z][A-Z_]+\b", text) for text in texts))
    short = {  # as core/sockets/connection.pxd names them
        "MAX_CONTROL_LINE": CloseReason.MAX_CONTROL_LINE_EXCEEDED,
        "MAX_PAYLOAD": CloseReason.MAX_PAYLOAD_EXCEEDED,
    }
    used = {reason for reason in CloseReason if reason.name in words}
    used |= {reason for name, reason in short.items() if name in words}
    assert used == set(REASONS) | {reason for _, _, reason in PROTOCOL_ERRORS if reason}


def test_every_status_is_described() -> None:
    said = {
        status for text in sources("jetstream", "core").values() for status in STATUS.findall(text)
    }
    assert len(said) >= 20
    assert [status for status in said if not any(d.startswith(status) for d in STATUSES)] == []


@pytest.mark.parametrize("status", [each for each in STATUSES if "{" not in each])
def test_a_described_status_is_there(status: str) -> None:
    number, _, words = status.partition(" ")
    code = "\n".join(sources("jetstream", "core").values())
    assert number in code
    assert words in code
