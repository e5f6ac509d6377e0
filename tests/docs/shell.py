"""A page's shell: one bash, in which the commands follow each other as at a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.docs.stub import READY
from tests.support.deadline import PATIENCE_S, DeadlineExceeded
from tests.support.descriptors import readable

# Takes file names and commands, each with a NUL behind it; says exit codes. With `-m` jobs are
# process groups, which `kill %1` wants.
_LOOP = f"""
set -m
while IFS= read -r -d '' -u 8 _file && IFS= read -r -d '' -u 8 _code; do
    export {READY}="$_file.ready"
    eval "$_code" >"$_file" 2>&1 </dev/null 8<&- 9>&-
    printf '%s\\n' "$?" >&9
done
trap '' TERM
kill -KILL $(jobs -p) 2>/dev/null
exit 0
"""


# A run of pytest needs a second of a processor that it has for itself.
COMMAND_S = 100.0


@dataclass(frozen=True)
class Ran:
    """A command. `file` is where its output goes, still if it runs in the background."""

    code: int
    file: Path

    @property
    def output(self) -> str:
        """What it has said up to now."""
        return self.file.read_bytes().decode(errors="backslashreplace")

    @property
    def ready(self) -> bool:
        """Whether it has said that it misses no message any more."""
        return Path(self.ready_file).exists()

    @property
    def ready_file(self) -> str:
        """Which names the command, too."""
        return f"{self.file}.ready"


class Shell:
    """The process, in `folder`; outputs are kept in `outputs`."""

    def __init__(self, folder: Path, outputs: Path, environ: Mapping[str, str]) -> None:
        self._outputs = outputs
        self._count = 0
        read, self._commands = os.pipe()
        self._codes, write = os.pipe()
        commands, codes = (_high(number) for number in (read, write))
        script = f"exec 8<&{commands} 9>&{codes} {commands}<&- {codes}>&-\n{_LOOP}"
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", script],
            cwd=folder, env=dict(environ), pass_fds=(commands, codes), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(commands)
        os.close(codes)

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        os.close(self._commands)
        try:
            self._process.wait(PATIENCE_S if kind is None else 1)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE_S)
        os.close(self._codes)

    def run(self, command: str) -> Ran:
        """Runs a command to its end, or starts one that ends in `&`. Raises DeadlineExceeded."""
        self._count += 1
        file = self._outputs / f"{self._count}"
        os.write(self._commands, f"{file}\0{command}\0".encode())
        said = b""
        while not said.endswith(b"\n"):
            if not readable(self._codes, COMMAND_S):
                raise DeadlineExceeded(f"not within {COMMAND_S} s: {command}")
            more = os.read(self._codes, 64)
            if not more:
                raise AssertionError(f"this ended the shell: {command}")
            said += more
        return Ran(int(said), file)


def _high(number: int) -> int:
    """The same, where the shell's own are not."""
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 20)
    finally:
        os.close(number)
