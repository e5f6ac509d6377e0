"""The files of one stream: where they are, how they are opened, what is kept of damaged ones.

`msgs/<n>.blk` hold the records, `<n>.key` a block's sealed seed, `index.db` the state that saves
a scan at the next start; `sources.db` beside `msgs/` says how far sources have come. Nothing is
deleted on doubt: bytes that cannot be read are copied to `quarantine/` beside `msgs/` before
anything is cut off.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.format.blockfile import is_packed, unpack_block
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.format.index_db import FullState, decode_index
from pynats_server.jetstream.store.format.meta_inf import name_key
from pynats_server.jetstream.store.format.sources_db import SavedPlaces, decode_sources
from pynats_server.jetstream.store.inventory.losses import (
    LOST,
    BadLosses,
    Losses,
    read_losses,
    write_losses,
)
from pynats_server.jetstream.store.inventory.names import (
    block_numbers,
    is_stray,
    key_number,
    unfinished,
)
from pynats_server.jetstream.store.inventory.unavailable import reason_of

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Keys, Sealer

SOURCES = "sources.db"
STRAYS_NAMED = 10


class StreamFolder:
    """A stream's files on a disk, and what was found wrong with them."""

    def __init__(
        self,
        config: FileConfig,
        disk: Disk,
        random: Callable[[int], bytes],
        on_problem: Callable[[str], None] | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self.disk = disk
        self.random = random
        self.messages = config.folder / "msgs"
        self.hash_key = name_key(config.name)
        self.sealer: Sealer | None = None
        self.problems: list[str] = []
        self.held = config.held  # why nothing may be written; see `hold`
        self.sure_of_key = not config.held  # a block that it does not open is damaged
        self.reasons: list[str] = []  # of all holds
        self.damage: dict[int, int] = {}  # bytes without an intact record, by block
        self._keyless: set[int] = set()  # blocks whose key could not be read
        self.damaged: set[Path] = set()  # blocks with bytes that hold no intact record
        self._on_problem = on_problem
        self._on_remark = on_remark

    def problem(self, text: str) -> None:
        """Report something an operator must know."""
        self.problems.append(text)
        if self._on_problem is not None:
            self._on_problem(text)

    def hold(self, reason: str) -> None:
        """Change nothing in the folder until the next start: something could not be read."""
        self.held = self.held or reason
        self.reasons.append(reason)

    def remark(self, text: str) -> None:
        """Tell of something odd that takes nothing away."""
        if self._on_remark is not None:
            self._on_remark(text)

    def open_stream_key(self) -> None:
        """Find or make the seed that seals the stream's metadata."""
        path = self.config.folder / "meta.key"
        keys = self.config.keys
        try:
            sealed = self.disk.read(path)
        except FileNotFoundError:
            if keys is None or self.held:
                return
            sealed, _ = keys.create(self.config.name, self.random)
            self.disk.replace(path, sealed)
        except OSError as error:
            self.hold(reason_of(path.name, error))
            return
        if keys is None:
            raise BadKey("meta.key: encrypted, but no jetstream.key is configured")
        try:
            self.sealer = keys.seed_sealer(keys.recover(self.config.name, sealed))
        except BadKey as error:
            if not self.held:
                raise
            self.hold(f"{path.name}: {error}")  # the blocks have keys of their own

    # The index.

    def read_index(self) -> FullState | None:
        """The saved state, or None when there is none or it is damaged (then reported)."""
        try:
            data = self.disk.read(self.messages / "index.db")
        except FileNotFoundError:
            return None
        except OSError as error:
            self.hold(reason_of("msgs/index.db", error))
            return None
        try:
            if len(data) < 32 or digest64(self.hash_key, memoryview(data)[:-8]) != data[-8:]:
                raise ValueError("checksum does not match")
            body: bytes | memoryview = memoryview(data)[:-8]
            if self.sealer is not None:
                with contextlib.suppress(BadKey):  # restored archives carry it in the clear
                    body = self.sealer.open(data[:-8])
            return decode_index(body)
        except ValueError as error:
            if self.held and self.config.keys is not None and self.sealer is None:
                return None  # nobody could open it
            self.problem(f"index.db is unusable ({error}); rebuilding from the blocks")
            return None

    def holds_index(self, parts: list[bytes]) -> bool:
        """Whether the saved state is this one, given in parts."""
        body = b"".join(parts)
        try:
            data = self.disk.read(self.messages / "index.db")
            if data[-8:] != digest64(self.hash_key, data[:-8]):
                return False
            return (self.sealer.open(data[:-8]) if self.sealer is not None else data[:-8]) == body
        except (OSError, ValueError, BadKey):
            return False

    def write_index(self, body: bytes) -> None:
        """Save an encoded state."""
        if self.sealer is not None:
            body = self.sealer.seal(body, self.random(self.sealer.nonce_size))
        self.disk.replace(self.messages / "index.db", body + digest64(self.hash_key, body))
        # nats-server's queues of TTLs and schedules; it makes them anew from the messages.
        for name in ("thw.db", "sched.db"):
            self.disk.remove(self.messages / name)

    # The sources.

    def read_sources(self) -> SavedPlaces | None:
        """sources.db, or None when there is none or it is damaged (then reported)."""
        try:
            return decode_sources(self.disk.read(self.config.folder / SOURCES), self.hash_key)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.hold(reason_of(SOURCES, error))
            return None
        except ValueError as error:
            self.problem(
                f"{SOURCES} is unusable ({error}); how far the sources have come is looked for in "
                "the messages"
            )
            return None

    def write_sources(self, data: bytes) -> None:
        """Save sources.db, in the clear also beside encrypted messages, as nats-server does."""
        self.disk.replace(self.config.folder / SOURCES, data)

    # The losses.

    def read_losses(self) -> Losses:
        """lost.db, or no losses when there is none or it is damaged (then reported)."""
        try:
            return read_losses(self.config.folder, self.disk)
        except BadLosses as error:
            self.problem(f"{LOST} is unusable ({error}); losses of before are not known any more")
            with contextlib.suppress(OSError):
                self.quarantine(LOST, self.disk.read(self.config.folder / LOST))
            return Losses()
        except OSError as error:
            self.hold(reason_of(LOST, error))
            return Losses()

    def write_losses(self, data: bytes) -> None:
        """Save lost.db."""
        write_losses(self.config.folder, data, self.disk)

    def digest(self, number: int) -> str:
        """Tells the contents of a block's file apart; empty when there is none."""
        try:
            data = self.disk.read(self.messages / f"{number}.blk")
        except FileNotFoundError:
            return ""
        except OSError:
            return "unreadable"
        return hashlib.sha256(data).hexdigest()[:16]

    # Blocks.

    def block_indexes(self) -> list[int]:
        """Numbers of the block files, ascending. Raises BadKey if one is encrypted and there is no
        key: a change of key was interrupted, and nothing may be written meanwhile."""
        names = self.disk.names(self.messages)
        found = block_numbers(names)
        if self.config.keys is None:
            for number in set(found).intersection(map(key_number, names)):
                raise BadKey(f"msgs/{number}.key: encrypted, but no jetstream.key is configured")
        return found

    def make_messages(self) -> None:
        """Have the folder of the messages. A stream that has been described had one."""
        names = self.disk.names(self.config.folder)
        if "msgs" not in names and "meta.inf" in names:
            self.problem("msgs/ is missing")
        self.disk.make_folder(self.messages)

    def remove_unfinished(self, names: list[str]) -> None:
        """Remove what was to replace a block: it may have the bytes of what was erased since."""
        for name in unfinished(names):
            self.disk.remove(self.messages / name)

    def tell_strays(self, names: list[str]) -> None:
        """Name the files that look like a block's and are none. They are never touched."""
        strays = [name for name in names if is_stray(name)]
        if strays:
            named = ", ".join(repr(name) for name in strays[:STRAYS_NAMED])
            more = ", ..." if len(strays) > STRAYS_NAMED else ""
            self.remark(f"msgs/ has {len(strays)} stray files, which are not read: {named}{more}")

    def path_of(self, block: Block) -> Path:
        """The block's file."""
        return self.messages / f"{block.index}.blk"

    def key_path(self, index: int) -> Path:
        """The file of a block's sealed seed."""
        return self.messages / f"{index}.key"

    def context(self, index: int) -> str:
        """What a block's seed is sealed for."""
        return f"{self.config.name}:{index}"

    def make_block(self, index: int, first_seq: int) -> Block:
        """The object of a block on disk, with its cipher; BadKey when its key does not open."""
        block = Block(index, first_seq, self.config.name)
        keys = self.config.keys
        if keys is not None:
            try:
                self._find_cipher(block, keys)
            except OSError:
                self._keyless.add(index)  # whoever wants to read the block tries again
        return block

    def _find_cipher(self, block: Block, keys: Keys) -> None:
        try:
            sealed = self.disk.read(self.key_path(block.index))
        except FileNotFoundError:
            return  # from before encryption was turned on
        block.cipher = keys.block_cipher(sealed, keys.recover(self.context(block.index), sealed))

    def read_block(self, block: Block) -> bytes:
        """The block's records from its file, outer layers removed."""
        plain, damaged = self.unpack_file(block)
        if damaged:
            self.report_packed(block, damaged)
        return plain

    def unpack_file(self, block: Block) -> tuple[bytes, bytes]:
        """(records of the block's file, the file's content when it is damaged in its compressed
        form). Reports no damage, so any thread may call it."""
        keys = self.config.keys
        if block.index in self._keyless and keys is not None:
            self._find_cipher(block, keys)
            self._keyless.discard(block.index)
        data = self.disk.read(self.path_of(block))
        plain, whole = unpack_block(data, block.cipher)
        block.sealed = is_packed(data, block.cipher)
        return plain, b"" if whole else data

    def report_packed(self, block: Block, data: bytes) -> None:
        """Report a file that is damaged in its compressed form."""
        self.quarantine(self.path_of(block).name, data)
        self.problem(f"block {block.index} is damaged in its compressed form")

    def quarantine(self, name: str, data: bytes) -> None:
        """Keep a copy of doubtful bytes where no recovery will touch them. Where that is not
        possible, they have to stay where they are."""
        if self.held:
            return
        try:
            self.keep(name, data)
        except OSError as error:
            self.hold(f"damaged bytes of {name} cannot be put into quarantine ({error})")

    def keep(self, name: str, data: bytes) -> None:
        """Put a copy into the quarantine. Raises OSError."""
        folder = self.config.folder / "quarantine"
        self.disk.make_folder(folder)
        path = folder / f"{name}.{hashlib.sha256(data).hexdigest()[:16]}"
        if path.name not in self.disk.names(folder):
            self.disk.replace(path, data)

    def cut(self, block: Block, size: int) -> None:
        """Drop a block's torn end (already in quarantine) so that it can be appended to."""
        if not self.held:
            handle = self.disk.open(self.path_of(block))
            try:
                self.disk.truncate(handle, size)
                self.disk.sync(handle)
            finally:
                self.disk.close(handle)
        block.cut(size)

    def overwrite(self, block: Block, data: bytes, offset: int) -> None:
        """Write over a part of a block's file, durably."""
        handle = self.disk.open(self.path_of(block))
        try:
            self.disk.write(handle, data, offset)
            self.disk.sync(handle)
        finally:
            self.disk.close(handle)

    def delete(self, names: list[Path]) -> None:
        """Remove files of the messages' folder, durably."""
        for path in names:
            if path.with_suffix(".blk") in self.damaged:  # a key goes with its block
                self._move_aside(path)
            else:
                self.disk.remove(path)
        self.disk.sync_folder(self.messages)

    def _move_aside(self, path: Path) -> None:
        folder = self.config.folder / "quarantine"
        self.disk.make_folder(folder)
        with contextlib.suppress(FileNotFoundError):
            stamp = hashlib.sha256(self.disk.read(path)).hexdigest()[:16]
            self.disk.rename(path, folder / f"{path.name}.{stamp}")
            self.disk.sync_folder(folder)
