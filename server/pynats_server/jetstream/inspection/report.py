"""What is known of one stream on the disk, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pynats_common.go.times import format_time_ns

from pynats_server.jetstream.store.inventory.losses import Loss

NAMED: Final = 20  # files that one line names


@dataclass(slots=True)
class Report:
    """`failure`: why the stream could not be looked at. `configuration`: why its own cannot be
    read. `damaged`: bytes that hold no intact record, by block. `index`, `ledger`: what index.db
    and ledger.db are worth."""

    account: str
    stream: str
    failure: str = ""
    configuration: str = ""
    messages: int = 0
    nbytes: int = 0
    first_seq: int = 0
    last_seq: int = 0
    blocks: int = 0
    consumers: int = 0
    index: str = ""
    ledger: str = ""
    lost: list[Loss] = field(default_factory=list)
    acknowledged: list[Loss] = field(default_factory=list)
    damaged: dict[int, int] = field(default_factory=dict)
    unavailable: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    quarantine: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is lost that nobody knows, and nothing damaged or unreadable."""
        return not (
            self.failure or self.configuration or self.lost or self.damaged or self.unavailable
        )

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "account": self.account,
            "stream": self.stream,
            "sound": self.is_sound,
            **({"error": self.failure} if self.failure else {}),
            **({"configuration_error": self.configuration} if self.configuration else {}),
            "messages": self.messages,
            "bytes": self.nbytes,
            "first_seq": self.first_seq,
            "last_seq": self.last_seq,
            "blocks": self.blocks,
            "consumers": self.consumers,
            "index": self.index,
            "ledger": self.ledger,
            "lost": [_loss(one) for one in self.lost],
            "acknowledged": [_loss(one) for one in self.acknowledged],
            "damaged_blocks": [
                {"block": number, "bytes": nbytes} for number, nbytes in self.damaged.items()
            ],
            "unavailable": self.unavailable,
            "problems": self.problems,
            "strays": self.strays,
            "quarantine": self.quarantine,
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        name = f"{self.account}/{self.stream}"
        if self.failure:
            yield f"{name}: {self.failure}"
            return
        span = f"sequences {self.first_seq}-{self.last_seq}, " if self.messages else ""
        counts = (
            _count(self.messages, "message"),
            _count(self.nbytes, "byte"),
            span + _count(self.blocks, "block"),
            _count(self.consumers, "consumer"),
        )
        yield f"{name}: {', '.join(counts)}"
        if self.configuration:
            yield f"  configuration: {self.configuration}"
        for loss in self.lost:
            yield f"  lost: {_told(loss)}"
        for loss in self.acknowledged:
            yield f"  lost, acknowledged: {_told(loss)}"
        for number, nbytes in self.damaged.items():
            yield f"  damaged: {number}.blk, {nbytes:,} bytes hold no intact record"
        for reason in self.unavailable:
            yield f"  unavailable: {reason}"
        for problem in self.problems:
            yield f"  note: {problem}"
        yield f"  index.db: {self.index}; ledger.db: {self.ledger}"
        for title, names in (("stray files", self.strays), ("quarantine", self.quarantine)):
            if names:
                more = ", ..." if len(names) > NAMED else ""
                yield f"  {title}: {', '.join(names[:NAMED])}{more}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _loss(loss: Loss) -> dict[str, Any]:
    made: dict[str, Any] = {
        "first_seq": loss.first,
        "last_seq": loss.last,
        "block": loss.block,
        "reason": loss.reason,
        "bytes": loss.nbytes,
    }
    if loss.found_ns:
        made["found"] = format_time_ns(loss.found_ns)
    if loss.acknowledged_ns:
        made["acknowledged"] = format_time_ns(loss.acknowledged_ns)
    return made


def _told(loss: Loss) -> str:
    shown = f"{loss.first}" if loss.first == loss.last else f"{loss.first}-{loss.last}"
    return f"{shown} ({loss.reason})" if loss.reason else shown
