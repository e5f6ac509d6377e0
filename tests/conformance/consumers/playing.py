"""Rows played ahead, many at a time: most of them wait for timers, not for a processor.

The workers of a test run share the work: who makes a row's file first plays it and leaves the
transcript where all find it.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conformance.consumers.scene import RowBroken, Scene
from tests.support.client import Client, ConnectionRefused
from tests.support.deadline import wait_until
from tests.support.process import ServerProcess

Row = Callable[[Scene], None]

AT_ONCE = 16
ROW_TIMEOUT_S = 110.0
PASSWORD = "p"
OWN_SERVER = "own_server"  # attribute of rows that stop their server: lines of its configuration


def own_server(row: Row) -> Row:
    """Marks a row that restarts its server."""
    setattr(row, OWN_SERVER, "")
    return row


def configured(text: str) -> Callable[[Row], Row]:
    """Marks a row that has a server of its own, with these lines in its configuration."""

    def mark(row: Row) -> Row:
        setattr(row, OWN_SERVER, text)
        return row

    return mark


def configuration(accounts: Sequence[str], more: str = "") -> str:
    """A server with an account for each row."""
    lines = [
        f"  {name} {{ jetstream: enabled, users = [ {{ user: {name}, password: {PASSWORD} }} ] }}\n"
        for name in accounts
    ]
    store = 'jetstream { store_dir: "@FOLDER@/store" }\n'
    return f"{more}{store}accounts {{\n{''.join(lines)}}}\n"


class Plays:
    """The transcripts of `rows`, played on servers of one kind; `wanted` are those to be asked for,
    in this order. `shared` is a folder of all workers, `folder` this one's."""

    def __init__(
        self, kind: str, rows: dict[str, Row], wanted: Sequence[str], shared: Path, folder: Path
    ) -> None:
        self._rows = rows
        self._shared = shared
        self._kind = kind
        self._folder = folder
        self._wanted = list(wanted)
        self._stopped = False
        common = [name for name, row in rows.items() if not hasattr(row, OWN_SERVER)]
        self._server = ServerProcess(kind, folder / "common", configuration(common))
        self._threads = [threading.Thread(target=self._work) for _ in range(AT_ONCE)]
        shared.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Plays:
        self._server.start()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        for thread in self._threads:
            thread.join()
        self._server.stop()

    def transcript(self, name: str) -> str:
        """What was said; raises AssertionError where the row itself failed."""
        path = self._shared / f"{name}.txt"
        wait_until(path.exists, f"the end of row {name}", ROW_TIMEOUT_S)
        told = path.read_text("utf-8")
        assert not told.startswith("Traceback"), told
        return told

    def _work(self) -> None:
        while self._wanted and not self._stopped:
            try:
                name = self._wanted.pop(0)
            except IndexError:
                return
            if self._claimed(name):
                try:
                    told = self._played(name)
                except BaseException:
                    told = traceback.format_exc()
                draft = self._shared / f"{name}.draft"
                draft.write_text(told, "utf-8")
                draft.rename(self._shared / f"{name}.txt")

    def _claimed(self, name: str) -> bool:
        try:
            os.close(os.open(self._shared / f"{name}.claim", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def _played(self, name: str) -> str:
        row = self._rows[name]
        if not hasattr(row, OWN_SERVER):
            return played(row, name, self._server)
        text = configuration([name], getattr(row, OWN_SERVER))
        with ServerProcess(self._kind, self._folder / name, text) as server:
            return played(row, name, server)


def scene_of(server: ServerProcess, account: str) -> Scene:
    """A scene in an account of a running server."""

    def restart(kill: bool, change: Callable[[Path], object] | None) -> None:
        if kill:
            server.kill()
        else:
            server.stop()
        if change is not None:
            change(server.folder / "store")
        server.start()

    return Scene(lambda: Client(server.port, account, PASSWORD), restart)


def played(row: Row, account: str, server: ServerProcess) -> str:
    """The transcript of one row."""
    scene = scene_of(server, account)
    try:
        row(scene)
    except RowBroken:
        pass
    except ConnectionRefused as error:
        scene.say(f"! {error}")
    else:
        scene.end()
    finally:
        scene.close()
    return "\n".join(scene.lines)


@contextmanager
def transcripts_of(
    rows: dict[str, Row],
    suite: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str, str], str]]:
    """The transcript of a row on servers of a kind. Once one is asked for, all rows of this suite
    that will be are played."""
    wanted = [
        item.callspec.params["row"]
        for item in request.session.items
        if hasattr(item, "callspec") and "row" in item.callspec.params
    ]
    wanted = [name for name in wanted if name in rows]
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    plays: dict[str, Plays] = {}

    def transcript(kind: str, name: str) -> str:
        if kind not in plays:
            folder = tmp_path_factory.mktemp(f"{suite}-{kind}")
            one = Plays(kind, rows, wanted, shared / f"{suite}-rows-{kind}", folder)
            plays[kind] = one.__enter__()
        return plays[kind].transcript(name)

    try:
        yield transcript
    finally:
        for one in plays.values():
            one.__exit__()
