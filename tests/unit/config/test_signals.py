"""Finding the server to signal, and hiding secrets of a process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pynats_server.process import signals
from pynats_server.process.signals import SignalError, send_signal

from tests.support.deadline import PATIENCE_S


class Sent(list[tuple[int, int]]):
    def kill(self, pid: int, number: int) -> None:
        self.append((pid, number))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    record = Sent()
    monkeypatch.setattr("os.kill", record.kill)
    return record


def _running(monkeypatch: pytest.MonkeyPatch, *pids: int) -> None:
    monkeypatch.setattr(signals, "running_servers", lambda: list(pids))


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("stop", signal.SIGKILL),
        ("quit", signal.SIGINT),
        ("term", signal.SIGTERM),
        ("reopen", signal.SIGUSR1),
        ("reload", signal.SIGHUP),
        ("ldm", signal.SIGUSR2),
    ],
)
def test_commands(command: str, number: int, sent: Sent) -> None:
    send_signal(f"{command}=4242")
    assert sent == [(4242, number)]


def test_targets(sent: Sent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _running(monkeypatch, 12)
    send_signal("quit")
    (tmp_path / "pid").write_text("77\n")
    send_signal(f"quit={tmp_path / 'pid'}")
    _running(monkeypatch, 12, 123, 45)
    send_signal("quit=12*")
    assert [pid for pid, _ in sent] == [12, 77, 12, 123]


@pytest.mark.parametrize(
    ("spec", "running", "message"),
    [
        ("reload", (), "no pynats-server processes running"),
        ("reload", (1, 2), "multiple pynats-server processes running:\n1\n2"),
        ("reload=x", (1,), "invalid pid: x"),
        ("reload=0", (1,), "invalid pid: 0"),
        ("reload=-1", (1,), "invalid pid: -1"),
        ("bogus=5", (1,), 'unknown signal "bogus"'),
        ("a=1=2", (1,), "invalid signal parameters: [2]"),
    ],
)
def test_refusals(
    spec: str,
    running: tuple[int, ...],
    message: str,
    sent: Sent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _running(monkeypatch, *running)
    with pytest.raises(SignalError) as caught:
        send_signal(spec)
    assert str(caught.value) == message
    assert sent == []


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_pid_file_means_nobody(sent: Sent, tmp_path: Path, content: str) -> None:
    path = tmp_path / "pid"
    path.write_text(content)
    with pytest.raises(SignalError, match="is empty"):
        send_signal(f"quit={path}")
    assert not sent


def test_process_that_is_gone() -> None:
    with pytest.raises(SignalError, match='signal "reload" 99999999: no such process'):
        send_signal("reload=99999999")


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (["/usr/bin/pynats-server", "-p", "1"], True),
        (["/venv/bin/python3.11", "/venv/bin/pynats-server", "-p"], True),
        (["python3", "-X", "/usr/bin/pynats-server"], True),
        (["python", "-m", "pynats_server"], True),
        (["python", "/shims/nats-server"], True),
        (["python3", "/usr/bin/pynats-server", "-n", "store"], True),
        (["python3", "/usr/bin/pynats-server", "healthcheck"], False),
        (["/usr/bin/pynats-server", "store", "check"], False),
        (["/usr/bin/nats-server", "-p", "1"], False),
        (["vim", "pynats-server"], False),
        (["python", "tool.py", "pynats-server"], False),
        ([""], False),
    ],
)
def test_which_processes_are_servers(words: list[str], ours: bool) -> None:
    assert signals._is_server(words) is ours


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_running_server_is_found_and_signalled(tmp_path: Path) -> None:
    script = tmp_path / "pynats-server"
    script.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in signals.running_servers()
        send_signal(f"term={process.pid}")
        assert process.wait(PATIENCE_S) == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="writes /proc/self/mem")
def test_secrets_vanish_from_the_process_list() -> None:
    program = (
        "from pynats_server.process.argv_redaction import redact_process_title as redact\n"
        "assert redact()\n"
        "print(open('/proc/self/cmdline', 'rb').read())"
    )
    secrets = ["--user", "s3cret-user", "--pass=s3cret", "--auth", "s3cret"]
    done = subprocess.run(
        [sys.executable, "-c", program, *secrets, "--routes", "nats://a:s3cret@h:1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "s3cret" not in done.stdout and "[REDACTED]" in done.stdout
