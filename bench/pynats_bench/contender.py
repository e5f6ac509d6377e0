"""Servers under test as child processes: start, readiness, CPU time, memory, stop."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pynats_bench.judging.disturbance import process_cpu_seconds
from pynats_bench.model import Endpoint, LoadError

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0
LOG_LINES_KEPT = 20
READY_LINE = b"Server is ready"


@dataclass(frozen=True, slots=True)
class Contender:
    """A server program. `bare` marks a byte relay, which takes only a port number.

    `environment` is what it gets besides this process's own.
    """

    name: str
    command: tuple[str, ...]
    bare: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    def version(self) -> str:
        """What `--version` prints, first line. LoadError when the program cannot be run."""
        try:
            done = subprocess.run(
                [*self.command, "--version"], capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LoadError(f"{shlex.join(self.command)}: {error}") from None
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
            raise LoadError(f"{shlex.join(self.command)} --version failed: {reason[-1]}")
        lines = (done.stdout or done.stderr).strip().splitlines()
        return lines[0] if lines else "unknown"

    def arguments(self, port: int, config: Path | None) -> list[str]:
        if self.bare:
            return [*self.command, str(port)]
        listen = ["-a", "127.0.0.1", "-p", str(port)]
        return [*self.command, *listen, *(["-c", str(config)] if config else [])]


def find_program(name: str) -> tuple[str, ...]:
    """`name` beside the running Python, else on PATH. LoadError when it is in neither place."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise LoadError(f"{name} is not installed")
    return (found,)


def relay_contender() -> Contender:
    """The byte relay that shows the limit of one thread."""
    return Contender("relay", (sys.executable, "-m", "pynats_bench.relay"), bare=True)


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A started server; a context manager that stops it.

    `cores` is its CPU set (None: all). Entering returns when the server reports that it is ready;
    raises LoadError with the last log line if it does not.
    """

    def __init__(
        self,
        contender: Contender,
        *,
        config: Path | None = None,
        cores: frozenset[int] | None = None,
        ready_timeout_s: float = READY_TIMEOUT_S,
    ) -> None:
        self._contender = contender
        self._ready_timeout_s = ready_timeout_s
        self._config = config
        self._cores = cores
        self._log: deque[str] = deque(maxlen=LOG_LINES_KEPT)
        self._ready = threading.Event()
        self._ready_at = 0.0
        self.startup_seconds = 0.0

    def __enter__(self) -> Self:
        self.endpoint = Endpoint("127.0.0.1", free_port(), bare=self._contender.bare)
        command = self._contender.arguments(self.endpoint.port, self._config)
        started = time.monotonic()
        self._process = self._spawn(command)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if not self._ready.wait(self._ready_timeout_s) or not self._ready_at:
            self._stop()
            last = self._log[-1] if self._log else "nothing logged"
            raise LoadError(f"{self._contender.name} did not become ready: {last}")
        self.startup_seconds = self._ready_at - started
        return self

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Starts the child, which inherits this thread's CPU set. Python may write byte code,
        because an installation has it too."""
        mine = os.sched_getaffinity(0)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment |= dict(self._contender.environment)
        try:
            if self._cores:
                os.sched_setaffinity(0, self._cores)
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise LoadError(f"{self._contender.name}: {error}") from None
        finally:
            os.sched_setaffinity(0, mine)

    def _read_log(self) -> None:
        """Note when the server is ready, and keep its last lines; ends with the process."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if READY_LINE in line and not self._ready_at:
                self._ready_at = time.monotonic()
                self._ready.set()
            self._log.append(line.decode("utf-8", "replace").strip())
        self._ready.set()

    def cpu_seconds(self) -> float:
        """User and system time of the process so far, all threads (10 ms steps)."""
        return process_cpu_seconds(self._process.pid)

    def resident_bytes(self) -> int:
        """Resident memory of the process now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        match = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        if match is None:
            raise LoadError(f"{self._contender.name} has ended")
        return int(match[1]) * 1024

    def last_log_line(self) -> str:
        return self._log[-1] if self._log else ""

    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process by SIGKILL: nothing is flushed, closed or said."""
        self._process.kill()
        self._process.wait()

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(STOP_TIMEOUT_S)
        assert self._process.stderr is not None
        self._process.stderr.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
