"""Health checks where the real tool is no model: exit codes of bad usage, files, secrets, and the
exporter; replicas and live views of a server."""

from __future__ import annotations

import json
import os
import pty
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pynats_cli.commands.server.check.assets
import pynats_cli.commands.server.check.connection
import pynats_cli.commands.server.check.services
import pynats_cli.commands.server.graph
import pynats_cli.commands.server.replicas
import pynats_cli.commands.server.watch.servers
import pynats_cli.servers.checks.live
import pynats_cli.servers.exporter.collecting  # noqa: F401 - imported before forking, see Cli
import pytest
from pynats_cli.entry import main

from tests.cli.conftest import KINDS, Cli, url_of
from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import ServerProcess

CONFIG = """
server_name: solo
accounts {
  APP { users [{user: app, password: s3cret}], jetstream: enabled }
  SYS { users [{user: sys, password: sys}] }
}
system_account: SYS
"""
APP = ("--user", "app", "--password", "s3cret")
SYS = ("--user", "sys", "--password", "sys")


@pytest.fixture(scope="module", params=KINDS)
def checked_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("checked")
    config = CONFIG + f'jetstream {{ store_dir: "{folder / "store"}" }}'
    with ServerProcess(request.param, folder, config) as process:
        yield process


@pytest.fixture
def run(checked_server: ServerProcess, make_cli: Callable[[str], Cli]) -> Cli:
    return make_cli(url_of(checked_server))


def make_stream(cli: Cli, name: str = "S", consumer: str = "C") -> None:
    """A stream of the subject that is its name in small letters, and a consumer."""
    stream = {"name": name, "subjects": [name.lower()], "storage": "file", "num_replicas": 1}
    config = {"durable_name": consumer, "ack_policy": "explicit"}
    for what, document in (
        (f"STREAM.CREATE.{name}", stream),
        (f"CONSUMER.DURABLE.CREATE.{name}.{consumer}", {"stream_name": name, "config": config}),
    ):
        made = cli.run("req", f"$JS.API.{what}", json.dumps(document), *APP)
        assert made.code == 0, made.err


def test_bad_usage_is_unknown_to_nagios(lone_cli: Cli) -> None:
    for arguments in (
        ("stream",), ("stream", "--stream"), ("kv", "--bucket", "b", "--values-warn", "x"),
        ("message", "--stream", "s", "--content", "("), ("meta", "--expect", "-1"),
        ("connection", "--nope"), ("connection", "--rtt-warn", "1"),
    ):  # fmt: skip
        done = lone_cli.run("server", "check", *arguments)
        assert (done.code, done.out) == (3, ""), arguments
        assert done.err.startswith("pynats: error: ")


def test_a_result_in_a_file_is_private_and_replaces_the_old_one(run: Cli, tmp_path: Path) -> None:
    target = tmp_path / "result"
    target.write_text("old")
    done = run.run("server", "check", "stream", "--stream", "NOPE", "--outfile", str(target), *APP)
    assert (done.code, done.out) == (2, "")
    assert target.read_text().startswith("CRITICAL NOPE Crit:could not load info: ")
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".result*")) == []


def test_passwords_of_urls_are_not_told(
    checked_server: ServerProcess, make_cli: Callable[[str], Cli]
) -> None:
    cli = make_cli(f"nats://app:s3cret@127.0.0.1:{checked_server.port}")
    done = cli.run("server", "check", "connection", "--rtt-critical", "1h", "--rtt-warn", "1h")
    assert done.code == 0
    assert "s3cret" not in done.out + done.err


def test_a_server_that_is_not_there_is_critical(lone_cli: Cli) -> None:
    for kind in (("stream", "--stream", "S"), ("kv", "--bucket", "B"), ("jetstream",)):
        done = lone_cli.run("server", "check", *kind, "-s", "nats://127.0.0.1:1")
        assert done.code == 2
        assert "Crit:connection failed: nats: no servers available" in done.out
    page = lone_cli.run(
        "server", "check", "jetstream", "-s", "nats://127.0.0.1:1", "--format", "prometheus"
    )
    assert page.code == 0
    assert 'status_code{item="JetStream",status="CRITICAL"} 2' in page.out


