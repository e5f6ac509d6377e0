"""`--signal`: sends a command to a running server, found by process id, pid file or pattern."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pynats_common.go.errno import error_text

PROCESS_NAME = "pynats-server"
_OTHER_COMMANDS = ("healthcheck", "store")  # of the same program, which are no servers
_SCRIPT_NAMES = (PROCESS_NAME, "nats-server")  # a link of the second name is ours if Python runs it

COMMANDS: dict[str, signal.Signals] = {
    "stop": signal.SIGKILL,
    "quit": signal.SIGINT,
    "term": signal.SIGTERM,
    "reopen": signal.SIGUSR1,
    "reload": signal.SIGHUP,
    "ldm": signal.SIGUSR2,
}


class SignalError(Exception):
    """The signal could not be sent; the text is for the user."""


def send_signal(spec: str) -> None:
    """Executes `command[=pid | pid file | pattern*]`. Raises `SignalError`."""
    command, *targets = spec.split("=")
    if len(targets) > 1:
        raise SignalError(f"invalid signal parameters: [{' '.join(targets[1:])}]")
    target = _read_pid_file(targets[0]) if targets else ""
    pids = _find_targets(target)
    if command not in COMMANDS:
        raise SignalError(f'unknown signal "{command}"')
    failures: list[str] = []
    for pid in pids:
        try:
            os.kill(pid, COMMANDS[command])
        except (OSError, OverflowError) as error:
            reason = error_text(error) if isinstance(error, OSError) else "no such process"
            failures.append(f'signal "{command}" {pid}: {reason}')
    if failures:
        raise SignalError("\n".join(failures))


def _read_pid_file(target: str) -> str:
    """The content if `target` is a file, otherwise `target` itself."""
    try:
        content = Path(target).read_text(encoding="utf-8", errors="replace").strip()
    except (OSError, ValueError):
        return target
    if not content:  # the server may be starting; do not signal others instead
        raise SignalError(f"pid file {target} is empty")
    return content


def _find_targets(target: str) -> list[int]:
    pattern = target.endswith("*")
    prefix = target.removesuffix("*")
    # Zero and negative numbers address whole process groups: refused.
    if prefix and not (prefix.isascii() and prefix.isdigit() and int(prefix) > 0):
        raise SignalError(f"invalid pid: {prefix}")
    if prefix and not pattern:
        return [int(prefix)]
    pids = running_servers()
    if not pids:
        raise SignalError(f"no {PROCESS_NAME} processes running")
    if len(pids) > 1 and not pattern:
        listed = "".join(f"\n{pid}" for pid in pids)
        raise SignalError(f"multiple {PROCESS_NAME} processes running:{listed}")
    return [pid for pid in pids if str(pid).startswith(prefix)]


def running_servers() -> list[int]:
    """Process ids of the servers on this machine, without this process."""
    proc = Path("/proc")
    if (proc / "self/cmdline").exists():
        command_lines = _command_lines_from_proc(proc)
    else:
        command_lines = _command_lines_from_ps()
    own = os.getpid()
    return sorted(pid for pid, words in command_lines if pid != own and _is_server(words))


def _command_lines_from_proc(proc: Path) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue  # the process has ended, or we may not read it
        found.append((int(entry.name), words))
    return found


def _command_lines_from_ps() -> list[tuple[int, list[str]]]:
    import subprocess

    try:
        listing = subprocess.run(
            ["ps", "-axo", "pid=,args="], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        raise SignalError("unable to resolve pid, try providing one") from None
    lines = (line.split() for line in listing.splitlines())
    return [(int(words[0]), words[1:]) for words in lines if words and words[0].isdigit()]


def _is_server(words: list[str]) -> bool:
    """Whether a command line runs one of our servers; mentioning its name is not enough."""
    names = [os.path.basename(word) for word in words[:6]]  # noqa: PTH119 - plain text work
    if not names:
        return False
    if names[0] == PROCESS_NAME:
        return not _is_other(words[1:])
    if not names[0].startswith(("python", "pypy")):
        return False
    for index, word in enumerate(words[1:6], start=1):
        if word == "-m":
            return words[index + 1 : index + 2] == ["pynats_server"]
        if not word.startswith("-"):
            return names[index] in _SCRIPT_NAMES and not _is_other(words[index + 1 :])
    return False


def _is_other(arguments: list[str]) -> bool:
    return arguments[:1] != [] and arguments[0] in _OTHER_COMMANDS
