"""Which of a server's messages belong to what: Raft, the cluster's own, JetStream, the rest."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pynats_cli.screen.human import bytes_text
from pynats_cli.screen.tables import Table

ROWS = 10
"""Seconds that are shown."""
_RAFT = {"Vote": "$NRG.V.", "Append": "$NRG.AE.", "Reply": "$NRG.R.", "Remove Peer": "$NRG.RP.",
         "Proposal": "$NRG.P."}  # fmt: skip
_CLUSTER = {"JSA Update": "$JSC.ARU.", "Stream Info": "$JSC.SI.", "Consumer Info": "$JSC.CI.",
            "Stream Sync": "$JSC.SYNC.", "Reply": "$JSC.R."}  # fmt: skip
_GENERAL = {"JS API": "$JS.API.", "JS ACK": "$JS.ACK.", "System": "$SYS."}


@dataclass
class Second:
    """What one second has brought."""

    raft: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_RAFT, 0))
    cluster: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_CLUSTER, 0))
    general: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("Requests", *_GENERAL, "Rest"), 0)
    )
    bytes: int = 0

    def count(self, subject: str, size: int, asks: bool) -> None:
        """One message; `asks` when it wants an answer."""
        self.bytes += size
        for counts, kinds in ((self.raft, _RAFT), (self.cluster, _CLUSTER)):
            for name, prefix in kinds.items():
                if subject.startswith(prefix):
                    counts[name] += 1
                    return
        for name, prefix in _GENERAL.items():
            if subject.startswith(prefix):
                self.general[name] += 1
                return
        self.general["Requests" if asks else "Rest"] += 1


class Traffic:
    """The last seconds."""

    def __init__(self) -> None:
        self._past: deque[Second] = deque(maxlen=ROWS)
        self.now = Second()

    def turn(self) -> None:
        """A new second begins."""
        self._past.append(self.now)
        self.now = Second()

    def render(self) -> str:
        """Tables; those of a cluster only when it has said something."""
        parts = []
        for title, rows in (
            ("Raft Traffic", [second.raft for second in self._past]),
            ("Cluster Traffic", [second.cluster for second in self._past]),
        ):
            if any(any(row.values()) for row in rows):
                table = Table(title, (*rows[0], "Total Messages"))
                for row in rows:
                    table.add(*row.values(), sum(row.values()))
                parts.append(table.render())
        table = Table("General Traffic", (*Second().general, "Total Bytes", "Total Messages"))
        for second in self._past:
            counts = second.general.values()
            table.add(*counts, bytes_text(second.bytes), sum(counts))
        return "\n\n".join([*parts, table.render()]) + "\n"
