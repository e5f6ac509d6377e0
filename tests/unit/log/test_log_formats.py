"""JSON lines, levels of single parts, and a sink that does not keep up."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pynats_server.log import queued
from pynats_server.log.lines import JsonLines, TextLines
from pynats_server.log.logger import Logger, open_logger
from pynats_server.log.queued import QueuedSink
from pynats_server.log.sinks import StreamSink
from pynats_server.options import LOG_PARTS, LogOptions

from tests.support.deadline import PATIENCE_S, wait_until

# What turns the text behind it around; two are marks, which are letters as such.
TURNING = {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class Someone:
    def __init__(self, name: str) -> None:
        self.name = name

    def label(self) -> str:
        return f'1.2.3.4:5 - cid:6 - "{self.name}"'

    def fields(self) -> dict[str, Any]:
        return {"cid": 6, "name": self.name}


class Held:
    """A sink that takes nothing before it is let."""

    decorated = True
    colored = False
    slow = True
    reopens = False

    def __init__(self) -> None:
        self.free = threading.Event()
        self.begun = threading.Event()
        self.lines: list[bytes] = []
        self.closed = False

    def write(self, data: bytes, level: str) -> None:
        self.begun.set()
        self.free.wait()
        self.lines += data.splitlines()

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


# --- what lines look like ---


def test_json_lines_have_the_facts_of_text_lines_one_by_one(tmp_path: Path) -> None:
    log = open_logger(LogOptions(log_file=tmp_path / "log", log_format="json", debug=True))
    log.notice("ready")
    log.part("clients").error("broken", Someone("n"))
    log.part("jetstream").debug("x")
    log.close()
    ready, broken, debug = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)", ready.pop("time")
    )
    pid = os.getpid()
    assert ready == {"level": "info", "part": "server", "pid": pid, "message": "ready"}
    assert broken.pop("time") <= debug.pop("time")
    assert broken == {
        "level": "error", "part": "clients", "pid": pid, "client": {"cid": 6, "name": "n"},
        "message": "broken",
    }  # fmt: skip
    assert debug == {"level": "debug", "part": "jetstream", "pid": pid, "message": "x"}


def test_the_time_in_json_is_in_utc_or_left_out_like_that_in_text() -> None:
    utc = json.loads(JsonLines(LogOptions(logtime_utc=True)).line("INF", "server", "x"))
    assert utc["time"].endswith("Z")
    assert "time" not in json.loads(JsonLines(LogOptions(logtime=False)).line("INF", "x", "y"))


@given(st.text(st.characters(codec=None), max_size=50), st.text(max_size=50))
@example("\u202egnidaelsim", "\u2066\u200f")
def test_no_text_from_outside_makes_a_line_of_its_own_or_moves_the_cursor(
    text: str, name: str
) -> None:
    who = Someone(name)
    plain = TextLines(LogOptions(), True, False).line("ERR", "clients", text, who)
    structured = JsonLines(LogOptions()).line("ERR", "clients", text, who)
    for line in (plain, structured):
        shown = line.decode()
        assert shown[-1] == "\n"
        assert not any(ord(char) < 32 or 0x7F < ord(char) < 0xA0 for char in shown[:-1])
        assert not any(unicodedata.bidirectional(char) in TURNING for char in shown)
        assert len(shown.splitlines()) == 1
    assert json.loads(structured)["client"]["name"] == name


# --- levels of parts ---


def test_parts_have_levels_of_their_own(tmp_path: Path) -> None:
    log = open_logger(
        LogOptions(
            log_file=tmp_path / "log", logtime=False,
            log_levels={"clients": "debug", "jetstream": "error"},
        )
    )  # fmt: skip
    for name in LOG_PARTS:
        part = log.part(name)
        assert part is log.part(name)
        for write, level in (
            (part.trace, "trace"), (part.debug, "debug"), (part.notice, "info"),
            (part.warn, "warn"), (part.error, "error"),
        ):  # fmt: skip
            write(f"{name} {level}")
    found = re.findall(r"\] (clients|jetstream|server) (\w+)", (tmp_path / "log").read_text())
    assert [level for name, level in found if name == "clients"] == [
        "debug", "info", "warn", "error",
    ]  # fmt: skip
    assert [level for name, level in found if name == "jetstream"] == ["error"]
    assert [level for name, level in found if name == "server"] == ["info", "warn", "error"]
    assert log.levels == dict.fromkeys(LOG_PARTS, "info") | {
        "clients": "debug", "jetstream": "error",
    }  # fmt: skip


def test_levels_change_while_it_runs_and_a_reload_takes_that_back(tmp_path: Path) -> None:
    options = LogOptions(log_file=tmp_path / "log", log_levels={"auth": "warn"})
    log = open_logger(options)
    clients, auth = log.part("clients"), log.part("auth")
    with pytest.raises(ValueError, match='unknown level "loud"'):
        log.set_levels({"clients": "trace", "auth": "loud"})
    with pytest.raises(ValueError, match='unknown part "nobody"'):
        log.set_levels({"nobody": "info"})
    assert not clients.trace_enabled
    log.set_levels({"clients": "trace", "auth": "debug"})
    assert clients.trace_enabled and clients.debug_enabled and auth.debug_enabled
    log.restore_levels()
    assert not clients.debug_enabled
    assert log.levels["auth"] == "warn"
    changed = LogOptions(log_file=tmp_path / "log", debug=True)
    log.use_other(log.open_other(changed, "x"))
    assert clients.debug_enabled and auth.debug_enabled and not auth.trace_enabled


def test_a_program_that_wants_warnings_gets_no_more_of_any_part() -> None:
    log = Logger(LogOptions(log_levels={"clients": "error"}), Held(), least="WRN")
    assert log.levels == dict.fromkeys(LOG_PARTS, "warn") | {"clients": "error"}


# --- a sink that does not keep up ---


def test_a_reader_that_stands_still_keeps_nobody_waiting(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    log = Logger(LogOptions(), StreamSink(writer))
    written = 0

    async def flood() -> None:
        nonlocal written
        log.attach(asyncio.get_running_loop())
        log.write_aside()
        while log.dropped == 0:
            log.notice("x" * 1000)
            written += 1

    asyncio.run(flood())  # ends, although nobody has read
    assert written >= queued.QUEUED_MAX // 1100
    read: list[bytes] = []

    def drain() -> None:
        while data := os.read(reader, 1 << 20):
            read.append(data)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    wait_until(lambda: b"lines of the log were dropped" in b"".join(read), "the count")
    log.notice("the end")
    log.detach()
    os.close(writer)
    thread.join()
    os.close(reader)
    lines = b"".join(read).splitlines()
    (said,) = [line for line in lines if b"were dropped" in line]
    lost = int(said.split(b"[ERR] ")[1].split()[0])
    assert lost == log.dropped
    assert len(lines) == written - lost + 2
    assert lines[-1].endswith(b"the end")


def test_chatter_is_dropped_before_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued, "CLOSE_WAIT_S", PATIENCE_S)
    monkeypatch.setattr(queued, "QUEUED_MAX", 2000)
    monkeypatch.setattr(queued, "CHATTER_MAX", 1000)
    held = Held()
    sink = QueuedSink(held, lambda text, error: text.encode() + b"\n")
    sink.start()
    sink.write(b"first\n", "INF")
    held.begun.wait()
    for _ in range(30):
        sink.write(b"t" * 99 + b"\n", "TRC")
    for _ in range(30):
        sink.write(b"i" * 99 + b"\n", "INF")
    assert sink.dropped == (30 - 9) + (30 - 10)
    held.free.set()
    sink.close()
    kinds = [line[:1] for line in held.lines]
    assert kinds.count(b"t") == 9
    assert kinds.count(b"i") == 10
    assert sum(b"lines of the log were dropped" in line for line in held.lines) >= 1
    assert held.closed


def test_another_sink_takes_over_without_waiting_for_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queued, "CLOSE_WAIT_S", PATIENCE_S)
    old, new = Held(), Held()
    new.free.set()
    log = Logger(LogOptions(), old)

    async def run() -> None:
        log.attach(asyncio.get_running_loop())
        log.write_aside()
        log.notice("one")
        log._output.replace(LogOptions(), new, ("new",))
        log.notice("two")

    asyncio.run(run())
    wait_until(lambda: [line[-3:] for line in new.lines] == [b"two"], "the new sink")
    assert not old.closed
    old.free.set()
    log.detach()  # which waits for both
    assert old.closed
    assert [line[-3:] for line in old.lines] == [b"one"]


def test_a_sink_that_never_takes_anything_does_not_keep_the_server_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queued, "CLOSE_WAIT_S", 0.01)
    held = Held()
    log = Logger(LogOptions(), held)

    async def run() -> None:
        log.attach(asyncio.get_running_loop())
        log.write_aside()
        log.notice("one")

    asyncio.run(run())
    log.close()
    log.notice("two")
    assert log.dropped == 1
    held.free.set()
