"""A stream's folder with blocks, gaps, an index and a consumer, and what is in it under a key."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import (
    FOLDER,
    KNOWN,
    PREVIOUS,
    STATE,
    StoredConsumer,
    create_consumer,
)
from pynats_server.jetstream.store.consumers.recovery import Extent, recover_consumers
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.meta import read_meta
from pynats_server.jetstream.store.format.consumer_file import decode_known
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.crypt import CipherName, Keys
from pynats_server.jetstream.store.format.meta_inf import name_key
from pynats_server.jetstream.store.rekeying.ring import KeyRing, key_ring

NAME, CONSUMER = "T", "dur"
META = {"name": NAME, "subjects": ["t.>"]}
MARKS = (b"value", b'"name"', b'"subjects"')  # in files that are in the clear
BLOCK = 600


@dataclass(frozen=True)
class Form:
    """How a folder is kept; no key: in the clear."""

    key: str = ""
    cipher: CipherName = "aes"

    @property
    def keys(self) -> Keys | None:
        return Keys(self.key, "$G", self.cipher) if self.key else None

    def ring(self, prev: str = "") -> KeyRing:
        found = key_ring(self.key, prev, "$G", self.cipher)
        assert found is not None
        return found

    def config(self, folder: Path) -> FileConfig:
        return FileConfig(NAME, folder, block_size=BLOCK, compress=True, keys=self.keys)


def fill(folder: Path, form: Form) -> list[tuple[int, bytes, bytes]]:
    """Makes the folder; what is in it."""
    config = form.config(folder)
    store = FileStore(config)
    for i in range(40):
        store.append(b"t.%d" % (i % 3), None, b"value %d" % i, i)
    store.remove(9)
    store.flush()
    store.write_meta(META)
    store.close()
    about = {"durable_name": CONSUMER, "ack_policy": "explicit", "name": CONSUMER}
    made = StoredConsumer(CONSUMER, about, ConsumerState((3, 3), (5, 5), {4: (4, 7), 5: (5, 7)}))
    files = create_consumer(config, made, 1, 40, folder / "built", 0.0)
    for floor in (4, 5):  # o.prev is written, too
        state = ConsumerState((floor, floor), (floor, floor))
        files.write(files.seal(encode_consumer_state(state, 1), 40), floor, 1000.0 * floor, True)
    assert (folder / FOLDER / CONSUMER / PREVIOUS).exists()
    return contents(folder, form)


def contents(folder: Path, form: Form) -> list[tuple[int, bytes, bytes]]:
    """All messages; also asserts that nothing is wrong with the folder, its consumer included."""
    config = form.config(folder)
    assert read_meta(config) == META
    store = FileStore(config)
    assert store.problems == []
    found = [(seq, (m := store.load(seq)).subject, m.payload) for seq, _ in store.oldest()]
    recovery = recover_consumers(config, Extent(store.last_seq, lambda _: 1), 10**18)
    store.close()
    assert recovery.broken == {}
    [consumer] = recovery.consumers
    assert consumer.problems == []
    assert consumer.config["durable_name"] == CONSUMER
    assert consumer.state.ack_floor == (5, 5)
    return found


def unsettled(folder: Path, form: Form) -> list[str]:
    """Files that are in the clear or do not open with the form's key."""
    keys = form.keys
    assert keys is not None
    wrong = [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(mark in path.read_bytes() for mark in MARKS)
    ]
    wrong += [str(path.relative_to(folder)) for path in folder.rglob("*.next")]
    home = folder / FOLDER / CONSUMER
    contexts = {folder / "meta.key": NAME, home / "meta.key": f"{NAME}.{CONSUMER}"}
    for path in (folder / "msgs").glob("*.blk"):
        contexts[path.with_suffix(".key")] = f"{NAME}:{path.stem}"
    seeds = {path: keys.recover(context, path.read_bytes()) for path, context in contexts.items()}
    own, consumers = (keys.seed_sealer(seeds[at / "meta.key"]) for at in (folder, home))
    own.open((folder / "meta.inf").read_bytes())
    own.open((folder / "msgs" / "index.db").read_bytes()[:-8])
    for name in ("meta.inf", STATE, PREVIOUS):
        consumers.open((home / name).read_bytes())
    known = decode_known((home / KNOWN).read_bytes(), name_key(f"{NAME}/{CONSUMER}"))
    assert known is not None
    assert known.sealed_key == (home / "meta.key").read_bytes()
    consumers.open(known.meta)
    return sorted(wrong)


def digest(folder: Path) -> dict[str, bytes]:
    """Every file with its content, and every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def copied(source: Path, target: Path) -> Path:
    """A copy in the place of an earlier one."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target
