"""The command line of `pynats-server`.

Flags (`flag_table`) win over the configuration file, at start and at every reload, so `Command`
keeps them to build the options again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_common.commandline.suggest import closest, did_you_mean
from pynats_common.go.flags import FlagError, Value, read_flags
from pynats_common.go.quoting import quote
from pynats_common.records import dataclass

from pynats_server.options import Options
from pynats_server.process.flag_table import FLAGS
from pynats_server.version import server_version_line

if TYPE_CHECKING:
    from pynats_server.server.accepted import Accepted

PROGRAM = "pynats-server"
BAD_USAGE = 2  # exit code, as Go programs have it


_BY_NAME = {name: flag for flag in FLAGS for name in flag.names}
_PATHS = ("pid_file", "ports_file_dir", "log.log_file", "jetstream.store_dir")
# Log options of the combined flags; applied after the single flags, in this order.
_COMBINED: dict[str, tuple[str, ...]] = {
    "DV": ("debug", "trace"),
    "DVV": ("debug", "trace", "trace_verbose"),
    "VV": ("trace", "trace_verbose"),
}


@dataclass(slots=True)
class Command:
    """The meaning of a command line.

    If `exit_code` is set, the process prints `stdout` and `stderr` and exits with that code.
    Otherwise it prints `stderr` (warnings) and runs a server with `accepted` options.
    """

    program: str = PROGRAM
    accepted: Accepted | None = None
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    config: str = ""  # path of the configuration file as given, "" for none
    given: list[tuple[str, Value]] = field(default_factory=list, repr=False)  # flags, in order

    @property
    def options(self) -> Options | None:
        """What was accepted."""
        return self.accepted.options if self.accepted is not None else None

    def load(self, *, again: bool = True) -> Options:
        """Options from the configuration file, if any, overridden by the flags; read `again` for a
        reload. Raises `settings.SettingsError`, a `ValueError`."""
        options = Options()
        store_dir = dict(self.given).get("sd") or dict(self.given).get("store_dir")
        if store_dir and not again:  # at the start, only one of both may name a folder
            options.jetstream.store_dir = Path(str(store_dir))
        if self.config:
            from pynats_server.settings.load import load_file

            load_file(self.config, options)
        apply_flags(options, self.given)
        return options


def parse_command_line(args: Sequence[str], program: str = PROGRAM) -> Command:
    """Parses `args` (without the program's name) and loads the options.

    `--signal` is executed here. Never raises for user input: `stderr` has the error, and the exit
    code is the real server's.
    """
    try:
        given, words = read_flags({name: flag.kind for name, flag in _BY_NAME.items()}, args)
    except FlagError as error:
        # The real server prints its usage below, and then says 0: nobody sees the mistake.
        text = f"{error}{_similar_flag(error)}: see {program} --help"
        return _end(program, BAD_USAGE, stderr=f"{program}: {text}\n")
    last = {_BY_NAME[name].names[0]: value for name, value in given}
    informed = _inform(program, last, words)
    if informed is not None:
        return informed
    if last.get("sl"):
        return _signal(program, str(last["sl"]))
    config = str(last.get("c", ""))
    if last.get("t") and not config:
        message = "must specify [-c, --config] option to check configuration file syntax"
        return _refused(program, message)
    refusal = _refuse_later(last)
    if refusal:
        return _refused(program, refusal)
    command = Command(program, config=config, given=given)
    return _load(command, check=bool(last.get("t")))


def _inform(program: str, last: dict[str, Value], words: list[str]) -> Command | None:
    word = words[0].lower() if words else ""
    if last.get("v"):
        return _end(program, 0, stdout=server_version_line(program) + "\n")
    if last.get("h"):
        return _end(program, 0, stdout=_usage(program))
    if last.get("help_tls"):
        from pynats_server.process.help_text import tls_help

        return _end(program, 0, stdout=tls_help(program))
    if word == "version":
        return _end(program, 0, stdout=server_version_line(program) + "\n")
    if word == "help":
        return _end(program, 0, stdout=_usage(program))
    if word == "store":
        from pynats_server.process.store_command import run

        folder = str(last.get("sd", ""))
        outcome = run(program, words[1:], str(last.get("c", "")), folder)
        return _end(program, outcome.code, stdout=outcome.stdout, stderr=outcome.stderr)
    if word == "healthcheck":
        from pynats_server.process import health_command

        health = health_command.run(program, words[1:])
        return _end(program, health.code, stdout=health.stdout, stderr=health.stderr)
    if words:
        similar = did_you_mean(words[0], ("version", "help", "store", "healthcheck"))
        return _refused(program, f"unrecognized command: {quote(words[0])}{similar}")
    return None


def _similar_flag(error: FlagError) -> str:
    name = closest(error.unknown, [name for name in _BY_NAME if len(name) > 2])
    return f" (did you mean --{name}?)" if name else ""


def _signal(program: str, spec: str) -> Command:
    from pynats_server.process.signals import SignalError, send_signal

    try:
        send_signal(spec)
    except SignalError as error:
        return _refused(program, str(error))
    return _end(program, 0)


def _refuse_later(last: dict[str, Value]) -> str:
    for name, value in last.items():
        flag = _BY_NAME[name]
        if flag.later and value:
            spelled = "/".join(flag.spelled)
            return f"{spelled} is not supported yet by this version"
    return ""


def _load(command: Command, *, check: bool) -> Command:
    from pynats_server.server.accepted import accept

    try:
        accepted = accept(command.load(again=False))
    except ValueError as error:  # SettingsError is one, too
        return _refused(command.program, str(error))
    options = accepted.options
    warnings = "".join(f"{line}\n" for line in options.warnings)
    if check:
        if warnings:  # the check fails on warnings
            return _refused(command.program, warnings.rstrip("\n"))
        valid = f"configuration file {command.config} is valid ({options.config_digest})"
        return _end(command.program, 0, stderr=f"{command.program}: {valid}\n")
    command.accepted = accepted
    command.stderr = warnings
    return command


def apply_flags(options: Options, given: list[tuple[str, Value]]) -> None:
    """Sets in `options` the values of flags; later flags win. Raises ValueError if those about TLS
    are not enough."""
    from pynats_server.settings.paths import get_path, set_path

    defaults = Options()
    for name, value in given:
        path = _BY_NAME[name].path
        if not path:
            continue
        if path in _PATHS:
            set_path(options, path, Path(str(value)) if value else None)
        elif path in ("host", "port") and not value:
            set_path(options, path, get_path(defaults, path))
        else:
            set_path(options, path, value)
        options.places.pop(path, None)  # what the file says there does not count
    last = dict(given)
    if any(name.startswith("tls") for name in last):
        from pynats_server.process.tls_flags import apply_tls_flags

        apply_tls_flags(options, last)
    for name, targets in _COMBINED.items():
        for target in targets if name in last else ():
            setattr(options.log, target, last[name])


def _usage(program: str) -> str:
    from pynats_server.process.help_text import usage

    return usage(program)


def _refused(program: str, message: str) -> Command:
    return _end(program, 1, stderr=f"{program}: {message}\n")


def _end(program: str, code: int, *, stdout: str = "", stderr: str = "") -> Command:
    return Command(program, exit_code=code, stdout=stdout, stderr=stderr)
