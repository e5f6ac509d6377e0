"""Start, watch and stop one server process: pynats-server or the reference nats-server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import SystemRandom
from typing import IO, Any

from tests.support import template
from tests.support.deadline import PATIENCE_S, DeadlineExceeded, wait_until
from tests.support.template import Forked

REFERENCE = "reference"
PYNATS = "pynats"

reference_allowed = False  # set by the test session: whether it may ask what is not ours


CLOSED = "Client connection closed"  # the last line about a connection
_OUTCOME = re.compile(r"\b(Reloaded|Failed to reload) server configuration")
# What `make sanitize` looks for.
_FINDING = re.compile(r"^.*(ERROR: AddressSanitizer|: runtime error: ).*", re.MULTILINE)


class ServerFailed(AssertionError):
    """The process ended before it was ready; carries its output."""


def server_command(kind: str) -> list[str]:
    """The program to run for `kind`, looked up beside the running interpreter first."""
    if kind == REFERENCE and not reference_allowed:
        raise ServerFailed("the reference runs only in `make record` and `make reference`")
    name = {REFERENCE: "nats-server", PYNATS: "pynats-server"}[kind]
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ServerFailed(f"{name} is not installed; run `make setup`")
    return [found]


@cache
def reference_version() -> str:
    """As it says itself: `nats-server 2.15.1`."""
    said = subprocess.run(
        [*server_command(REFERENCE), "-v"], capture_output=True, text=True, check=True, timeout=20
    )
    return said.stdout.strip().replace(": v", " ")


def run_reference(
    *arguments: str, folder: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One run of the reference that ends by itself, in `folder`."""
    return subprocess.run(
        [*server_command(REFERENCE), *arguments],
        cwd=folder,
        env=os.environ | dict(environ or {}),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=20,
    )


def lasting_port() -> int:
    """A port for a server that is started there more than once, or where nobody must be while a
    client tries. It lies below those that the system hands out: one of these could be somebody
    else's meanwhile, in either family."""
    first_handed_out = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = SystemRandom().randrange(first_handed_out // 2, first_handed_out)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class ServerProcess:
    """One server on free ports of 127.0.0.1, its files under `folder`.

    `config` is written to a file and passed with -c; `flags` are appended to the command line.
    One of ours is `forked` from a process that has loaded its modules, or else a new program.
    `@FOLDER@` in either becomes `folder`. Without a `port` every start takes another free one; a
    server that must come back where it was gets one from `lasting_port`.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        config: str = "",
        flags: Sequence[str] = (),
        port: int = -1,
        monitor: bool = False,
        forked: bool = True,
    ) -> None:
        self.kind = kind
        self.folder = folder
        self.config_path = folder / "server.conf"
        self.log_path = folder / "server.log"
        self.port = port
        self._asked_port = port
        self.monitor_url = ""
        self._monitor = monitor
        self._flags = [flag.replace("@FOLDER@", str(folder)) for flag in flags]
        self._forked = forked and kind == PYNATS and template.WANTED
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._log_begins = 0
        self._hang_ups = 0  # since the start
        folder.mkdir(parents=True, exist_ok=True)
        self.write_config(config)

    def __enter__(self) -> ServerProcess:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write_config(self, config: str) -> None:
        self.config_path.write_text(config.replace("@FOLDER@", str(self.folder)))

    def reload(self, config: str) -> bool:
        """Has it read another configuration, and waits. Whether it was applied."""
        self.write_config(config)
        self.signal(signal.SIGHUP)

        def outcomes() -> list[str]:
            """Of every reload since the start; lines may come late."""
            return _OUTCOME.findall(self.log(), self._log_begins)

        wait_until(lambda: len(outcomes()) >= self._hang_ups, "the outcome of the reload")
        return outcomes()[self._hang_ups - 1] == "Reloaded"

    def start(self) -> ServerProcess:
        """Start and wait until the client port is known and open."""
        for stale in self.folder.glob("*.ports"):
            stale.unlink()
        command = [*server_command(self.kind), "-a", "127.0.0.1", "-p", str(self._asked_port)]
        if self._monitor:
            command += ["-m", "-1"]
        command += ["--ports_file_dir", str(self.folder), "-c", str(self.config_path)]
        self._log_begins = len(self.log()) if self.log_path.exists() else 0
        self._hang_ups = 0
        with self.log_path.open("ab") as log:
            self._process = self._spawn([*command, *self._flags], log)
        try:
            ports = wait_until(self._read_ports, f"{self.kind} ports file", PATIENCE_S)
            self.port = int(ports["nats"][0].rsplit(":", 1)[1])
            self.monitor_url = ports["monitoring"][0] if ports.get("monitoring") else ""
            wait_until(lambda: "Server is ready" in self.log(), "ready line", PATIENCE_S)
        except BaseException:
            self.kill()
            raise
        return self

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes] | Forked:
        if self._forked and template.template().can(os.environ):
            with Path(os.devnull).open("rb") as nothing:
                descriptors = (nothing.fileno(), log.fileno(), log.fileno())
                return template.template().fork(command, descriptors)
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _read_ports(self) -> dict[str, list[str]] | None:
        if self.exit_code is not None:
            raise ServerFailed(f"{self.kind} exited with {self.exit_code}:\n{self.log()[-4000:]}")
        for path in self.folder.glob("*.ports"):
            try:
                ports: dict[str, list[str]] = json.loads(path.read_text())
            except ValueError:
                return None  # still being written
            return ports
        return None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def logs(self, text: str) -> bool:
        """Whether it says so in the log, which is written by a thread: it has some time for it."""
        try:
            wait_until(lambda: text in self.log(), text)
        except DeadlineExceeded:
            return False
        return True

    def log_of_connection(self, begins: int) -> str:
        """What has been logged since there were so many characters, when the connection has ended:
        it is the only one, and the level is debug."""
        wait_until(lambda: CLOSED in self.log()[begins:], CLOSED)
        return self.log()[begins:]

    def empty_log(self) -> None:
        """Forgets what was logged: outcomes of reloads are counted from here on."""
        os.truncate(self.log_path, 0)
        self._log_begins = self._hang_ups = 0

    def signal(self, number: signal.Signals) -> None:
        self._hang_ups += number == signal.SIGHUP
        os.kill(self.pid, number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait for the process to end by itself; returns its exit code."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def stop(self) -> None:
        """End with TERM, or with KILL if that fails."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()
        if "ASAN_OPTIONS" in os.environ and (found := _FINDING.search(self.log())):
            raise ServerFailed(f"a sanitizer: {self.log()[found.start() :]}")

    def kill(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait(PATIENCE_S)

    def monitoring(self, path: str) -> Any:
        """The JSON answer of one monitoring endpoint, e.g. `monitoring("/varz")`."""
        with urllib.request.urlopen(self.monitor_url + path, timeout=PATIENCE_S) as reply:
            return json.load(reply)

    def resident_bytes(self) -> int:
        """Resident memory of the process now."""
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
