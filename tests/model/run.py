"""`python -m tests.model.run`: plays random runs against a server for a time."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic

from tests.model.episodes import CONFIG, play_episode, shorten
from tests.support import process
from tests.support.process import PYNATS, REFERENCE, ServerProcess, lasting_port


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1 << 32))
    parser.add_argument("--length", type=int, default=300)
    parser.add_argument("--kind", choices=(PYNATS, REFERENCE), default=PYNATS)
    parser.add_argument("--episode")
    given = parser.parse_args()
    process.reference_allowed = True
    folder = Path(tempfile.mkdtemp(prefix="model"))
    end = monotonic() + given.seconds
    count, steps = 0, 0
    with ServerProcess(given.kind, folder, CONFIG, port=lasting_port()) as server:
        while monotonic() < end:
            seed = given.episode or f"{given.seed}.{count}"
            count += 1
            length = Random(seed).choice((given.length, given.length * 4))
            ending = play_episode(server, seed, range(length))
            steps += len(ending.chosen)
            if ending.why:
                print(f"difference after {steps} steps:", *ending.log[-8:], ending.why, sep="\n")
                print("making it shorter", flush=True)
                print(shorten(server, ending).told())
                return 1
            if given.episode:
                break
    print(f"seed {given.seed}: {count} runs, {steps} commands, as predicted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
