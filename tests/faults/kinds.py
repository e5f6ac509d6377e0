"""The kinds of work that a disk may fail in, and what a case of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.model import State
from tests.faults.verdict import Finding
from tests.faults.work import Drawing, Limits, Op
from tests.support.faultdisk import Fault

Draws = Callable[[Drawing], list[Callable[[State], Op]]]

CLOSE, KILL, POWER = "close", "kill", "power"
ENDINGS = (CLOSE, KILL, POWER)


def _unsourced(draw: Drawing) -> list[Callable[[State], Op]]:
    return [
        *[draw.publish] * 8, draw.rollup, draw.batch, draw.delete, draw.erase, draw.purge,
        draw.thin_out, draw.expire, draw.leap,
    ]  # fmt: skip


def mixed(draw: Drawing) -> list[Callable[[State], Op]]:
    return [*_unsourced(draw), draw.copy]


@dataclass(frozen=True)
class Kind:
    """A kind of work: what is drawn, how many turns of it, the stream's limits; or `special`."""

    draws: Draws = mixed
    turns: int = 6
    limits: Limits = (0, 0, 0)
    special: str = ""
    forms: tuple[str, ...] = ("plain", "s2", "aes", "chacha-s2")
    block_size: int = 500
    others: Draws = mixed  # before and after it


WORKS: dict[str, Kind] = {
    "publish": Kind(lambda d: [d.publish], 8),
    "max messages": Kind(lambda d: [d.publish], 8, (12, 0, 0)),
    "max bytes": Kind(lambda d: [d.publish], 8, (0, 1800, 0)),
    "per subject": Kind(lambda d: [d.publish], 8, (0, 0, 3)),
    "one per subject": Kind(lambda d: [d.publish, d.publish, d.leap], 8, (0, 0, 1)),
    "all limits": Kind(lambda d: [d.publish, d.publish, d.batch], 8, (16, 2500, 5)),
    "lower limits": Kind(special="limits"),
    "purge": Kind(lambda d: [d.purge, d.publish, d.purge]),
    "purge through": Kind(lambda d: [d.compact, d.publish, d.publish]),
    "delete": Kind(lambda d: [d.delete, d.delete, d.publish], 8),
    "erase": Kind(lambda d: [d.erase, d.erase, d.publish], 8),
    "erase in compacted blocks": Kind(lambda d: [d.thin_out, d.erase, d.erase], 8),
    "rollup": Kind(lambda d: [d.rollup, d.publish, d.publish], 8),
    "compaction": Kind(lambda d: [d.thin_out, d.publish, d.publish], 8),
    "compression": Kind(lambda d: [d.publish, d.publish, d.delete], 10, forms=("s2", "chacha-s2")),
    "ages": Kind(lambda d: [d.expire, d.publish, d.publish], 8),
    "truncate": Kind(lambda d: [d.truncate, d.publish, d.publish], others=_unsourced),
    "batch": Kind(lambda d: [d.batch, d.batch, d.publish], 6, (20, 0, 6)),
    "mirror": Kind(lambda d: [d.leap, d.publish, d.publish], 8, (15, 0, 0)),
    "sources": Kind(
        lambda d: [d.copy, d.copy, d.copy, d.publish, d.delete, d.purge], 10, (9, 0, 0)
    ),
    "everything": Kind(turns=12, limits=(25, 0, 8)),
    "index": Kind(special="index"),
    "close": Kind(special="close"),
    "start after close": Kind(special="start after close"),
    "start after kill": Kind(special="start after kill"),
    "key change": Kind(special="key change", forms=("aes", "chacha-s2", "aes>chacha", "plain>aes")),
    "snapshot": Kind(special="snapshot"),
    "restore": Kind(special="restore"),
}


@dataclass(frozen=True)
class Case:
    """`seed` chooses the operations; the same work runs whatever the fault is."""

    work: str
    form: str
    stepped: bool
    fault: Fault | None
    ending: str
    seed: int

    def __str__(self) -> str:
        fault = self.fault
        what = "none" if fault is None else f"{fault.kind}:{fault.nth}:{fault.code}:{fault.lasting}"
        mode = "stepped" if self.stepped else "at-once"
        return "/".join((self.work, self.form, mode, what, self.ending, str(self.seed)))


def parse_case(text: str) -> Case:
    """From what `str` makes of one."""
    work, form, mode, what, ending, seed = text.split("/")
    fault = None
    if what != "none":
        kind, nth, code, lasting = what.split(":")
        fault = Fault(kind, int(nth), int(code), int(lasting))
    return Case(work, form, mode == "stepped", fault, ending, int(seed))


@dataclass
class Report:
    """What a case came to. `counts`: operations of the disk by kind, from the start of the work to
    the end of the store."""

    case: Case
    findings: list[Finding] = field(default_factory=list)
    hits: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    operations: int = 0
