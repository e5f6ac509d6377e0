"""What lies in the place of a consumer's files need not be a file, nor of a reasonable size."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pynats_server.jetstream.store.consumers.recovery import FILE_MAX

from tests.support.consumer_home import TRUE, Home, is_safe


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "something").write_bytes(b"of somebody")


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _circle(path: Path) -> None:
    path.symlink_to(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
        made.bind(path.name)


@pytest.mark.parametrize("lay", [_pipe, _folder, _device, _circle, _socket])
@pytest.mark.parametrize("file", ["meta.inf", "meta.sum", "known.dat", "o.dat", "o.prev"])
def test_whatever_lies_in_a_files_place_is_put_aside(
    scratch: Path, file: str, lay: Callable[[Path], None]
) -> None:
    home = Home(scratch)
    path = home.folder / file
    path.unlink()
    lay(path)
    consumer = home.recovered()
    assert consumer.config == {"durable_name": "c"}
    assert is_safe(consumer.state)
    if file == "o.prev":  # nobody has to look
        assert (consumer.state, consumer.problems) == (TRUE, [])
        return
    assert any(file in problem for problem in consumer.problems)
    (kept,) = home.config.folder.glob("quarantine/*")
    assert file in kept.name
    assert home.recovered().problems == []
    assert all(path.is_file() for path in home.folder.iterdir())


@pytest.mark.parametrize("file", ["meta.inf", "meta.sum", "o.dat"])
def test_what_is_larger_than_any_file_of_a_consumer_is_not_read(scratch: Path, file: str) -> None:
    home = Home(scratch)
    os.truncate(home.folder / file, FILE_MAX + 1)
    assert "larger" in home.recovery().broken["c"]
    assert (home.folder / file).stat().st_size == FILE_MAX + 1


def test_a_copy_that_cannot_be_read_is_no_matter(scratch: Path) -> None:
    home = Home(scratch)
    os.truncate(home.folder / "known.dat", FILE_MAX + 1)
    consumer = home.recovered()
    assert consumer.state == TRUE
    assert "known.dat" in consumer.problems[0]
    assert home.recovered().problems == []


def test_a_name_that_is_no_text_is_no_matter_for_the_others(scratch: Path) -> None:
    home = Home(scratch)
    odd = Path(os.fsdecode(os.fsencode(home.folder.parent) + b"/\xff"))
    shutil.copytree(home.folder, odd)
    found = home.recovery()
    assert [consumer.name for consumer in found.consumers] == ["c"]
    assert list(found.broken) == ["\ufffd"]
    assert (odd / "meta.inf").is_file()
