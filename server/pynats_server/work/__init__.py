"""Long work in small pieces, with turns for everybody.

Everything runs on one loop, so the longest piece of work is everybody's latency. Work whose size a
client chooses is a generator that yields every few hundred entries, and `Turns` runs such
generators for a short time in each pass of the loop: accounts take turns, and so do the clients of
an account. `Rotation` is the order alone, for what waits for something else than the loop. A `Hold`
is a lock that is let go early. What takes long to import is `Late`: a thread does it when it is
first needed. `call_at_time` calls by the clock of the wall.

This room knows nothing of the server; accounts and clients are any hashable objects.
"""

from __future__ import annotations

from pynats_server.work.calling import call_at_time
from pynats_server.work.hold import Hold
from pynats_server.work.late import Late
from pynats_server.work.rotation import Rotation
from pynats_server.work.turns import TURN_NS, Cancelled, Job, Steps, Turns, Work, finish

__all__ = [
    "TURN_NS", "Cancelled", "Hold", "Job", "Late", "Rotation", "Steps", "Turns", "Work",
    "call_at_time", "finish",
]  # fmt: skip
