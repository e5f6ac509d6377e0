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
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)
CRASHED = 99  # exit code of a program that an exception ended, which no user may ever see


def run_inside(
    main: Callable[[], Any],
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
            return exit_code(main)


def exit_code(main: Callable[[], Any]) -> int:
    """What a process that runs this ends with."""
    try:
        main()
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
        open_files(folder)
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


def open_files(folder: Path) -> None:
    """The folder's files become the descriptors 0 to 2."""
    for number, name in enumerate(("in", "out", "err")):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY
        opened = os.open(folder / name, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)


@contextlib.contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    kept = dict(os.environ)
    set_variables(environment)
    try:
        yield
    finally:
        set_variables(kept)


def set_variables(environment: Mapping[str, str]) -> None:
    """The environment is these variables and no others."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    mask, argv, folder = os.umask(0o022), sys.argv, Path.cwd()
    handlers = {number: signal.getsignal(number) for number in NUMBERS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        os.umask(mask)
        sys.argv = argv
        os.chdir(folder)
        for number, handler in handlers.items():
            signal.signal(number, handler)
