"""What is known of a deployment, wherever it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Grant:
    """A list of subjects that somebody may, or must not, use."""

    place: str
    who: str
    verb: str  # publish or subscribe
    subjects: tuple[str, ...]
    denies: bool = False


@dataclass(frozen=True)
class Share:
    """A subject of an export, import or mapping."""

    place: str
    what: str
    subject: str


@dataclass(frozen=True)
class Setting:
    """A value of a configuration that a rule asks for."""

    place: str
    path: str
    value: Any


@dataclass
class Source:
    """One file, or the running server; rules look at each by itself."""

    name: str
    grants: list[Grant] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)  # (place, what a JWT has wrong)

    def setting(self, *paths: str) -> Setting | None:
        return next((each for each in self.settings if each.path in paths), None)


@dataclass
class Live:
    """A running server, and the streams of one account."""

    name: str
    version: str = ""
    clustered: bool = False
    account_max_consumers: int = -1
    streams: Sequence[dict[str, Any]] = ()


@dataclass
class Facts:
    sources: list[Source] = field(default_factory=list)
    live: Live | None = None

    def setting(self, *paths: str) -> Setting | None:
        """The first of any configuration."""
        found = (source.setting(*paths) for source in self.sources)
        return next((each for each in found if each is not None), None)
