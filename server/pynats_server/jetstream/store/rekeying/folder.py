"""A stream's folder under the current key, in the order that lets a crash happen anywhere.

First `meta.key.next` says that a change is under way, then come the blocks and the consumers, then
the stream's own documents; with them the change is over. The whole folder is looked at each time:
what was left behind under an earlier key, by us or by nats-server, is changed as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pynats_server.jetstream.store.consumers.folder import FOLDER
from pynats_server.jetstream.store.consumers.recovery import consumer_names
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.inventory.names import block_numbers
from pynats_server.jetstream.store.rekeying.blocks import NEXT, BlockKeys
from pynats_server.jetstream.store.rekeying.documents import (
    KEY,
    KeyFiles,
    Rewrite,
    is_clear_consumer,
    is_clear_stream,
    look_at,
    of_consumer,
    of_stream,
)
from pynats_server.jetstream.store.rekeying.ring import KeyLost, KeyRing, Random, Unreadable
from pynats_server.work import Work

WRITERS: Final = 8  # threads that change consumers
TOGETHER: Final = 64  # consumers in one step


def refuse_encrypted(folder: Path) -> None:
    """Raises BadKey for the folder of an encrypted stream: there is no key."""
    for name in (KEY, KEY + NEXT):
        if (folder / name).exists():
            raise BadKey(f"{name}: encrypted, but no jetstream.key is configured")


def changing_key(
    folder: Path,
    name: str,
    ring: KeyRing,
    disk: Disk | None = None,
    random: Random = os.urandom,
    on_begin: Callable[[bool], None] = lambda _: None,
) -> Work[bool]:
    """Brings the folder of a stream that nobody serves under the current key, a file or two in each
    step; whether there was something to do. `on_begin` is told before, and whether the stream was
    in the clear. Raises BadKey, and nothing was changed, when no key opens it; OSError, and then
    it goes on from there the next time; Unreadable, too, and nothing was changed, when the stream's
    own documents cannot be read; KeyLost, and all but those was changed, when their key is gone."""
    disk = disk or Disk()
    try:
        files = KeyFiles(folder, name, ring, disk, random)
    except Unreadable:
        return False  # whoever opens the stream says so
    change = _Change(folder, name, ring, disk, random, files, on_begin)
    return (yield from change.run())


@dataclass
class _Change:
    folder: Path
    name: str
    ring: KeyRing
    disk: Disk
    random: Random
    files: KeyFiles
    on_begin: Callable[[bool], None]
    has_begun: bool = False

    def run(self) -> Work[bool]:
        was_clear = self.files.now is None
        try:
            if not self.files.exist and not is_clear_stream(self.folder, self.name, self.disk):
                return False  # a new one, perhaps
        except KeyLost:  # nats-server's, too, when its change of key was interrupted
            yield from self._blocks(was_clear=False)
            yield from self._consumers()
            raise
        rewrite = of_stream(self.folder, self.name)
        if not self.files.are_current:
            look_at(self.folder, self.disk)
            self._begin(was_clear)
            self.files.begin(rewrite)
        yield from self._blocks(was_clear)
        yield from self._consumers()
        self.files.finish(rewrite)
        return self.has_begun

    def _begin(self, was_clear: bool) -> None:
        if not self.has_begun:
            self.has_begun = True
            self.on_begin(was_clear)

    def _blocks(self, was_clear: bool) -> Work[None]:
        names = self.disk.names(self.folder / "msgs")
        blocks = BlockKeys(self.name, self.folder / "msgs", self.ring, self.disk, self.random)
        halves = {name for name in names if name.endswith(NEXT)}
        for number in block_numbers(names):
            try:
                settled = f"{number}.key{NEXT}" not in halves and blocks.is_settled(number)
                if settled and not was_clear:
                    continue
                if blocks.settle(number):
                    self._begin(was_clear)
            except Unreadable:
                continue  # recovery says so
            yield

    def _consumers(self) -> Work[None]:
        due: list[tuple[KeyFiles, Rewrite]] = []
        try:
            consumers = consumer_names(self.folder)
        except OSError:
            return  # recovery says so
        for consumer in consumers:
            found = self._due(consumer)
            if found is not None:
                self._begin(False)
                due.append(found)
            if len(due) >= TOGETHER:
                self._change_consumers(due)
                due.clear()
                yield
        if due:
            self._change_consumers(due)
            yield

    def _due(self, consumer: str) -> tuple[KeyFiles, Rewrite] | None:
        """What is to be changed of a consumer; None: nothing, or recovery tells why not."""
        home, label = self.folder / FOLDER / consumer, f"{self.name}/{consumer}"
        try:
            files = KeyFiles(home, f"{self.name}.{consumer}", self.ring, self.disk, self.random)
            if files.are_current:
                return None
            look_at(home, self.disk)
            if not files.exist and not is_clear_consumer(home, label, self.disk):
                return None
        except (BadKey, Unreadable):
            return None
        return files, of_consumer(home, label)

    def _change_consumers(self, due: list[tuple[KeyFiles, Rewrite]]) -> None:
        """All of them, side by side: nearly all of the time goes into syncs of small files. A disk
        of a test is asked in order."""
        if not self.disk.native or len(due) == 1:
            for one in due:
                _change_documents(one)
            return
        with ThreadPoolExecutor(WRITERS, "consumer-keys") as writers:
            list(writers.map(_change_documents, due))


def _change_documents(one: tuple[KeyFiles, Rewrite]) -> None:
    files, rewrite = one
    files.begin(rewrite)
    files.finish(rewrite)
