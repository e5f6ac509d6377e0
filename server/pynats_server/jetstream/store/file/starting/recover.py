"""Bringing a stream's folder back: from index.db when it fits the data, else from every block.

The only change on disk: a torn end is cut off, after a copy of it was made if any of it may have
been durable.
"""

from __future__ import annotations

import contextlib

from pynats_server.jetstream.store.errors import Unavailable
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.starting.found import Recovered
from pynats_server.jetstream.store.file.starting.rebuilding import rebuild
from pynats_server.jetstream.store.file.starting.replaying import apply_index
from pynats_server.jetstream.store.inventory.expected import Claims
from pynats_server.jetstream.store.inventory.ledger import PLACE, Ledger
from pynats_server.jetstream.store.inventory.unavailable import reason_of


def recover(files: StreamFolder, ledger: Ledger) -> Recovered:
    """Read a stream's folder."""
    losses, saved = files.read_losses(), files.read_index()
    claims: Claims = {}
    try:
        claims = ledger.read()
    except OSError as error:
        files.hold(reason_of(str(PLACE), error))
    files.damaged |= {files.messages / f"{loss.block}.blk" for loss in losses.all if loss.seen}
    fitting = ledger.fitting(claims)
    found: Recovered | None = None
    if saved is not None:
        # A block that this needs and that cannot be read is named when all are looked at.
        with contextlib.suppress(OSError, Unavailable):
            found = apply_index(files, saved, losses, claims, fitting.keys())
    found = found or rebuild(files, saved, losses, claims)
    found.claims = fitting
    found.read_purges()
    return found
