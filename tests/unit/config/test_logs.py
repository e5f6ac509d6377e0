"""Log lines, files and their rotation, syslog, and what must not be logged."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import time
from pathlib import Path

import pytest
from pynats_server.clients.trace import payload_text, redact_connect, redact_url
from pynats_server.log import syslog
from pynats_server.log.logger import LogError, Logger, open_logger
from pynats_server.log.sinks import StreamSink
from pynats_server.options import LogOptions
from pynats_server.process.argv_redaction import redact_args

from tests.support.deadline import PATIENCE_S, wait_until_async

LINE = re.compile(r"\[(\d+)\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[([A-Z]{3})\] (.*)")


def _file_logger(path: Path, **options: object) -> Logger:
    return open_logger(LogOptions(log_file=path, **options))  # type: ignore[arg-type]


def test_lines_of_every_level(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "log", debug=True, trace=True)
    for write in (
        logger.notice,
        logger.warn,
        logger.error,
        logger.fatal,
        logger.debug,
        logger.trace,
    ):
        write("text é")
    logger.close()
    found = [LINE.fullmatch(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [m and (m[1], m[2], m[3]) for m in found] == [
        (str(os.getpid()), level, "text é") for level in ("INF", "WRN", "ERR", "FTL", "DBG", "TRC")
    ]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o640 & ~_umask()


def _umask() -> int:
    current = os.umask(0o22)
    os.umask(current)
    return current


def test_debug_and_trace_are_off_by_default(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "log")
    logger.debug("x")
    logger.trace("x")
    assert not logger.debug_enabled and not logger.trace_enabled
    assert (tmp_path / "log").read_text() == ""


def test_without_time_stamps_and_in_utc(tmp_path: Path) -> None:
    _file_logger(tmp_path / "a", logtime=False).notice("x")
    assert (tmp_path / "a").read_text() == f"[{os.getpid()}] [INF] x\n"
    before = time.gmtime()
    _file_logger(tmp_path / "b", logtime_utc=True).notice("x")
    written = (tmp_path / "b").read_text()
    assert any(time.strftime("%Y/%m/%d %H:", t) in written for t in (before, time.gmtime()))


def test_colours_only_on_a_terminal() -> None:
    parent, child = os.openpty()
    try:
        Logger(LogOptions(logtime=False), StreamSink(child)).warn("x")
        assert os.read(parent, 1000).decode().strip() == f"[{os.getpid()}] [\x1b[0;93mWRN\x1b[0m] x"
    finally:
        os.close(parent)
        os.close(child)
    reader, writer = os.pipe()
    try:
        Logger(LogOptions(logtime=False), StreamSink(writer)).warn("x")
        assert os.read(reader, 1000).decode() == f"[{os.getpid()}] [WRN] x\n"
    finally:
        os.close(reader)
        os.close(writer)


def test_one_event_stays_one_line(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "log")
    logger.error("name\r\n[1] 2024/01/01 00:00:00.000000 [INF] forged")
    assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_vanished_reader_does_not_raise() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    Logger(LogOptions(), StreamSink(writer)).notice("x")
    os.close(writer)


def test_rotation_keeps_the_newest_and_loses_nothing(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "log", log_size_limit=1000)
    for number in range(100):
        logger.notice(f"line {number:03d}")
    files = sorted(tmp_path.iterdir())
    assert len(files) > 3
    backups, live = files[1:], files[0]
    assert all(re.fullmatch(r"log\.\d{4}(\.\d\d){5}\.\d{9}", f.name) for f in backups)
    text = "".join(f.read_text() for f in [*backups, live])
    assert re.findall(r"line (\d{3})", text) == [f"{n:03d}" for n in range(100)]
    assert f'[INF] Rotated log, backup saved as "{backups[-1]}"' in live.read_text()


def test_rotation_purges_down_to_the_limit(tmp_path: Path) -> None:
    other = tmp_path / "log.keep-me"
    other.write_text("")
    logger = _file_logger(tmp_path / "log", log_size_limit=500, log_max_num=3)
    for number in range(200):
        logger.notice(f"line {number:03d}")
    files = sorted(f for f in tmp_path.iterdir() if f != other)
    assert len(files) == 3 and other.exists()
    assert 'Purged log file "' in files[0].read_text()
    kept = re.findall(r"line (\d{3})", "".join(f.read_text() for f in [*files[1:], files[0]]))
    assert kept[-1] == "199" and kept == [f"{n:03d}" for n in range(int(kept[0]), 200)]


def test_rotation_that_cannot_open_a_new_file_keeps_the_old_one_and_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = _file_logger(tmp_path / "log", log_size_limit=1000)

    def none_left(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", none_left)
        for number in range(50):
            logger.notice(f"line {number:03d}")
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
    assert "Unable to rotate the log file" in (tmp_path / "log").read_text()
    for number in range(50, 100):
        logger.notice(f"line {number:03d}")
    files = sorted(tmp_path.iterdir())
    assert len(files) > 1
    text = "".join(f.read_text() for f in [*files[1:], files[0]])
    assert re.findall(r"line (\d{3})", text) == [f"{n:03d}" for n in range(100)]


def test_reopen_follows_a_moved_file(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "log")
    logger.notice("one")
    (tmp_path / "log").rename(tmp_path / "old")
    logger.notice("two")
    logger.reopen()
    logger.notice("three")
    assert re.findall(r"\] (\w+)$", (tmp_path / "old").read_text(), re.M) == ["one", "two"]
    assert "three" in (tmp_path / "log").read_text()


def test_unusable_log_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no such file or directory"):
        _file_logger(tmp_path / "missing/log")


def test_reload_moves_to_another_file_or_stays(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "a")
    with pytest.raises(LogError):
        logger.open_other(LogOptions(log_file=tmp_path / "no/b"), "x")
    logger.notice("one")
    logger.use_other(logger.open_other(LogOptions(log_file=tmp_path / "b", debug=True), "x"))
    logger.debug("two")
    assert "one" in (tmp_path / "a").read_text() and "two" in (tmp_path / "b").read_text()


def test_gathered_lines_keep_their_order(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "log", trace=True)

    def written() -> list[str]:
        return re.findall(r"\] (\d)$", (tmp_path / "log").read_text(), re.M)

    async def scenario() -> None:
        logger.attach(asyncio.get_running_loop())
        logger.trace("1")
        assert (tmp_path / "log").read_text() == ""
        logger.notice("2")
        logger.trace("3")
        await wait_until_async(lambda: written() == ["1", "2", "3"], "the lines")
        logger.trace("4")
        logger.detach()

    asyncio.run(scenario())
    logger.trace("5")
    assert written() == list("12345")


def test_the_same_warning_comes_rarely(tmp_path: Path) -> None:
    logger = _file_logger(tmp_path / "log")
    for text in ("a", "a", "b", "a"):
        logger.warn_rarely(text)
    assert re.findall(r"\] (\w)$", (tmp_path / "log").read_text(), re.M) == ["a", "b"]


def test_remote_syslog_over_udp_and_tcp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE_S)
        logger = open_logger(LogOptions(remote_syslog=f"udp://127.0.0.1:{server.getsockname()[1]}"))
        logger.error("broken")
        data = server.recv(2000).decode()
        assert re.fullmatch(rf"<27>\S+ \S+ pynats-server\[{os.getpid()}\]: broken\n", data)
        logger.close()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        logger = open_logger(
            LogOptions(remote_syslog=f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        )
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE_S)
            logger.notice("fine")
            assert peer.makefile("rb").readline().startswith(b"<29>")
            logger.close()


@pytest.mark.parametrize(
    "address", ["bogus", "http://x", "udp://", "udp://h:x", "tcp://127.0.0.1:1"]
)
def test_unusable_syslog_addresses(address: str) -> None:
    with pytest.raises(LogError, match="error connecting to syslog"):
        open_logger(LogOptions(remote_syslog=address))


def test_syslog_without_a_daemon_is_refused_as_by_the_real_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stale").touch()  # a path alone is no daemon
    monkeypatch.setattr(syslog, "_LOCAL_SYSLOG", (str(tmp_path / "stale"), str(tmp_path / "none")))
    with pytest.raises(LogError) as refused:
        open_logger(LogOptions(syslog=True))
    assert str(refused.value) == 'error connecting to syslog: "Unix syslog delivery error"'


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_syslog_of_this_machine_gets_lines_as_the_c_library_writes_them(
    kind: socket.SocketKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "log"
    monkeypatch.setattr(syslog, "_LOCAL_SYSLOG", (str(tmp_path / "none"), str(place)))
    with socket.socket(socket.AF_UNIX, kind) as daemon:
        daemon.bind(str(place))
        daemon.settimeout(PATIENCE_S)
        if kind == socket.SOCK_STREAM:
            daemon.listen()
        logger = open_logger(LogOptions(syslog=True))
        reader = daemon.accept()[0] if kind == socket.SOCK_STREAM else daemon
        with reader:
            logger.error("broken")
            reader.settimeout(PATIENCE_S)
            line = reader.recv(2000).decode()
            logger.close()
    shape = rf"<27>\w{{3}} [ \d]\d \d\d:\d\d:\d\d pynats-server\[{os.getpid()}\]: broken\n"
    assert re.fullmatch(shape, line)


def test_a_line_that_is_longer_than_a_datagram_is_cut_and_the_next_ones_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "log"
    monkeypatch.setattr(syslog, "_LOCAL_SYSLOG", (str(place),))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(place))
        daemon.settimeout(PATIENCE_S)
        logger = open_logger(LogOptions(syslog=True))
        logger.error("ä" * 4_000_000)
        logger.error("next")
        long, after = daemon.recv(8_000_000).decode(), daemon.recv(2000).decode()
        logger.close()
    assert re.fullmatch(r"<27>.*: ä+\.\.\.\n", long)
    assert after.endswith(": next\n")


def test_payloads_are_cut() -> None:
    assert payload_text(b"hello", 0) == '["hello"]'
    assert payload_text(b"hello", 5) == '["hello"]'
    assert payload_text(b"hello", 4) == '["hell..."]'


def test_connect_is_logged_without_secrets() -> None:
    shown = redact_connect(
        b'{"user":"u","pass":"s3cret","auth_token":"s3cret","jwt":"s3cret","sig":"s3cret",'
        b'"p\\u0061ss":"s3cret","PASS":"s3cret","name":"n","verbose":false}'
    )
    assert "s3cret" not in shown
    assert '"name":"n"' in shown and '"user":"u"' in shown
    assert redact_connect(b'{"pass":"s3cret"') == "[REDACTED]"
    assert redact_connect(b'["s3cret"]') == "[REDACTED]"
    assert redact_connect(b"[" * 100_000) == "[REDACTED]"
    assert redact_url("nats://u:p@h:1/x") == "nats://[REDACTED]@h:1/x"


def test_arguments_are_masked() -> None:
    args = [
        "x",
        "--user",
        "u",
        "-pass=p",
        "--auth",
        "t",
        "-p",
        "1",
        "--routes=nats://a:b@h,nats://i",
    ]
    assert redact_args(args) == [
        "x", "--user", "[REDACTED]", "-pass=[REDACTED]", "--auth", "[REDACTED]", "-p", "1",
        "--routes=nats://[REDACTED]@h,nats://i",
    ]  # fmt: skip
