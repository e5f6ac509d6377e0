"""Does a wheel work? Installed into an empty environment, tried, and measured."""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pynats_packaging.release.interpreters import Interpreter
from pynats_packaging.release.running import Environment, ReleaseError, run
from pynats_packaging.release.tools import Tools

_TIMES = 7


@dataclass(frozen=True)
class Verified:
    """An installed wheel, and what was measured of it: bytes, and seconds until..."""

    environment: Environment
    size: int
    help_s: float
    ready_s: float


def verify_compiled(
    wheel: Path, interpreter: Interpreter, work: Path, tools: Tools, smoke: Path
) -> Verified:
    """Installs the wheel and what it depends on, runs the smoke test, measures."""
    empty = Environment.made(work / f"verify-{interpreter.name}", interpreter.path)
    tools.install(empty, wheel)
    with tempfile.TemporaryDirectory() as elsewhere:
        run([empty.python, smoke], Path(elsewhere))
        help_s = statistics.median(_seconds_of_help(empty) for _ in range(_TIMES))
        ready_s = statistics.median(_seconds_until_ready(empty) for _ in range(_TIMES))
    return Verified(empty, empty.size, help_s, ready_s)


def verify_tools(wheel: Path, work: Path, tools: Tools) -> None:
    """Would pip install it on its system, and has it all commands?"""
    tag = wheel.stem.rpartition("-")[2]
    target = work / f"verify-{tag}"
    run([
        tools.python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--upgrade",
        "--target", target, "--platform", tag, "--only-binary=:all:", wheel,
    ])  # fmt: skip
    entries = next(target.glob("*.dist-info")) / "entry_points.txt"
    missing = {"pynats", "pynsc", "pynk", "pynats-top"} - set(
        re.findall(r"^([\w-]+) = ", entries.read_text(), re.MULTILINE)
    )
    if missing:
        raise ReleaseError(f"{wheel.name} lacks {', '.join(sorted(missing))}")


def _seconds_of_help(environment: Environment) -> float:
    started = time.perf_counter()
    run([environment.bin / "pynats", "--help"])
    return time.perf_counter() - started


def _seconds_until_ready(environment: Environment) -> float:
    started = time.perf_counter()
    server = subprocess.Popen(
        [environment.bin / "pynats-server", "-a", "127.0.0.1", "-p", "-1"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if "Server is ready" in line:
                return time.perf_counter() - started
        raise ReleaseError("the server did not start")
    finally:
        server.terminate()
        server.stderr.close()
        server.wait()
