"""Console script `pynats-server`: the broker, or one error line on other systems than Linux."""

from __future__ import annotations

import os
import signal
import sys

from pynats_common.program.running import run_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from pynats_common.program.running import Main


FIRST = 1  # of a container: the kernel keeps signals from it that nobody handles


def main() -> NoReturn:
    """Runs the broker. Imports it here, because its modules load only on Linux."""
    if sys.platform != "linux":
        sys.exit("pynats-server: the broker needs Linux (epoll); pynats, pynsc and pynk work here")
    if os.getpid() == FIRST:
        _end_at_signals()
    run_program("pynats-server", _load, catches_interrupt=False)


def _end_at_signals() -> None:
    """Until the server handles them: for the first process of a container there is no other end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os._exit(128 + number))


def _load() -> Main:
    if sys.argv[1:2] == ["healthcheck"]:  # asked every few seconds: not with the whole broker
        from pynats_server.process.health_command import main as check

        return check
    from pynats_server.__main__ import main as run

    return run
