"""A Debian in a folder: made by debootstrap, run and booted by systemd-nspawn."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

INCLUDED = "python3,systemd,systemd-sysv,dbus,debconf,procps,iproute2,ca-certificates"
PATIENCE_S = 120.0
LOOK_S = 0.1
ENVIRON = (
    "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)  # fmt: skip


class CheckFailed(Exception):
    """Something is not as promised; the text says what."""


def wait_until(probe: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Raises CheckFailed if `probe` says no for too long."""
    end = time.monotonic() + patience_s
    while not probe():
        if time.monotonic() > end:
            raise CheckFailed(f"not within {patience_s:.0f} s: {what}")
        time.sleep(LOOK_S)


def make_root(folder: Path, suite: str, tar: Path | None) -> None:
    """A minimal system in `folder`."""
    folder.mkdir(parents=True)
    if tar is not None:
        subprocess.run(["tar", "-C", str(folder), "--numeric-owner", "-xpf", str(tar)], check=True)
        return
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", suite, str(folder)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


class Machine:
    """The system in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._first = 0  # its process 1, as this system counts

    def _command(self, *more: str) -> list[str]:
        return [
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
            "--directory", str(self.root), *more,
        ]  # fmt: skip

    @contextlib.contextmanager
    def begun(self, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        """It runs one command, or boots; `run` works as long."""
        with (self.root.parent / "console").open("ab") as console:
            self._nspawn = subprocess.Popen(
                self._command("--console=pipe", *more),
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            )  # fmt: skip
        try:
            wait_until(self._find_first, "the first process")
            yield self._nspawn
        finally:
            self._nspawn.terminate()
            try:
                self._nspawn.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()
            self._nspawn, self._first = None, 0

    @contextlib.contextmanager
    def booted(self) -> Iterator[None]:
        """With systemd as its process 1."""
        with self.begun("--boot"):
            states = ("running", "degraded")
            wait_until(
                lambda: self.ask("systemctl", "is-system-running").strip() in states,
                "a booted system",
            )
            self.run("ip", "link", "set", "lo", "up")
            yield

    def _find_first(self) -> bool:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            console = (self.root.parent / "console").read_text(errors="replace")
            raise CheckFailed(f"systemd-nspawn has ended:\n{console[-2000:]}")
        tasks = Path(f"/proc/{self._nspawn.pid}/task").glob("*/children")
        children = [int(word) for each in tasks for word in each.read_text().split()]
        for child in children:  # for a moment there is one that only makes the other
            with contextlib.suppress(OSError):
                if Path(f"/proc/{child}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink():
                    self._first = child
        return bool(self._first)

    def _inside(self, command: tuple[str, ...], environ: tuple[str, ...] = ()) -> list[str]:
        if not self._first:
            return self._command("--pipe", "env", "-i", *ENVIRON, *environ, *command)
        enter = ["nsenter", "--target", str(self._first), "--all"]
        return [*enter, "env", "-i", *ENVIRON, *environ, *command]

    def run(self, *command: str, environ: tuple[str, ...] = ()) -> str:
        """Runs a command in it that must succeed; returns what it wrote, errors as well."""
        done = subprocess.run(
            self._inside(command, environ),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if done.returncode:
            raise CheckFailed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def ask(self, *command: str) -> str:
        """As `run`, for one that may fail."""
        return subprocess.run(
            self._inside(command), stdin=subprocess.DEVNULL, capture_output=True, text=True
        ).stdout

    @contextlib.contextmanager
    def aside(self, *command: str) -> Iterator[None]:
        """A command runs in it meanwhile."""
        begun = subprocess.Popen(
            self._inside(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:  # what was begun is only nsenter, and the command its child
            self.ask("pkill", "-KILL", "-f", " ".join(command))
            begun.wait(PATIENCE_S)

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.ask("systemctl", "show", unit, "-P", name).strip()
