"""Where checks get their data from: what the session of the command line offers."""

from __future__ import annotations

from typing import Any, Protocol

from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError


class JetStream(Protocol):
    """The JetStream API. `subject` is the part after the prefix; errors are CliError."""

    async def request(
        self, subject: str, payload: dict[str, Any] | None = None
    ) -> dict[str, Any]: ...


def stream_name(name: str) -> str:
    """The name, which becomes a token of a subject. Raises CliError for one that cannot."""
    return _name(name, "stream")


def consumer_name(name: str) -> str:
    """The same for a consumer."""
    return _name(name, "consumer")


def _name(name: str, kind: str) -> str:
    if not name:
        raise CliError(f"{kind} name is required")
    if any(char in ".*>/\\" or char.isspace() or ord(char) < 32 for char in name):
        raise CliError(f"{quote(name)} is not a valid {kind} name")
    return name
