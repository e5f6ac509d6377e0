"""Which subjects of a work queue its consumers have shared out among them.

No message of a work queue may be wanted by two consumers, so each new one is compared with all
others: in about as many steps as the new one has filters.
"""

from __future__ import annotations

from typing import Final

from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.subjects.collisions import PatternIndex
from pynats_server.work import Work

_ALL: Final = [">"]


class FilterClaims:
    """The filters of one stream's consumers. What reads for mirrors and sources claims nothing."""

    def __init__(self) -> None:
        self._index = PatternIndex()

    def add(self, config: ConsumerConfig) -> None:
        """Notes what a consumer wants."""
        if config.is_counted:
            self._index.add(config.filters or _ALL, config.name)

    def discard(self, config: ConsumerConfig) -> None:
        """Forgets it; `config` is what was added."""
        if config.is_counted:
            self._index.discard(config.filters or _ALL, config.name)

    def claimed(self, filters: list[bytes], name: str) -> Work[bool]:
        """Whether a consumer of another name wants some of these subjects."""
        return self._index.overlaps(filters, name)
