"""`python -m tests.model.sharing.run`: plays random topologies against a server."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random, SystemRandom

from tests.model.sharing.play import Difference, Play
from tests.model.sharing.topology import draw, redraw
from tests.support import process
from tests.support.process import PYNATS, REFERENCE, ServerFailed, ServerProcess

BATCH = 500


def play_topologies(server: ServerProcess, seed: str, messages: int, batches: int = 4) -> int:
    """Until so many messages were published: one topology after the other, by reloads. Returns how
    many messages were delivered. Raises Difference."""
    published = delivered = 0
    number = refused = 0
    while published < messages:
        name = f"{seed}.{number}"
        server.empty_log()  # a reload reads it
        number += 1
        topology = draw(Random(name))
        if not _is_put_in_force(server, topology.config()):
            refused += 1
            if refused > number * 0.7 + 10:
                raise Difference(f"{refused} of {number} are refused")
            continue
        play = Play(server.port, topology, name)
        random = Random(f"{name} goes on")
        try:
            for _ in range(batches):
                play.batch(BATCH)
                other = redraw(random, topology)
                if server.kind == PYNATS and server.reload(other.config()):
                    play.follow(other)
        except Difference as error:
            raise Difference(f"topology {name}: {error}") from None
        finally:
            play.close()
        published += play.messages
        delivered += play.deliveries
    return delivered


def _is_put_in_force(server: ServerProcess, config: str) -> bool:
    """What an account imports of itself may make a circle with other imports."""
    if server.kind == PYNATS:
        return server.reload(config)
    server.stop()  # services of accounts that come by a reload are dead there
    server.write_config(config)
    try:
        server.start()
    except ServerFailed as error:
        assert "import forms a cycle" in str(error), error
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", default=str(SystemRandom().randrange(1 << 32)))
    parser.add_argument("--kind", choices=(PYNATS, REFERENCE), default=PYNATS)
    given = parser.parse_args()
    process.reference_allowed = True
    folder = Path(tempfile.mkdtemp(prefix="sharing"))
    with ServerProcess(given.kind, folder, "accounts {}") as server:
        try:
            delivered = play_topologies(server, given.seed, given.messages)
        except Difference as error:
            print(error)
            return 1
    print(f"seed {given.seed}: {given.messages} messages, {delivered} deliveries, as predicted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
