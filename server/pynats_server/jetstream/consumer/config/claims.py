"""Which subjects of a work queue its consumers have shared out among them.

No message of a work queue may be wanted by two consumers, so each new one is compared with all
others: in about as many steps as the new one has filters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.subjects.collisions import PatternIndex
from pynats_server.work import Work, finish

FILTERS: Final = 64  # added before a rest: 0.2 ms
_ALL: Final = [">"]


class FilterClaims:
    """The filters of one stream's consumers. What reads for mirrors and sources claims nothing."""

    def __init__(self) -> None:
        self._index = PatternIndex()

    def add(self, config: ConsumerConfig) -> None:
        """Notes what a consumer wants."""
        finish(self.adding(config))

    def adding(self, config: ConsumerConfig) -> Work[None]:
        """`add` in slices: before it has ended, too little may be claimed."""
        return self._change(self._index.add, config)

    def discard(self, config: ConsumerConfig) -> None:
        """Forgets it; `config` is what was added."""
        finish(self.discarding(config))

    def discarding(self, config: ConsumerConfig) -> Work[None]:
        """`discard` in slices: before it has ended, too much may be claimed."""
        return self._change(self._index.discard, config)

    def _change(
        self, change: Callable[[list[str], str], None], config: ConsumerConfig
    ) -> Work[None]:
        filters = (config.filters or _ALL) if config.is_counted else []
        for at in range(0, len(filters), FILTERS):
            if at:
                yield
            change(filters[at : at + FILTERS], config.name)

    def claimed(self, filters: list[bytes], name: str) -> Work[bool]:
        """Whether a consumer of another name wants some of these subjects."""
        return self._index.overlaps(filters, name)
