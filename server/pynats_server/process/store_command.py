"""`pynats-server store`: what an operator does about the files of a server that is not running."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pynats_common.commandline.suggest import closest, did_you_mean
from pynats_common.go.flags import FlagError, Value, read_flags
from pynats_common.go.quoting import quote

from pynats_server.options import JetStreamOptions, Options
from pynats_server.process.store_help import KINDS, usage

if TYPE_CHECKING:
    from pynats_server.jetstream.inspection.reading import Look

BAD_USAGE: Final = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is printed, and the exit code."""

    code: int
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    program: str
    directory: Path
    options: JetStreamOptions
    stream: str
    as_json: bool
    sure: bool


class _Refused(Exception):
    """One line for the user, and the exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def run(program: str, words: Sequence[str], config: str, store_dir: str) -> Outcome:
    """The words after `store`; `config` and `store_dir` are flags that stood before. Never raises
    for user input."""
    try:
        flags, rest = _read(program, words)
        if flags.get("h") or flags.get("help"):
            return Outcome(0, usage(program))
        if not rest:
            return Outcome(BAD_USAGE, stderr=usage(program))
        command = _COMMANDS.get(rest[0])
        if command is None:
            similar = did_you_mean(rest[0], tuple(_COMMANDS))
            raise _Refused(f"unrecognized command: store {quote(rest[0])}{similar}")
        config = str(flags.get("config") or flags.get("c") or config)
        return command(_asked(program, flags, rest[1:], config, store_dir))
    except _Refused as error:
        return Outcome(error.code, stderr=f"{program}: {error}\n")


def _read(program: str, words: Sequence[str]) -> tuple[dict[str, Value], list[str]]:
    """Flags may stand anywhere."""
    flags: dict[str, Value] = {}
    plain: list[str] = []
    left = list(words)
    while left:
        try:
            given, left = read_flags(KINDS, left)
        except FlagError as error:
            name = closest(error.unknown, [flag for flag in KINDS if len(flag) > 2])
            similar = f" (did you mean --{name}?)" if name else ""
            text = f"{error}{similar}: see {program} store --help"
            raise _Refused(text, BAD_USAGE) from None
        flags.update(given)
        if left:
            plain.append(left.pop(0))
    return flags, plain


def _asked(
    program: str, flags: dict[str, Value], rest: list[str], config: str, store_dir: str
) -> _Asked:
    if len(rest) > 1:
        raise _Refused(f"one folder at a time: {quote(rest[1])}", BAD_USAGE)
    options = Options()
    if config:
        from pynats_server.settings.load import load_file

        try:
            load_file(config, options)
        except ValueError as error:  # SettingsError is one, too
            raise _Refused(str(error)) from None
    named = rest[0] if rest else store_dir or options.jetstream.store_dir
    if not named:
        raise _Refused(f"name the store's folder, or a configuration file: see {program} store "
                       "--help", BAD_USAGE)  # fmt: skip
    return _Asked(
        program,
        Path(named),
        options.jetstream,
        str(flags.get("stream", "")),
        bool(flags.get("json")),
        bool(flags.get("yes")),
    )


def _looks(asked: _Asked, home: Path) -> Iterator[Look]:
    from pynats_server.jetstream.inspection.places import streams_in
    from pynats_server.jetstream.inspection.reading import look

    for place in streams_in(home, asked.stream):
        yield look(place, asked.options)


def _in_folder(work: Callable[[_Asked, Path], Outcome]) -> Callable[[_Asked], Outcome]:
    """Does it while no server can start there."""

    def command(asked: _Asked) -> Outcome:
        from pynats_server.jetstream.inspection.places import InspectionError, taken

        try:
            with taken(asked.directory) as home:
                return work(asked, home)
        except InspectionError as error:
            raise _Refused(str(error)) from None
        except OSError as error:
            raise _Refused(f"{error.filename or asked.directory}: {error.strerror}") from None

    return command


@_in_folder
def _check(asked: _Asked, home: Path) -> Outcome:
    reports = [look.report for look in _looks(asked, home)]
    bad = sum(not report.is_sound for report in reports)
    if asked.as_json:
        shown = {"sound": not bad, "streams": [report.as_dict() for report in reports]}
        return Outcome(int(bool(bad)), json.dumps(shown, indent=2) + "\n")
    lines = [line for report in reports for line in report.lines()]
    total = f"{len(reports)} stream" + ("" if len(reports) == 1 else "s")
    lines.append(f"{bad} of {total} not sound" if bad else f"{total}, all sound")
    return Outcome(int(bool(bad)), "".join(f"{line}\n" for line in lines))


@_in_folder
def _acknowledge(asked: _Asked, home: Path) -> Outcome:
    from pynats_server.jetstream.inspection.mending import acknowledge

    looks = list(_looks(asked, home))
    lossy = [look for look in looks if look.report.lost]
    if lossy and not asked.sure:
        _ask(lossy)
    told = [
        (look.report, [list(one) for one in acknowledge(look, time.time_ns())]) for look in lossy
    ]
    failed = [f"{look.place.label}: {look.report.failure}" for look in looks if look.report.failure]
    problems = "".join(f"{asked.program}: {line}\n" for line in failed)
    if asked.as_json:
        shown = {
            "acknowledged": [
                {"account": report.account, "stream": report.stream, "ranges": ranges}
                for report, ranges in told
            ]
        }
        return Outcome(int(bool(failed)), json.dumps(shown, indent=2) + "\n", problems)
    lines = [
        f"{report.account}/{report.stream}: acknowledged {_named(ranges)}"
        for report, ranges in told
    ]
    if not lines and not failed:
        lines = ["nothing is lost that was not acknowledged"]
    return Outcome(int(bool(failed)), "".join(f"{line}\n" for line in lines), problems)


def _named(ranges: list[list[int]]) -> str:
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def _ask(lossy: list[Look]) -> None:
    """Raises _Refused unless somebody says yes."""
    if not sys.stdin.isatty():
        raise _Refused("acknowledge-loss needs --yes where nobody can be asked")
    for look in lossy:
        for line in look.report.lines():
            sys.stderr.write(f"{line}\n")
    sys.stderr.write("Servers will not warn of these losses any more. Acknowledge them? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise _Refused("nothing was changed")


@_in_folder
def _restore(asked: _Asked, home: Path) -> Outcome:
    from pynats_server.jetstream.inspection.mending import restore

    told = [(look.report, line) for look in _looks(asked, home) for line in restore(look)]
    if asked.as_json:
        shown = {
            "told": [
                {"account": report.account, "stream": report.stream, "text": line}
                for report, line in told
            ]
        }
        return Outcome(0, json.dumps(shown, indent=2) + "\n")
    lines = [f"{report.account}/{report.stream}: {line}" for report, line in told]
    lines = lines or ["nothing in quarantine is missing elsewhere"]
    return Outcome(0, "".join(f"{line}\n" for line in lines))


_COMMANDS: dict[str, Callable[[_Asked], Outcome]] = {
    "check": _check,
    "acknowledge-loss": _acknowledge,
    "restore-quarantined": _restore,
}
