"""A bucket of any kind: a stream whose name begins with the kind's prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class StreamBucket:
    """A bucket as its stream's information says."""

    prefix: ClassVar[str]

    name: str
    info: dict[str, Any]

    @property
    def stream(self) -> str:
        """Name of the stream behind it."""
        return self.prefix + self.name

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.info["config"]
        return config

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.info["state"]
        return state