def test_the_last_message_of_a_stream(run: Cli) -> None:
    make_stream(run)
    run.run("pub", "s", "hello", *APP)
    done = run.run("server", "check", "message", "--stream", "S", *APP)
    assert (done.code, done.out.split(" |")[0]) == (
        0, "OK Stream Message OK:Valid message on S > s",
    )  # fmt: skip


def test_a_server_by_its_name(run: Cli) -> None:
    good = run.run(
        "server", "check", "server", "--name", "solo", "--auth-required", "--js-required", *SYS
    )
    assert (good.code, good.out.split(" |")[0]) == (
        0, "OK solo OK:JetStream enabled OK:Authentication required",
    )  # fmt: skip
    assert run.run("server", "check", "server", "--name", "solo", "--tls-required", *SYS).code == 2
    missing = run.run("server", "check", "server", "--name", "x", "--timeout", "500ms", *SYS)
    assert (missing.code, "varz failed" in missing.out) == (2, True)
    assert "no cluster information" in run.run(
        "server", "check", "meta", "--expect", "1", "--lag-critical", "1", "--seen-critical", "1s",
        *SYS,
    ).out  # fmt: skip


def test_the_exporter_runs_its_checks_when_asked(run: Cli, tmp_path: Path) -> None:
    make_stream(run)
    config = tmp_path / "checks.yaml"
    config.write_text(
        "checks:\n"
        "  - {name: conn, kind: connection}\n"
        "  - {name: S, kind: stream, reuse_connection: true, properties: {stream_name: S}}\n"
        "  - {name: none, kind: stream, reuse_connection: true, properties: {stream_name: N}}\n"
        "  - {name: file, kind: credential, properties: {file: /nowhere}}\n"
    )
    exporter = run.start(
        "server", "check", "exporter", "--config", str(config), "--port", "0", *APP
    )
    exporter.wait_for("/metrics")
    match = re.search(r":(\d+)/metrics", exporter.err())
    assert match is not None
    url = f"http://127.0.0.1:{match[1]}"
    for _ in range(2):
        with urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE_S) as answer:
            page = answer.read().decode()
        assert 'connection_status_code{item="conn",status="OK"} 0' in page
        assert 'stream_status_code{item="S",status="OK"} 0' in page
        assert 'stream_status_code{item="none",status="CRITICAL"} 2' in page
        assert 'credential_status_code{item="file",status="CRITICAL"} 2' in page
        assert 'nats_server_check_connection_rtt{item="conn"}' in page
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/", timeout=PATIENCE_S)
    exporter.signal(2)
    assert exporter.finish().code == 130
    assert "CRITICAL none Crit:could not load info: stream not found (10059)" in exporter.err()


