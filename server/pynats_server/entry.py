"""Console script `pynats-server`: the broker, or one error line on other systems than Linux."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the broker. Imports it here, because its modules load only on Linux."""
    if sys.platform != "linux":
        sys.exit("pynats-server: the broker needs Linux (epoll); pynats, pynsc and pynk work here")
    from pynats_server.__main__ import main as run

    run()
