"""A folder of JWTs, what a crash leaves of it, and what lies there that should not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pynats_server.resolver.base import TOKEN_MAX
from pynats_server.resolver.directory.files import Files, InDoubt, TooLarge
from pynats_server.resolver.directory.folder import JwtFolder

from tests.support.account_jwts import account_token, key

A = key("a")
OLD, NEW = account_token("a"), account_token("a", age=1)


class Crash(BaseException):
    """The process was killed."""


class DyingFiles(Files):
    """Ends before the step of that number; a file that is being written has half of its content."""

    def __init__(self, step: int) -> None:
        self.steps = step

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Crash

    def create(self, path: Path, data: bytes) -> None:
        try:
            self._step()
        except Crash:
            path.write_bytes(data[: len(data) // 2])
            raise
        super().create(path, data)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        super().sync_folder(folder)


class FailingFiles(Files):
    """One method fails."""

    def __init__(self, method: str) -> None:
        def fail(*_: object) -> None:
            raise OSError(5, "Input/output error")

        setattr(self, method, fail)


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = JwtFolder(tmp_path / "x" / "y")
    assert folder.open() == []
    folder.write(A, NEW)
    assert folder.read(A) == NEW
    place = tmp_path / "x" / "y" / f"{A}.jwt"
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("act", "after"),
    [
        (lambda folder: folder.write(A, NEW), {OLD, NEW}),
        (lambda folder: folder.write(A, NEW, set_aside=True), {OLD, NEW, ""}),
        (lambda folder: folder.remove([A], keep=True), {OLD, ""}),
        (lambda folder: folder.remove([A], keep=False), {OLD, ""}),
    ],
)
def test_a_crash_leaves_the_old_or_the_new(
    tmp_path: Path, act: Callable[[JwtFolder], None], after: set[str]
) -> None:
    done = False
    for step in range(8):
        home = tmp_path / str(step)
        JwtFolder(home).open()
        JwtFolder(home).write(A, OLD)
        try:
            act(JwtFolder(home, DyingFiles(step)))
            done = True
        except Crash:
            pass
        folder = JwtFolder(home)
        names = folder.open()
        assert folder.read(A) in after
        assert names == ([A] if folder.read(A) else [])
        folder.write(A, NEW)  # what the crash has left is in nobody's way
        assert folder.read(A) == NEW
    assert done


@pytest.mark.parametrize("method", ["create", "rename"])
def test_an_error_means_that_nothing_has_changed(tmp_path: Path, method: str) -> None:
    JwtFolder(tmp_path).write(A, OLD)
    with pytest.raises(OSError, match="Input/output"):
        JwtFolder(tmp_path, FailingFiles(method)).write(A, NEW)
    assert JwtFolder(tmp_path).read(A) == OLD


def test_a_folder_that_is_not_synced_leaves_doubt(tmp_path: Path) -> None:
    with pytest.raises(InDoubt):
        JwtFolder(tmp_path, FailingFiles("sync_folder")).write(A, NEW)


def test_what_could_not_be_read_stays_beside_it(tmp_path: Path) -> None:
    (tmp_path / f"{A}.jwt").write_text("junk")
    JwtFolder(tmp_path).write(A, NEW, set_aside=True)
    assert (tmp_path / f"{A}.jwt.damaged").read_text() == "junk"


def test_deleted_files_are_renamed_or_gone(tmp_path: Path) -> None:
    folder = JwtFolder(tmp_path)
    for keep in (True, False):
        folder.write(A, NEW)
        folder.remove([A, key("b")], keep=keep)
        assert folder.read(A) == ""
        assert (tmp_path / f"{A}.jwt.deleted").exists()
    assert [each.name for each in tmp_path.iterdir()] == [f"{A}.jwt.deleted"]


def test_odd_files(tmp_path: Path) -> None:
    folder = JwtFolder(tmp_path)
    (tmp_path / f"{A}.jwt").write_text(OLD + "\n")
    (tmp_path / "stray.jwt").write_text("x")
    (tmp_path / "other.txt").write_text("x")
    (tmp_path / "folder.jwt").mkdir()
    (tmp_path / f"{key('b')}.jwt").symlink_to("/nowhere")
    os.mkfifo(tmp_path / f"{key('c')}.jwt")
    (tmp_path / f"{key('d')}.jwt").write_bytes(b"x" * (TOKEN_MAX + 1))
    (tmp_path / f"{key('e')}.jwt").write_bytes(b"")
    (tmp_path / f"{key('f')}.jwt").write_bytes(b"\xff\xfe")
    assert set(folder.open()) == {A, "stray", key("d"), key("f")}
    assert folder.read(A) == OLD
    assert [folder.read(key(each)) for each in "bce"] == ["", "", ""]
    assert folder.read(key("f")) == "\ufffd\ufffd"
    with pytest.raises(TooLarge):
        folder.read(key("d"))
