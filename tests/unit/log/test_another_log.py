"""A reload of the log: lines keep their order and none is lost, wherever they go."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pynats_server.log import queued
from pynats_server.log.logger import Logger, open_logger
from pynats_server.log.queued import QueuedSink
from pynats_server.log.sinks import FileSink, StreamSink
from pynats_server.options import LOG_PARTS, LogOptions

from tests.support.deadline import PATIENCE_S, wait_until


class Gate:
    """Nothing is written to a file but `two` before it opens; whoever writes has `begun`."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made, write = Gate(), FileSink.write

    def held(self: FileSink, data: bytes, level: str) -> None:
        if self._path.name != "two":
            made.begun.set()
            made.open.wait(PATIENCE_S)
        write(self, data, level)

    monkeypatch.setattr(FileSink, "write", held)
    monkeypatch.setattr(queued, "CLOSE_WAIT_S", PATIENCE_S)
    yield made
    made.open.set()


@contextmanager
def aside(log: Logger) -> Iterator[None]:
    """While a thread writes its lines; the log is closed then."""
    loop = asyncio.new_event_loop()
    log.attach(loop)
    log.write_aside()
    try:
        yield
    finally:
        log.close()
        loop.close()


def change(log: Logger, options: LogOptions) -> None:
    log.use_other(log.open_other(options, "x"))


def numbers(*paths: Path) -> list[int]:
    text = "".join(path.read_text() for path in paths)
    return [int(number) for number in re.findall(r"line (\d+)$", text, re.MULTILINE)]


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "log"}


def test_lines_of_before_and_after_a_reload_are_in_order(tmp_path: Path, gate: Gate) -> None:
    path = tmp_path / "log"
    log = open_logger(LogOptions(log_file=path))
    with aside(log):
        before = threads()
        for number in range(10):
            log.notice(f"line {number}")
        assert gate.begun.wait(PATIENCE_S)
        change(log, LogOptions(log_file=path, debug=True))
        assert threads() <= before  # one for one file
        for number in range(10, 20):
            log.debug(f"line {number}")
        gate.open.set()
    assert numbers(path) == list(range(20))


def test_what_waits_is_written_at_the_end_also_after_a_reload(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each file; the first is left for another one."""
    really_stop = QueuedSink.stop

    def stop(sink: QueuedSink, until_s: float | None = None) -> None:
        if sink is left:
            gate.open.set()  # no sooner than somebody waits for it
        really_stop(sink, until_s)

    one, two = tmp_path / "one", tmp_path / "two"
    log = open_logger(LogOptions(log_file=one))
    with aside(log):
        log.notice("line 1")
        assert gate.begun.wait(PATIENCE_S)
        log.notice("line 2")
        left = log._output.sink
        change(log, LogOptions(log_file=two))
        log.notice("line 3")
        monkeypatch.setattr(QueuedSink, "stop", stop)
    assert (numbers(one), numbers(two)) == ([1, 2], [3])


def test_a_file_that_comes_back_is_not_written_by_two(tmp_path: Path, gate: Gate) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    limited = LogOptions(log_file=one, log_size_limit=300)
    log = open_logger(limited)
    with aside(log):
        for number in range(10):
            log.notice(f"line {number}")
        assert gate.begun.wait(PATIENCE_S)
        change(log, LogOptions(log_file=two))
        change(log, limited)
        for number in range(10, 12):
            log.notice(f"line {number}")
        gate.open.set()
    backups = sorted(tmp_path.glob("one.*"))
    assert backups  # the first has set files aside after the second was opened
    assert numbers(*backups, one) == list(range(12))


def test_another_limit_of_the_same_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = open_logger(LogOptions(log_file=path))
    change(log, LogOptions(log_file=path, log_size_limit=100))
    for number in range(20):
        log.notice(f"line {number}")
    log.close()
    assert len(list(tmp_path.iterdir())) > 2


def test_another_form_of_lines_counts_at_the_same_place(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = open_logger(LogOptions(log_file=path))
    log.notice("one")
    change(log, LogOptions(log_file=path, log_format="json"))
    log.notice("two")
    log.close()
    first, second = path.read_text().splitlines()
    assert first.endswith("[INF] one")
    assert '"message":"two"' in second


def test_what_a_log_opens_in_vain_leaves_no_trace(tmp_path: Path) -> None:
    log = open_logger(LogOptions(log_file=tmp_path / "log"))
    (tmp_path / "empty").touch()
    for name in ("new", "empty"):
        log.open_other(LogOptions(log_file=tmp_path / name), "x").drop()
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "log"]


def test_no_line_gets_lost_when_the_thread_ends() -> None:
    """What comes after the thread's last look is written by who comes."""
    reader, writer = os.pipe()
    sink = QueuedSink(StreamSink(writer), lambda text, error: b"")
    ended = threading.Event()
    run = sink._run

    def then_write() -> None:
        run()
        sink.write(b"late\n", "INF")  # as another thread may in this moment
        ended.set()

    sink._run = then_write  # type: ignore[method-assign]
    sink.start()
    sink.write(b"first\n", "INF")
    sink.stop()
    wait_until(ended.is_set, "the end")
    os.close(writer)
    with os.fdopen(reader, "rb") as read:
        assert read.read() == b"first\nlate\n"


def test_levels_that_are_asked_for_stay_within_what_the_program_wants() -> None:
    log = Logger(LogOptions(), StreamSink(), least="WRN")
    log.set_levels({"clients": "trace", "auth": "error"})
    assert log.levels == dict.fromkeys(LOG_PARTS, "warn") | {"auth": "error"}
    assert not log.part("clients").trace_enabled


def test_texts_that_others_choose_are_one_warning(tmp_path: Path) -> None:
    log = open_logger(LogOptions(log_file=tmp_path / "log"))
    for number in range(50):
        log.warn_rarely(f"line {number}", kind="asked")
    log.close()
    assert numbers(tmp_path / "log") == [0]


def test_many_warnings_do_not_bring_the_others_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynats_server.log.logger.REMEMBERED_MAX", 10)
    log = open_logger(LogOptions(log_file=tmp_path / "log"))
    for _ in range(3):
        for number in range(30):
            log.warn_rarely(f"line {number}")
    log.close()
    assert numbers(tmp_path / "log") == list(range(10))