def test_the_exporter_says_what_is_wrong(lone_cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "checks.yaml"
    config.write_text("checks: [{name: x, kind: y}]")
    done = lone_cli.run("server", "check", "exporter", "--config", str(config))
    assert done.code == 1
    assert 'checks.yaml: check "x": kind must be one of' in done.err
    config.write_text("checks: [{name: x, kind: connection}]")
    done = lone_cli.run(
        "server", "check", "exporter", "--config", str(config), "--https-key", str(config),
        "--port", "0",
    )  # fmt: skip
    assert "--https-key and --https-certificate are needed together" in done.err


def test_replicas_of_streams_and_consumers(run: Cli) -> None:
    make_stream(run, "R", "RC")
    (row,) = json.loads(run.run("server", "stream-check", "--stream", "R", "--json", *SYS).out)
    assert (row["stream_replica"], row["account"], row["status"]) == ("R", "APP", "IN SYNC")
    done = run.run("server", "stream-check", "--csv", "--health", "--stream", "R", *SYS)
    header, line = done.out.splitlines()
    assert header.endswith("Status,Leader,Peers,Health")
    assert line.endswith(":ok:")
    assert "Streams: 1" in done.err
    assert run.run("server", "stream-check", "--unsynced", "--csv", *SYS).out.count("\n") == 1
    (row,) = json.loads(run.run("server", "consumer-check", "--consumer", "RC", "--json", *SYS).out)
    assert (row["consumer"], row["stream"], row["delivered"]) == ("RC", "R", "0 [0, 0] 0% | 0")


def test_replicas_from_standard_input(run: Cli, lone_cli: Cli) -> None:
    make_stream(run)
    request = json.dumps({"accounts": True, "streams": True, "config": True})
    saved = run.run("req", "$SYS.REQ.SERVER.PING.JSZ", request, "--raw", *SYS).out
    (row,) = json.loads(
        lone_cli.run(
            "server", "stream-check", "--stdin", "--json", "--stream", "S", stdin=saved
        ).out
    )
    assert row["stream_replica"] == "S"
    for arguments, stdin, words in (
        (("--stdin",), "xx", "invalid JSON"), (("--stdin",), "", "no JSZ responses"),
        (("--stdin", "--archive", "a"), "", "cannot be used together"),
        (("--stdin", "--health"), saved, "--health needs a connection"),
    ):  # fmt: skip
        done = lone_cli.run("server", "stream-check", *arguments, stdin=stdin)
        assert (done.code, words in done.err) == (1, True), done.err


@pytest.mark.parametrize(
    "words",
    [("watch", "servers"), ("watch", "jetstream"), ("watch", "accounts"),
     ("watch", "api", "requests"), ("graph", "solo")],
)  # fmt: skip
def test_live_views_need_a_terminal(words: tuple[str, ...], run: Cli) -> None:
    done = run.run("server", *words, *SYS)
    assert (done.code, done.out) == (1, "")
    assert "interactive terminal" in done.err


class Screen:
    """A terminal in which `pynats` runs."""

    def __init__(self, cli: Cli, *arguments: str, size: tuple[int, int] = (50, 160)) -> None:
        import fcntl
        import struct
        import termios

        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
            os.environ.clear()
            os.environ.update(cli.environment | {"TERM": "xterm"})
            for name in ("COLUMNS", "LINES", "NO_COLOR"):  # they win over the terminal's size
                os.environ.pop(name, None)
            sys.argv = ["pynats", *arguments]
            code = 99
            try:
                main()
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        self._text = ""

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self._more(), f"{words!r} on the screen")

    def _more(self) -> str:
        os.set_blocking(self._fd, False)
        try:
            self._text += os.read(self._fd, 65536).decode(errors="replace")
        except BlockingIOError:
            pass
        except OSError:  # how Linux tells that the program has ended
            assert self._text, "ended without a word"
        return self._text

    def close(self) -> None:
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("watch", "servers"), "Top 1 Server activity by Connections"),
        (("watch", "jetstream", "--sort", "file"), "Totals (1 Servers)"),
        (("watch", "accounts"), "Account activity by Connections"),
        (("graph", "solo"), "Bytes In+Out / second"),
        (("graph", "solo", "-j"), "API Requests / second"),
    ],
)
def test_live_views_on_a_terminal(words: tuple[str, ...], shown: str, run: Cli) -> None:
    screen = Screen(run, "server", *words, *SYS)
    try:
        screen.wait_for(shown)
    finally:
        screen.close()


def test_requests_of_the_api_are_seen(run: Cli) -> None:
    screen = Screen(run, "server", "watch", "api", "requests", *APP)
    try:
        screen.wait_for("Waiting for requests...")
        run.run("server", "check", "stream", "--stream", "NONE", *APP)
        screen.wait_for("stream_info_request")
        screen.wait_for("NONE")
    finally:
        screen.close()


def test_a_terminal_can_be_too_small(run: Cli) -> None:
    screen = Screen(run, "server", "watch", "servers", *SYS, size=(6, 40))
    try:
        screen.wait_for("please increase terminal dimensions")
    finally:
        screen.close()
