"""Runs a command line of `pynats` in the process of the test.

A fork of that process, which has hundreds of megabytes, spends four fifths of a short run on
copying pages. What a process has of its own is set before the run and put back after it:
descriptors 0 to 2 and the streams on them, environment, time zone, mask of files, signals.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import typer.main  # noqa: F401 - what commands import when they begin
from pynats_cli.entry import main

NUMBERS = (signal.SIGINT, signal.SIGTERM)
CRASHED = 99  # exit code of a program that an exception ended, which no user may ever see


def run_inside(
    program: Callable[[], Any],
    folder: Path,
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
) -> int:
    """The exit code. Standard input is the file `in` of the folder, output goes to `out` and
    `err`."""
    with _descriptors(folder), _variables(environment), _settings():
        sys.argv = ["pynats", *arguments]
        with open(0, closefd=False) as sys.stdin, open(1, "w", closefd=False) as sys.stdout, \
             open(2, "w", buffering=1, closefd=False) as sys.stderr:  # fmt: skip
            return exit_code(program)


def become(
    arguments: tuple[str, ...], environment: Mapping[str, str], program: Callable[[], Any] = main
) -> NoReturn:
    """Turns a fork of the test's process into `pynats`, or another program, on the descriptors 0 to
    2 that it has."""
    try:
        _set_variables(environment)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        # Textual takes these, which were of a file perhaps, and would seek in it.
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
        sys.argv = ["pynats", *arguments]
        as_a_process(program)
    finally:
        os._exit(CRASHED)


def as_a_process(program: Callable[[], Any] = main) -> NoReturn:
    """`pynats` in a process that was forked for it."""
    os.umask(0o022)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests under nohup ignore it
    code = CRASHED
    try:
        code = exit_code(program)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def exit_code(program: Callable[[], Any]) -> int:
    """What a process of the program ends with."""
    try:
        program()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
    return CRASHED


@contextlib.contextmanager
def _descriptors(folder: Path) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in range(3)]
    streams = sys.stdin, sys.stdout, sys.stderr
    try:
        use_files(folder)
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


def use_files(folder: Path) -> None:
    """The folder's files become the descriptors 0 to 2."""
    with opened(folder) as descriptors:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[tuple[int, int, int]]:
    """Descriptors of the folder's files, for 0 to 2."""
    made = [
        os.open(
            folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY, 0o600
        )
        for number, name in enumerate(("in", "out", "err"))
    ]
    try:
        yield made[0], made[1], made[2]
    finally:
        for descriptor in made:
            os.close(descriptor)


@contextlib.contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    kept = dict(os.environ)
    _set_variables(environment)
    try:
        yield
    finally:
        _set_variables(kept)


def _set_variables(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    mask, argv, folder = os.umask(0o022), sys.argv, Path.cwd()
    handlers = {number: signal.getsignal(number) for number in NUMBERS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests under nohup ignore it
    try:
        yield
    finally:
        os.umask(mask)
        sys.argv = argv
        os.chdir(folder)
        for number, handler in handlers.items():
            signal.signal(number, handler)
