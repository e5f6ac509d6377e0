"""Requests about streams that take more than one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pynats_cli.jetstream.api import JsApiError

if TYPE_CHECKING:
    from pynats_cli.jetstream.api import JetStream

NO_MESSAGE = 10037


@dataclass
class Listing:
    """Streams with their information, and those of which only the name is known."""

    streams: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    offline: dict[str, str] = field(default_factory=dict)


async def list_streams(js: JetStream, subject: str = "") -> Listing:
    """All streams, or those that hold a subject, by name. Raises CliError."""
    found = Listing()
    offset = 0
    while True:
        request: dict[str, Any] = {"offset": offset}
        if subject:
            request["subject"] = subject
        page = await js.request("STREAM.LIST", request)
        streams = page.get("streams") or []
        found.streams += streams
        found.missing += [name for name in page.get("missing") or [] if name not in found.missing]
        found.offline |= page.get("offline") or {}
        offset += len(streams)
        if not streams or offset >= int(page.get("total") or 0):
            break
    found.streams.sort(key=lambda info: str(info["config"]["name"]))
    return found


async def subject_counts(js: JetStream, stream: str, pattern: str) -> dict[str, int]:
    """The subjects of a stream that match, and how many messages each has. Raises CliError."""
    counts: dict[str, int] = {}
    offset = 0
    while True:
        request = {"subjects_filter": pattern, "offset": offset}
        page = await js.request(f"STREAM.INFO.{stream}", request)
        subjects = page["state"].get("subjects") or {}
        counts |= subjects
        offset += len(subjects)
        if not subjects or offset >= int(page.get("total") or 0):
            return counts


async def get_message(js: JetStream, stream: str, request: dict[str, Any]) -> dict[str, Any]:
    """One stored message: `subject`, `seq`, `hdrs`, `data` (both base64), `time`. Raises
    CliError."""
    answer = await js.request(f"STREAM.MSG.GET.{stream}", request)
    return dict(answer["message"])


async def messages_from(
    js: JetStream, stream: str, start: dict[str, Any], pattern: str, ahead: int = 1
) -> AsyncIterator[dict[str, Any]]:
    """Messages in order to the end of the stream; `start` has `seq` or `start_time`. No consumer is
    needed, so that streams of every kind can be read. Raises CliError.

    Up to `ahead` sequences are asked for at once, where they turn out to have messages.
    """
    requests = [{**start, "next_by_subj": pattern}]
    after = 0
    while True:
        found = await asyncio.gather(*(_message_or_none(js, stream, each) for each in requests))
        fresh = 0
        for message in found:
            if message is None:
                return
            if int(message["seq"]) > after:
                after = int(message["seq"])
                fresh += 1
                yield message
        # In a gap all of them are answered with the same message.
        count = min(2 * len(requests), ahead) if fresh == len(requests) else 1
        requests = [
            {"seq": after + number, "next_by_subj": pattern} for number in range(1, count + 1)
        ]


async def _message_or_none(
    js: JetStream, stream: str, request: dict[str, Any]
) -> dict[str, Any] | None:
    try:
        return await get_message(js, stream, request)
    except JsApiError as error:
        if error.code == NO_MESSAGE:
            return None
        raise


async def gaps_of(js: JetStream, stream: str) -> list[tuple[int, int]]:
    """First and last of each run of sequences without messages. Raises CliError."""
    answer = await js.request(f"STREAM.INFO.{stream}", {"deleted_details": True})
    return runs(answer["state"].get("deleted") or [])


def runs(sequences: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as runs without holes."""
    found: list[tuple[int, int]] = []
    for number in sorted(sequences):
        if found and found[-1][1] + 1 == number:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
