"""Files of users: devices without an end are refused, pipes are read once."""

import errno
import os
import threading
from pathlib import Path

import pytest
from pynats_common import files
from pynats_common.contexts import credrefs
from pynats_common.files import read_whole


def test_a_file_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_whole(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes") as told:
        read_whole(path, 4)
    assert told.value.errno == errno.EFBIG


def test_a_device_without_an_end() -> None:
    with pytest.raises(OSError, match="larger than"):
        read_whole("/dev/zero", 1000)
    with pytest.raises(credrefs.CredentialError, match="cannot read /dev/zero: larger than"):
        credrefs.read_reference("/dev/zero")


def test_a_pipe_is_read_and_waiting_for_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "_TOLD_AFTER_S", 0.01)
    told = threading.Event()
    tell = files._tell

    def telling(text: str) -> None:
        tell(text)
        told.set()

    monkeypatch.setattr(files, "_tell", telling)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        told.wait(timeout=20)
        pipe.write_bytes(b"secret")

    writer = threading.Thread(target=write)
    writer.start()
    assert read_whole(pipe) == b"secret"
    writer.join()
    assert capsys.readouterr().err == f"waiting for what the pipe {pipe} will say\n"
