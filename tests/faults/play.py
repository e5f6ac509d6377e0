"""A store on a failing disk at work, and what the model knows of it at each moment.

`states` are the model's, one after each operation; up to `durable` they were acknowledged, and up
to `flushed` they are known to be written; `asked` was the last for which that was asked. An
operation refused for want of space leaves no state.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import (
    FileConfig,
    StoreError,
    StoreFailed,
    StoreFull,
)
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.errors import StoreClosed
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer
from pynats_server.jetstream.store.format.crypt import Keys
from pynats_server.jetstream.store.rekeying.folder import changing_key
from pynats_server.jetstream.store.rekeying.ring import KeyRing
from pynats_server.jetstream.stream.apply import Replica
from pynats_server.jetstream.stream.copying.places import find_places
from pynats_server.jetstream.stream.operations import Configure
from pynats_server.work import Work, finish

from tests.faults.model import State
from tests.faults.verdict import (
    Finding,
    Found,
    Verdict,
    differences,
    look,
    same,
)
from tests.faults.work import APPENDS, SOURCE_KEYS, Drawing, Limits, Op, configuration
from tests.support.faultdisk import FailingCrashDisk
from tests.support.steploop import StepLoop, StepSyncer

SPARSE = 150  # bytes
CAREFUL = os.environ.get("PYNATS_FAULTS_CAREFUL") == "1"  # looks at the store after each operation


class SmallStore(FileStore):
    """Compacts small blocks, too."""

    def is_sparse(self, block: Block) -> bool:
        used = block.buffered - block.kept
        return used > SPARSE and block.nbytes * 2 < used


@dataclass(frozen=True)
class Setting:
    """How the store is used: the form on disk, and whether it has a loop and work in the
    background, or does everything at once."""

    form: str  # plain, s2, aes, chacha-s2, …
    stepped: bool
    limits: Limits = (0, 0, 0)
    block_size: int = 500
    name: str = "S"

    def keys(self, key: str = "k") -> Keys | None:
        cipher: Any = self.form.split("-")[0]
        return Keys(key, "$G", cipher) if cipher in ("aes", "chacha") else None

    def config(self, folder: Path) -> FileConfig:
        return FileConfig(
            self.name,
            folder,
            block_size=self.block_size,
            compress="s2" in self.form,
            keys=self.keys(),
            cache_bytes=1500,
            kept_bytes=800,
        )


class Stop(Exception):
    """Something was found; what follows would only repeat it."""


class Play:
    """One store from its first start to its last."""

    def __init__(
        self, setting: Setting, seed: object, root: Path, skip: frozenset[int] = frozenset()
    ) -> None:
        self.setting = setting
        self.chance = random.Random(repr(seed))
        self.disk = FailingCrashDisk(root, in_order=True)
        self.config = setting.config(root)
        self.draw = Drawing(self.chance, setting.limits)
        self.states = [State({}, 0)]
        self.steps: list[Op | None] = [None]  # which made each state
        self.durable = self.flushed = self.asked = 0
        self.refused: set[bytes] = set()  # payloads
        self.owed: set[bytes] = set()  # of messages that are to go
        self.erased: list[tuple[int, bytes]] = []  # (state, payload)
        self.limits = setting.limits
        self.ring: KeyRing | None = None
        self.findings: list[Finding] = []
        self.log: list[str] = []
        self.skip = skip  # operations that are left out, by their number
        self.number = 0
        self.broken = False  # the store has failed: what is not acknowledged is unknown
        self.unsure = False  # something refused may still be on the medium until the next commit
        self.full = False  # a commit said so
        self._undone = False
        self._slack = False
        self.store: SmallStore
        self.replica: Replica
        self.open()

    # -- the store ---------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self.states[-1]

    def convert(self, folder: Path, disk: Disk) -> None:
        """Brings a folder under the current key, as a start does."""
        if self.ring is not None:
            finish(changing_key(folder, "S", self.ring, disk, self.chance.randbytes))

    def open(self) -> None:
        """Starts it. Raises what a start raises."""
        self.convert(self.config.folder, self.disk)
        self.loop = StepLoop() if self.setting.stepped else None
        self.syncer = StepSyncer(self.loop) if self.loop is not None else Syncer()
        self.jobs: list[Work[None]] = []
        self.store = SmallStore(self.config, self.syncer, self.disk, self.chance.randbytes)
        if self.loop is not None:
            self.store.background = self.jobs.append
        self.replica = Replica(self.store, Usage(-1), "S", self._over_limit)
        self.store.on_undo = self._undo
        self.replica.apply(Configure(configuration(self.limits), self.draw.now))
        finish(find_places(self.store, SOURCE_KEYS))
        self.broken = False

    def _undo(self, last_seq: int) -> None:
        self.replica.undone(last_seq)
        self._undone = True

    def _over_limit(self, error: StoreError) -> None:
        self._slack = True

    def kill(self) -> None:
        """The process ends; the files are as they are."""
        self.disk.fault = None
        self.jobs = []
        self.disk.kill()

    def close(self) -> None:
        """A clean end. Raises StoreError."""
        try:
            self.store.close()
        finally:
            self.disk.kill()

    # -- what the model says ------------------------------------------------------------------

    def find(self, code: str, text: str) -> None:
        self.findings.append(Finding(code, text))
        raise Stop(code)

    def push(self, state: State, op: Op | None) -> None:
        self.states.append(state)
        self.steps.append(op)

    def rebase(self, at: int) -> None:
        """The states after this one have not happened."""
        for op in self.steps[at + 1 :]:
            if op is not None:
                self.refused.update(op.added)
        del self.states[at + 1 :], self.steps[at + 1 :]
        self.erased = [(when, payload) for when, payload in self.erased if when <= at]
        self.unsure = True
        self.flushed, self.asked = min(self.flushed, at), min(self.asked, at)

    def look(self) -> Found:
        """What the store serves, consistent in itself."""
        self.disk.resting = True
        try:
            found, wrong = look(self.store)
        finally:
            self.disk.resting = False
        if wrong:
            self.find("counters", f"{wrong} after {self.told()}")
        return self.without_owed(found)

    def without_owed(self, found: Found) -> Found:
        """But for what is to go when it can be read again."""
        messages = {s: kept for s, kept in found.messages.items() if kept[3] not in self.owed}
        return Found(messages, found.last, found.places)

    def told(self) -> str:
        return "; ".join(self.log[-6:])

    def settle_on(self, candidates: list[tuple[int, State | None]], code: str) -> None:
        """Memory must be one of these states: (index, None), or (index, state made on top)."""
        found = self.look()
        for at, made in candidates:
            if same(found, made if made is not None else self.states[at]):
                self.rebase(at)
                if made is not None:
                    self.push(made, self._op)
                return
        best = self.states[candidates[0][0]]
        self.find(code, f"{differences(found, best)} after {self.told()}")

    _op: Op | None = None

    # -- operations ---------------------------------------------------------------------------

    def perform(self, op: Op) -> bool:
        """Whether it was carried out."""
        assert op.operation is not None
        self.number += 1
        if self.number in self.skip:
            return False
        before, self._op = self.state, op
        self._undone = self._slack = False
        now = len(self.states) - 1
        try:
            self.replica.apply(op.operation)
        except StoreFull:
            self.note(op, "full")
            self.refused.update(op.added)
            self.settle_on(self._downs(now) + self.parts_of(op, now), "memory")
            return False
        except (StoreFailed, StoreClosed) as error:
            self.note(op, "failed")
            self.fails(error)
            self.push(op.after(before), op)
            return False
        except StoreError as error:
            self.note(op, f"error {error}")
            if not self.disk.hits:
                self.find("error", f"{error!r} without a fault after {self.told()}")
            self.settle_on([(now, None), *self.parts_of(op, now)], "memory")
            return False
        self.note(op, "done")
        if self.store._unfinished:  # what could not be read goes as soon as it can be
            self.wait(2.0)
            if self.store._unfinished:
                raise Stop("a purge waits for a file that cannot be read")
        after = op.after(before)
        if self._undone:
            ups = [(at, op.after(self.states[at])) for at in range(now, self.flushed - 1, -1)]
            self.settle_on([*ups], "memory")
        else:
            if self._slack or (self.disk.hits and self._armed.kind == "read"):
                self.owe(before, after)
            self.push(after, op)
        if CAREFUL:
            self.check()
        if op.erased:
            self.erased.append((len(self.states) - 1, op.erased))
        return True

    def _downs(self, last: int) -> list[tuple[int, State | None]]:
        """This state, and those before it that it may be taken back to."""
        return [(at, None) for at in range(last, self.flushed - 1, -1)]

    def parts_of(self, op: Op, now: int) -> list[tuple[int, State | None]]:
        """What a part of an operation leaves, which may end in the middle."""
        if not op.quiet:
            return []
        before, after = self.states[now], op.after(self.states[now])
        gone = sorted(before.messages.keys() - after.messages.keys())
        return [(now, before.without(gone[:count])) for count in range(1, len(gone))]

    def owe(self, before: State, after: State) -> None:
        """What an operation removes that cannot be read now goes later, and at the latest when the
        store is opened again."""
        there = self.look().messages.keys() - after.messages.keys()
        self.owed.update(m.payload for s, m in before.messages.items() if s in there)

    def fails(self, error: Exception | None) -> None:
        fault_full = self.disk.hits and self.last_fault is not None and self.last_fault.full
        if self.store.failed is None:
            self.find("failed", f"{error!r} of a sound store after {self.told()}")
        if not self.disk.hits:
            self.find("failed", f"{error!r} without a fault after {self.told()}")
        if fault_full and self.last_fault.kind not in ("sync", "sync_folder"):
            self.find("stuck", f"{self.store.failed!r} of a full disk after {self.told()}")
        self.broken = True

    @property
    def last_fault(self) -> Any:
        return self._armed

    _armed: Any = None

    def arm(self, fault: Any) -> None:
        self._armed = fault
        self.disk.fault = fault

    def note(self, op: Op, outcome: str) -> None:
        self.log.append(f"{op.text} -> {outcome}")

    def commit(self) -> None:
        """Asks for an acknowledgement of all until now; it may come later."""
        now, last = len(self.states) - 1, self.store.last_seq
        self._undone = self.full = False

        def done(error: StoreError | None) -> None:
            if error is None:
                self.replica.kept(last)
                self.durable = max(self.durable, now)
                if now == len(self.states) - 1:
                    self.unsure = False
            elif isinstance(error, StoreFull):
                self.full = True
            else:
                self.fails(error)

        self.store.commit(done)
        if self.full:
            self.log.append("commit -> full")
            op = self._op
            if op is not None and op.quiet:
                # Nobody waits for that: it stays, and is written when there is room.
                downs = self._downs(now)
                for at in range(now, self.flushed - 1, -1):
                    downs += [(at, op.after(self.states[at])), *self.parts_of(op, at)]
                self.settle_on(downs, "memory")
            elif now > self.asked:
                found = self.look()
                if same(found, self.state) and not same_state(self, now):
                    self.find("refused", f"done all the same after {self.told()}")
                self.settle_on(self._downs(now - 1), "memory")
            else:
                self.settle_on(self._downs(now), "memory")
        elif not self.broken:
            self.flushed = now
            self.log.append("commit")
        self.asked = len(self.states) - 1
        self._op = None

    def turn(self) -> None:
        """Lets a bit of what waits happen: passes of the loop, threads, background, time."""
        if self.loop is None:
            return
        for _ in range(self.chance.randrange(4)):
            kind = self.chance.randrange(8)
            if kind < 3:
                self._watched(self.loop.turn)
            elif kind < 6:
                self._watched(self.syncer.step)
            elif kind == 6 and self.jobs:
                self._watched(self._job)
            elif kind == 7 and self.chance.random() < 0.2:
                self._watched(lambda: self.loop.sleep(self.chance.choice((0.5, 1.5, 160.0))))

    def _job(self) -> None:
        job = self.chance.choice(self.jobs)
        try:
            next(job)
        except StopIteration:
            self.jobs.remove(job)
        except StoreError as error:
            self.jobs.remove(job)
            if not self.disk.hits:
                self.find("error", f"{error!r} without a fault in the background")

    def _watched(self, work: Callable[[], object]) -> None:
        self._undone = False
        try:
            work()
        except StoreError as error:
            if not self.disk.hits:
                self.find("error", f"{error!r} without a fault in the loop")
        if self.store.failed is not None:
            self.fails(self.store.failed)
        elif self._undone:
            self.log.append("undone in the loop")
            self.settle_on(self._downs(len(self.states) - 1), "memory")

    def wait(self, seconds: float) -> None:
        """Lets everything happen that waits for this time at most."""
        self.settle()
        if self.loop is not None:
            self._watched(lambda: self.loop.sleep(seconds))
            self.settle()
        else:
            self._watched(self.store._on_again_timer)

    def settle(self) -> None:
        """Lets everything that waits happen."""
        if self.loop is None:
            return
        for _ in range(400):
            moved = False
            self._watched(self.loop.turn)
            while self.syncer.step():
                moved = True
                if self.store.failed is not None:
                    self.fails(self.store.failed)
            if self.jobs:
                self._watched(self._job)
                moved = True
            if not moved and not self.store.dirty:
                return

    # -- turns --------------------------------------------------------------------------------

    def play(self, draws: list[Callable[[State], Op]], turns: int) -> None:
        """Turns of the loop with operations of these kinds: appends, then at most one removal."""
        for _ in range(turns):
            if self.broken:
                return
            for _ in range(self.chance.choice((1, 1, 1, 2, 4))):
                op = self.chance.choice(draws)(self.state)
                self.perform(op)
                if self.broken or op.kind != APPENDS:
                    break
            if self.broken:
                return
            fate = self.chance.random()
            if fate < 0.75 or self.loop is not None or op.kind != APPENDS:
                self.commit()
            self.turn()

    def check(self) -> None:
        """Memory is what the model says, as long as the store is sound."""
        if self.broken:
            return
        found = self.look()
        if not same(found, self.state):
            self.find("memory", f"{differences(found, self.state)} after {self.told()}")


def same_state(play: Play, at: int) -> bool:
    """Whether nothing has changed since something before it that may be what is left."""
    return any(play.states[i] == play.states[at] for i in range(play.flushed, at))


__all__ = ["Play", "Setting", "SmallStore", "Stop", "Verdict"]
