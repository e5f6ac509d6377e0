"""What a server tells in its system account by itself: who comes and goes, how it is, that it ends.

The parts of the server tell `Events` what happened. Where nobody listens, that costs one look-up.
What somebody wants to hear waits in the `Outbox` and is written and published in slices, in order.
"""

from pynats_server.system.events.events import Events

__all__ = ["Events"]
