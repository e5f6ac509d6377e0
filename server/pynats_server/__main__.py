"""`pynats-server`: the broker as a process."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pynats_common.program.running import run_program

from pynats_server.process.argv_redaction import redact_process_title
from pynats_server.process.flags import Command, parse_command_line
from pynats_server.process.memory import join_free_memory_at_once
from pynats_server.work.garbage import settle_down

if TYPE_CHECKING:
    from pynats_server.server.server import Server

PROGRAM = "pynats-server"
# How long a thread may keep the loop from the interpreter: file work and logs of other tenants are
# no reason to let clients wait. Python's 5 ms would be lost at each system call of a busy turn.
SWITCH_S = 0.0005


def main() -> int:
    """One command line; returns the real server's exit codes. Until the server handles signals,
    Ctrl-C ends the process as the system does."""
    gc.disable()  # start-up creates no garbage
    sys.setswitchinterval(SWITCH_S)
    join_free_memory_at_once()
    program = Path(sys.argv[0]).name
    if program in ("__main__.py", ""):
        program = PROGRAM
    command = parse_command_line(sys.argv[1:], program)
    sys.stdout.write(command.stdout)
    sys.stdout.flush()
    sys.stderr.write(command.stderr)
    sys.stderr.flush()
    if command.exit_code is not None:
        return command.exit_code
    redact_process_title()
    _allow_many_files()
    return _run(command, program)


def _allow_many_files() -> None:
    """Raises the limit of descriptors: every connection and every stream needs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _run(command: Command, program: str) -> int:
    from pynats_server.log.logger import LogError
    from pynats_server.server.server import ServerError

    assert command.accepted is not None
    try:

        async def serve() -> int:
            server = _server(command, program)
            command.accepted = None  # a reload lets them go
            if command.config:
                server.load_options = command.load
            _handle_signals(server)
            try:
                await server.start()
                settle_down()
                await server.wait_stopped()
            except ServerError:
                return 1  # the log has said why
            finally:
                _ignore_signals()
            return 0

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(serve())
    except (ServerError, LogError) as error:
        sys.stderr.write(f"{program}: {error}\n")
        return 1


def _server(command: Command, program: str) -> Server:
    """One that tells the service manager how it is doing, where there is one."""
    from pynats_server.server.server import Server

    if "NOTIFY_SOCKET" in os.environ:
        from pynats_server.process.notify import connect
        from pynats_server.server.service import ServiceServer

        notifier = connect()
        if notifier is not None:
            return ServiceServer(command.accepted, notifier, program)
    return Server(command.accepted, program=program)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it exists, asyncio elsewhere."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _handle_signals(server: Server) -> None:
    """Signals become callbacks of the loop. Not with `add_signal_handler`: a loop that closes
    gives its signals back to the system, and one more of them would end the process as killed."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[Any]] = set()

    def begin(work: Coroutine[Any, Any, Any]) -> None:
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    actions: dict[int, Callable[[], object]] = {
        signal.SIGINT: lambda: begin(server.shutdown()),
        signal.SIGTERM: lambda: begin(server.shutdown()),
        signal.SIGHUP: lambda: begin(server.reload_aside()),
        signal.SIGUSR1: server.reopen_log,
        signal.SIGUSR2: server.enter_lame_duck,
    }

    def trap(number: int) -> None:
        if number == signal.SIGTERM and server.in_lame_duck:
            return  # lame duck ends by itself
        server.log.notice(f'Trapped "{_NAMES[number]}" signal')
        actions[number]()

    def received(number: int, _: FrameType | None) -> None:
        loop.call_soon_threadsafe(trap, number)

    for number in _NAMES:
        signal.signal(number, received)
        signal.siginterrupt(number, False)  # system calls of all threads go on


def _ignore_signals() -> None:
    """The server has stopped: nothing may interrupt the rest of the process's way out."""
    for number in _NAMES:
        signal.signal(number, signal.SIG_IGN)


_NAMES: dict[int, str] = {
    signal.SIGINT: "interrupt",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "hangup",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGUSR2: "user defined signal 2",
}

if __name__ == "__main__":
    run_program(PROGRAM, lambda: main, catches_interrupt=False)
