"""Consumers that a stream has although this version runs none: those of the real server's folders
and backups. They are kept as they are and go along with backups.

A stream whose messages stay for its consumers' sake takes no more messages meanwhile: nobody would
know which of them a consumer still has to get.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import StoredConsumer
from pynats_server.jetstream.store.consumers.recovery import consumer_names, read_consumers

NAMED_MAX: Final = 10


class DormantConsumers:
    """The consumers of one stream: in its folder, or kept in memory with it."""

    def __init__(
        self, folder: FileConfig | None = None, in_memory: Iterable[StoredConsumer] = ()
    ) -> None:
        self._folder = folder
        self._in_memory = list(in_memory)
        self.names = [consumer.name for consumer in self._in_memory]
        if folder is not None:
            self.names = consumer_names(folder.folder)

    def __str__(self) -> str:
        more = len(self.names) - NAMED_MAX
        return ", ".join(self.names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")

    def read(self) -> list[StoredConsumer]:
        """All of them. Waits for the disk. Raises OSError or StoreError if one cannot be read."""
        return read_consumers(self._folder) if self._folder is not None else self._in_memory

    def refusal(self, config: StreamConfig) -> str | None:
        """Why a stream of this configuration takes no messages, if so."""
        if not self.names or config.retention == "limits":
            return None
        return f"this version of pynats-server cannot serve its consumers: {self}"
