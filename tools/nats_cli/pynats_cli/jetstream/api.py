"""JetStream requests over a plain NATS connection.

Uses the wire format (JSON over `$JS.API.>`), because nats-py's JetStream layer hides fields that
the command line shows and lacks the newest ones.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

from nats import errors as nats_errors
from pynats_common.go.quoting import quote

from pynats_cli.documents import object_of
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import log

STREAM_NOT_FOUND = 10059
CONSUMER_NOT_FOUND = 10014
GROWTH = 10_000
"""Items that a listing may have beyond twice its first total: more than come while it is read."""
ITEMS_MAX = 10_000_000
NOT_ENABLED = "JetStream is not enabled on this server or account"


class Connected(Protocol):
    """What this needs of a connection."""

    @property
    def options(self) -> GlobalOptions: ...

    def jetstream_prefix(self) -> str:
        """Subject prefix of the API, without a final dot."""

    async def request(
        self, subject: str, data: bytes = b"", headers: list[tuple[str, str]] | None = None
    ) -> Any:
        """The first reply."""


class JsApiError(CliError):
    """An error answer of the JetStream API; `code` is its err_code."""

    def __init__(self, description: str, code: int) -> None:
        super().__init__(f"{description} ({code})" if code else description)
        self.description, self.code = description, code


class JetStream:
    """The JetStream API of one connection. All calls raise JsApiError and CliError."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    async def request(self, subject: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
        """Answer of an API call; `subject` is the part after the prefix."""
        subject = f"{self._connected.jetstream_prefix()}.{subject}"
        payload = json.dumps(request).encode() if request is not None else b""
        trace = self._connected.options.trace
        if trace:
            log(f">>> {subject}\n{payload.decode()}\n")
        try:
            message = await self._connected.request(subject, payload)
        except nats_errors.NoRespondersError:
            raise CliError(NOT_ENABLED) from None
        if trace:
            log(f"<<< {subject}: {message.data.decode(errors='replace')}")
        answer = parse_answer(message.data)
        check_answer(answer)
        return answer

    async def pages(
        self, subject: str, key: str, request: dict[str, Any] | None = None
    ) -> AsyncIterator[Any]:
        """The items below `key` in all pages of a listing."""
        offset = most = 0
        while True:
            page = await self.request(subject, {**(request or {}), "offset": offset})
            items, total = page.get(key) or [], int(page.get("total") or 0)
            for item in items:
                yield item
            offset += len(items)
            if not items or offset >= total:
                return
            most = most or min(2 * total + GROWTH, ITEMS_MAX)
            if offset > most:
                raise CliError(f"the listing of {key} does not end: {offset} items so far")

    async def account_info(self) -> dict[str, Any]:
        """Usage and limits of the account."""
        return await self.request("INFO")

    async def require_level(self, level: int, reason: str) -> None:
        """Raises CliError with `reason` when the server's JetStream is older than `level`."""
        info = await self.account_info()
        if int(info.get("api", {}).get("level", 0) or 0) < level:
            raise CliError(reason)

    async def stream_info(self, stream: str) -> dict[str, Any]:
        """Configuration and state of a stream."""
        if not stream or any(char in stream for char in " .*>/\\\0\t\r\n"):
            raise CliError(f"{quote(stream)} is not a valid stream name")
        return await self.request(f"STREAM.INFO.{stream}")

    async def stream_for_subject(self, subject: str) -> str:
        """Name of the stream that holds a subject, "" when there is none."""
        answer = await self.request("STREAM.NAMES", {"subject": subject})
        names = answer.get("streams") or []
        return str(names[0]) if names else ""

    async def stream_names(self, subject: str = "") -> list[str]:
        """Names of all streams, or of those that hold a subject; sorted."""
        request = {"subject": subject} if subject else None
        return sorted([str(name) async for name in self.pages("STREAM.NAMES", "streams", request)])

    async def streams(self, subject: str = "") -> list[dict[str, Any]]:
        """Information of all streams, sorted by name."""
        request = {"subject": subject} if subject else None
        found = [item async for item in self.pages("STREAM.LIST", "streams", request)]
        return sorted(found, key=lambda item: str(item["config"]["name"]))

    async def consumer_info(self, stream: str, consumer: str) -> dict[str, Any]:
        """Configuration and state of a consumer."""
        return await self.request(f"CONSUMER.INFO.{stream}.{consumer}")

    async def consumer_names(self, stream: str) -> list[str]:
        """Names of a stream's consumers, sorted."""
        names = self.pages(f"CONSUMER.NAMES.{stream}", "consumers")
        return sorted([str(name) async for name in names])

    async def consumers(self, stream: str) -> list[dict[str, Any]]:
        """Information of a stream's consumers, sorted by name."""
        found = [item async for item in self.pages(f"CONSUMER.LIST.{stream}", "consumers")]
        return sorted(found, key=lambda item: str(item["name"]))


def parse_answer(data: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises CliError."""
    return object_of(data, "invalid JSON in the answer of JetStream")


def check_answer(answer: dict[str, Any]) -> None:
    """Raises JsApiError for an error answer."""
    error = answer.get("error")
    if isinstance(error, dict):
        description = str(error.get("description") or "unknown JetStream Error")
        raise JsApiError(description, int(error.get("err_code") or 0))
