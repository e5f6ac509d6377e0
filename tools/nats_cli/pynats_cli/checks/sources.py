"""Where checks get their data from: what the session of the command line offers."""

from __future__ import annotations

from typing import Any, Protocol


class JetStream(Protocol):
    """The JetStream API. `subject` is the part after the prefix; errors are CliError."""

    async def request(
        self, subject: str, payload: dict[str, Any] | None = None
    ) -> dict[str, Any]: ...
