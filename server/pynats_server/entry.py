"""Console script `pynats-server`: the broker, or one line where there can be none."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the broker. Imports it late: elsewhere than on Linux its modules do not load."""
    if sys.platform != "linux":
        sys.exit("pynats-server: the broker needs Linux (epoll); pynats, pynsc and pynk work here")
    from pynats_server.__main__ import main as run

    run()
