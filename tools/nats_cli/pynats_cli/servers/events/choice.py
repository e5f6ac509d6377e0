"""Which subjects a user wants to hear, and what is said about each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pynats_cli.errors import CliError


@dataclass(frozen=True)
class Source:
    """A subject, and what comes on it."""

    subject: str
    what: str

    @property
    def announcement(self) -> str:
        return f"Listening for {self.what} on {self.subject}"


SERVER_SOURCES = (
    Source("$SYS.ACCOUNT.*.CONNECT", "Client Connection events"),
    Source("$SYS.ACCOUNT.*.DISCONNECT", "Client Disconnection events"),
    Source("$SYS.SERVER.*.CLIENT.AUTH.ERR", "Authentication Errors events"),
)


def chosen_sources(
    *, advisories: bool, metrics: bool, servers: bool, subjects: list[str], prefix: str
) -> list[Source]:
    """What to listen to. Raises CliError when that is nothing."""
    prefix = prefix.rstrip(".") or "$JS.EVENT"
    sources: list[Source] = []
    if advisories:
        sources.append(Source(f"{prefix}.ADVISORY.>", "Advisories"))
    if metrics:
        sources.append(Source(f"{prefix}.METRIC.>", "Metrics"))
    if servers:
        sources += SERVER_SOURCES
    sources += [Source(subject, "advisories") for subject in subjects]
    if not sources:
        raise CliError("no events were chosen")
    return sources


def event_filter(pattern: str) -> Callable[[str], bool]:
    """Whether an event's text matches, whatever the case. Raises CliError."""
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise CliError(f"invalid body regular expression: {error}") from None
    return lambda text: compiled.search(text) is not None
