"""One case of the matrix, from the first start to the last verdict."""

from __future__ import annotations

import random
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from pynats_common.archive import Entry
from pynats_server.jetstream.store import StoreError, StoreFull
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.snapshot import unpack_snapshot, write_snapshot
from pynats_server.jetstream.store.format.archive import restore_messages
from pynats_server.jetstream.store.rekeying.ring import KeyRing
from pynats_server.jetstream.stream.copying.places import find_places
from pynats_server.jetstream.stream.operations import Configure
from pynats_server.work import Work, finish

from tests.faults.erased import erased_left, plain_files
from tests.faults.kinds import CLOSE, POWER, WORKS, Case, Report
from tests.faults.model import State
from tests.faults.play import Play, Setting, SmallStore, Stop
from tests.faults.verdict import Allowed, Finding, Found, differences, look, same
from tests.faults.work import SOURCE_KEYS, Op, configuration
from tests.support.crashdisk import QuickDisk

IMAGES = 2  # of a power cut
STEPS_MAX = 2000  # of work in the background


class Runner:
    """Runs one case in a folder of its own."""

    def __init__(
        self, case: Case, root: Path, skip: frozenset[int] = frozenset(), name: str = "S"
    ) -> None:
        self.case = case
        self.kind = WORKS[case.work]
        self.root = root
        form, kind = case.form.split(">")[0], self.kind
        setting = Setting(form, case.stepped, kind.limits, kind.block_size, name)
        about = case.work, case.form, case.stepped, case.seed
        self.play = Play(setting, about, root / name, skip)
        self.report = Report(case)

    def run(self) -> Report:
        play = self.play
        try:
            self._guarded(self._run)
        finally:
            play.kill()
        self.report.findings = play.findings
        self.report.hits = play.disk.hits
        self.report.log = play.log
        self.report.operations = play.number
        return self.report

    def _guarded(self, work: Callable[[], None]) -> None:
        """Ends with the first finding."""
        play = self.play
        try:
            work()
        except Stop:
            pass
        except Exception as error:  # nothing may raise anything else
            at = traceback.extract_tb(error.__traceback__)[-3:]
            where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(at))
            play.findings.append(Finding("error", f"{error!r} at {where} after {play.told()}"))

    def leave(self, meta: dict[str, Any]) -> None:
        """Plays up to the end of the process, and leaves its folder to somebody else, with this
        configuration."""
        play = self.play
        play.store.write_meta(meta)
        self._guarded(self._until_end)
        play.kill()

    def _run(self) -> None:
        self._until_end()
        self._end()

    def _until_end(self) -> None:
        play = self.play
        play.play(self.kind.others(play.draw), 14)
        if self.kind.special:
            play.play([play.draw.publish, play.draw.copy], 6)
        play.commit()
        play.settle()
        play.check()
        play.disk.counts.clear()
        play.arm(self.case.fault)
        play.log.append("-- the disk may fail from here on")
        self._work()
        self._after()
        play.check()

    # -- the work under test ------------------------------------------------------------------

    def _work(self) -> None:
        play, special = self.play, self.kind.special
        if not special:
            play.play(self.kind.draws(play.draw), self.kind.turns)
        elif special == "limits":
            self._lower_limits()
        elif special == "index":
            for _ in range(3):
                play.play([play.draw.publish, play.draw.delete], 2)
                if not play.broken:
                    self._quietly(play.store.save_index)
                    play.settle()
        elif special == "snapshot":
            self._snapshot()
        elif special == "restore":
            self._restore()
        elif special == "close":
            self._reopen(CLOSE)
        elif special == "start after close":
            self._restart(lambda: play.close())
        elif special == "start after kill":
            self._restart(play.kill)
        elif special == "key change":
            play.disk.resting = True
            play.store.write_meta({"name": "S"})
            play.disk.resting = False
            self._restart(play.close, self._change_key)

    def _finish(self, work: Work[None]) -> None:
        for step, _ in enumerate(work):
            if step > STEPS_MAX:
                self.play.find("endless", f"work in the background after {self.play.told()}")

    def _quietly(self, work: Callable[[], object]) -> None:
        """Background work: a failure changes nothing, and is told to nobody."""
        play = self.play
        try:
            work()
        except StoreError as error:
            if not play.disk.hits:
                play.find("error", f"{error!r} without a fault")
        if play.store.failed is not None:
            play.fails(play.store.failed)

    def _lower_limits(self) -> None:
        play = self.play
        for limits in ((20, 0, 0), (0, 0, 3), (0, 1200, 2), (4, 0, 1)):
            if play.broken:
                return
            play.play([play.draw.publish], 2)
            if play.broken:
                return
            play.limits = play.draw.limits = limits
            play.replica.apply(Configure(configuration(limits), play.draw.now))
            before = play.state
            after = before
            for subject in sorted({m.subject for m in before.messages.values()}):
                after = play.draw._limit(after, subject)
            after = play.draw._limit(after, b"")
            op = Op("removes", f"lower limits {limits}", quiet=True)
            try:
                self._finish(play.replica.limiting())
            except StoreError as error:
                play.note(op, repr(error))
            else:
                play.note(op, "done")
            if play.store.failed is not None:
                play.fails(play.store.failed)
                play.push(after, op)
                return
            play.owe(before, after)
            play.push(after, op)
            play.commit()
            play.turn()

    def _snapshot(self) -> None:
        play = self.play
        for number in range(3):
            play.play([play.draw.publish], 2)
            if play.broken:
                return
            try:
                data = b"".join(write_snapshot(play.store, {"name": "S"}))
            except (StoreError, OSError) as error:
                if not play.disk.hits:
                    play.find("error", f"{error!r} without a fault")
                if isinstance(error, StoreFull):
                    play.settle_on(play._downs(len(play.states) - 1), "memory")
                continue
            target = self.root / f"restored{number}"
            for _ in unpack_snapshot(BytesIO(data), "S", target, self.root / "st", 1 << 24):
                pass
            copy = FileStore(FileConfig("S", target), disk=QuickDisk())
            found, wrong = look(copy)
            found.places = play.state.places
            if wrong or copy.problems or not same(found, play.state):
                play.find("mixture", f"a snapshot differs: {wrong} {copy.problems}")
            copy.close()

    def _restore(self) -> None:
        """As a backup is restored: unpacked, and copied message by message into a new store. One
        that fails is given up."""
        play = self.play
        play.disk.resting = True
        data = b"".join(write_snapshot(play.store, {"name": "S"}))
        play.disk.resting = False
        folder, target = self.root / "unpacked", self.root / "S" / "restored"
        for _ in unpack_snapshot(BytesIO(data), "S", folder, self.root / "st", 1 << 24):
            pass
        source = FileStore(FileConfig("S", folder), disk=QuickDisk())
        config = replace(play.config, folder=target)
        try:
            copy = FileStore(config, disk=play.disk)
            for _ in restore_messages(copy, _entries(source)):
                pass
            if source.last_seq > copy.last_seq:
                copy.skip(source.last_seq - copy.last_seq, source.last_ts)
            copy.close()
        except (StoreError, OSError, BadKey) as error:
            play.log.append(f"restore -> {error!r}")
            if not play.disk.hits:
                play.find("error", f"{error!r} without a fault")
        else:
            back = FileStore(config, disk=QuickDisk())
            found, wrong = look(back)
            found.places = play.state.places
            if wrong or back.problems or not same(found, play.state):
                text = f"{differences(found, play.state)} {wrong} {back.problems}"
                play.find("mixture", f"a restored stream differs: {text}")
            back.close()
        source.close()
        shutil.rmtree(target, ignore_errors=True)
        play.disk.forget(target)

    def _change_key(self) -> None:
        play = self.play
        _, _, other = self.case.form.partition(">")
        old = play.config.keys
        play.setting = replace(play.setting, form=other or play.setting.form)
        new = play.setting.keys("other")
        assert new is not None
        play.config = replace(play.setting.config(play.config.folder), keys=new)
        play.ring = KeyRing(new, (old,) if old is not None else ())

    def _restart(self, end: Callable[[], None], change: Callable[[], None] | None = None) -> None:
        """A start with the fault, and if it fails another without."""
        play = self.play
        fault, play.disk.fault = play.disk.fault, None
        end()
        if change is not None:
            change()
        play.disk.counts.clear()
        play.arm(fault)
        try:
            play.open()
        except (StoreError, OSError) as error:
            play.log.append(f"start -> {error!r}")
            if not play.disk.hits:
                play.find("start", f"{error!r} without a fault")
            play.kill()
            self._open_again()
        self._judge_start()

    def _open_again(self) -> None:
        play = self.play
        play.disk.fault = None
        try:
            play.open()
        except (StoreError, OSError) as error:
            play.find("start", f"{error!r} once the disk is sound after {play.told()}")

    def _judge_start(self) -> None:
        play = self.play
        if play.store.failed is not None:
            play.fails(play.store.failed)
            return
        found, wrong = self._look_at(play.store)
        if play.store.lost and play.disk.hits:
            # Something could not be read: then what is missing is named, and nothing is for good.
            missing = set(play.state.messages) - set(found.messages)
            if missing - set(play.store.lost):
                play.find("lost", f"{sorted(missing)}, of them named {list(play.store.lost)}")
            play.kill()
            self._open_again()
            found, wrong = self._look_at(play.store)
        if wrong:
            play.find("counters", f"{wrong} after {play.told()}")
        self._accept(found, self.allowed().exactly(found))

    # -- afterwards ---------------------------------------------------------------------------

    def _after(self) -> None:
        play = self.play
        play.log.append("-- more work")
        play.play(self.kind.others(play.draw), 6)
        fault = self.case.fault
        if fault is None or not fault.full or play.broken:
            return
        # There is room again.
        play.disk.fault = None
        play.wait(2.0)
        if play.store.failed is not None:
            play.fails(play.store.failed)
            return
        if not play.perform(play.draw.publish(play.state)):
            play.find("stuck", f"a publish is refused with room again after {play.told()}")
        play.commit()
        if play.full:
            play.find("stuck", f"a commit is refused with room again after {play.told()}")
        play.wait(2.0)
        if not play.broken and play.durable != len(play.states) - 1:
            play.find("stuck", f"no acknowledgement with room again after {play.told()}")

    def _look_at(self, store: FileStore) -> tuple[Found, list[str]]:
        self.play.disk.resting = True
        try:
            found, wrong = look(store)
        finally:
            self.play.disk.resting = False
        return self.play.without_owed(found), wrong

    def allowed(self) -> Allowed:
        play = self.play
        start = play.durable
        return Allowed(
            play.states[start:], play.steps[start:], set(play.refused), play.states[:start]
        )

    def _end(self) -> None:
        self.report.counts = Counter(self.play.disk.counts)
        if self.case.ending == POWER:
            self._power_cut()
        else:
            self._reopen(self.case.ending)
            self.report.counts = Counter(self.play.disk.counts)
        play = self.play
        if not play.broken:
            play.disk.fault = None
            play.play(self.kind.others(play.draw), 4)
            play.commit()
            play.settle()
            play.check()
            self._reopen(CLOSE)
            play.check()

    def _reopen(self, ending: str) -> None:
        play = self.play
        allowed_all = not play.broken and ending == CLOSE
        if ending == CLOSE:
            try:
                play.close()
            except StoreError as error:
                play.log.append(f"close -> {error!r}")
                allowed_all = False
                if not play.disk.hits and not play.broken:
                    play.find("end", f"{error!r} without a fault after {play.told()}")
            except OSError as error:
                play.find("end", f"{error!r} after {play.told()}")
            else:
                if play.store.failed is not None:
                    allowed_all = False
                else:
                    play.log.append("close")
        else:
            play.log.append("kill")
        play.kill()
        self._look_for_erased(play.config)
        if allowed_all:
            play.durable = len(play.states) - 1
        self._open_again()
        found, wrong = self._look_at(play.store)
        self._judge(play.store, found, wrong, noise=True)

    def _judge(self, store: FileStore, found: Found, wrong: list[str], noise: bool) -> None:
        play = self.play
        if store.lost:
            play.find("false-lost", f"{list(store.lost)} {store.problems} after {play.told()}")
        if wrong:
            play.find("counters", f"{wrong} after {play.told()}")
        self._accept(found, self.allowed().exactly(found))
        if noise and store.problems:
            play.find("noise", f"{store.problems} after {play.told()}")

    def _accept(self, found: Found, verdict: list[Finding]) -> None:
        """The model goes on from what was found."""
        play = self.play
        play.erased = [(when, payload) for when, payload in play.erased if when <= play.durable]
        if verdict:
            play.find(verdict[0].code, f"{verdict[0].text} after {play.told()}")
        for at in range(len(play.states) - 1, play.durable - 1, -1):
            if same(found, play.states[at]):
                break
        else:
            known = {}
            for state in play.states[play.durable :]:
                known.update(state.messages)
            at = len(play.states) - 1
            play.push(State({s: known[s] for s in found.messages}, found.last, found.places), None)
            at += 1
        for op in play.steps[at + 1 :]:
            if op is not None:
                play.refused.update(op.added)
        del play.states[at + 1 :], play.steps[at + 1 :]
        play.durable = play.flushed = at
        play.broken = False

    def _look_for_erased(self, config: FileConfig) -> None:
        play = self.play
        done = [payload for when, payload in play.erased if when <= play.durable]
        if done and (left := erased_left(plain_files(config, play.ring), done)):
            play.find(left[0].code, f"{left[0].text} after {play.told()}")

    def _power_cut(self) -> None:
        play = self.play
        chance = random.Random(repr(("power", self.case.seed)))
        image = self.root / "image"
        config = replace(play.config, folder=image)
        allowed = self.allowed()
        if play.unsure:
            allowed.fleeting |= allowed.refused
        for number in range(IMAGES):
            play.disk.in_order = number % 2 == 0
            for _ in play.disk.images(1, chance, image):
                self._look_for_erased(config)
                for _ in range(2):
                    try:
                        play.convert(image, QuickDisk())
                        back = SmallStore(config, disk=QuickDisk())
                    except (StoreError, OSError) as error:
                        play.find("start", f"{error!r} after a power cut after {play.told()}")
                    finish(find_places(back, SOURCE_KEYS))
                    found, wrong = self._look_at(back)
                    if back.lost and set(back.lost) & _certain(allowed):
                        named = sorted(set(back.lost) & _certain(allowed))
                        play.find(
                            "false-lost",
                            f"{named} of {list(back.lost)} after a power cut, live "
                            f"{sorted(found.messages)} ({back.problems}) after {play.told()}",
                        )
                    if wrong:
                        play.find("counters", f"{wrong} after {play.told()}")
                    if verdict := allowed.bounds(found):
                        first = verdict[0]
                        play.find(
                            first.code,
                            f"{first.text} after a power cut ({back.problems}) after {play.told()}",
                        )
                    back.close()
        play.broken = True


def _certain(allowed: Allowed) -> set[int]:
    live = set.intersection(*(set(state.messages) for state in allowed.states))
    ever = {s for state in allowed.states for s in state.messages}
    return live | {s for s in range(1, allowed.states[0].last + 1) if s not in ever}


def _entries(source: FileStore) -> Iterator[Entry]:
    for seq, _ in source.oldest():
        m = source.load(seq)
        yield Entry(m.subject, m.ts, seq, m.headers, m.payload)
