"""Whole runs at a pseudo terminal: the walkthrough of the documentation, and every way to end."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.entry import main as pynats
from pynats_top.entry import main as pynats_top

from tests.cli.conftest import Cli
from tests.cli.terminal import Terminal
from tests.support.client import Client
from tests.support.deadline import Deadline
from tests.support.process import PYNATS, ServerProcess, lasting_port
from tests.top.conftest import port_of

pyte = pytest.importorskip("pyte")
# What pyte takes for text: keyboard protocols, pointers and questions about the terminal.
_UNKNOWN = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-z$]+p?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_KEPT = re.compile(rb"\x1b\[\?(?:25|1049)[hl]")
# The beginning of one of them, perhaps.
_HALF = re.compile(rb"\x1b(?:\[[<>=?]?[0-9;]*\$?|\][^\x07\x1b]*\x1b?)?\Z")
HEAD, ASKED, COUNTED, TITLES, FIRST = 0, 6, 7, 8, 9

COLUMNS = [
    "HOST", "CID", "SUBS", "PENDING", "MSGS_TO", "MSGS_FROM", "BYTES_TO", "BYTES_FROM", "LANG",
    "VERSION", "UPTIME", "LAST_ACTIVITY",
]  # fmt: skip


class TopTerminal(Terminal):
    """Its screen as lines."""

    lines_shown, columns_shown = 24, 220

    _screen: Any = None
    _stream: Any = None
    _drawn = 0  # bytes of `raw`

    def shown_lines(self) -> list[str]:
        # pyte is slow: it gets what is new, and all of it again only for another size.
        size = (self.lines_shown, self.columns_shown)
        if self._screen is None or (self._screen.lines, self._screen.columns) != size:
            self._screen = pyte.Screen(self.columns_shown, self.lines_shown)
            self._stream = pyte.ByteStream(self._screen)
            self._drawn = 0
        new = self.raw[self._drawn :]
        half = _HALF.search(new)
        new = new[: half.start()] if half else new
        self._drawn += len(new)
        known = _UNKNOWN.sub(lambda found: found[0] if _KEPT.fullmatch(found[0]) else b"", new)
        self._stream.feed(known)
        return [line.rstrip() for line in self._screen.display]

    def until(self, seen: Callable[[list[str]], Any], what: str) -> list[str]:
        """Waits until the screen is as wanted."""
        deadline = Deadline()
        while not seen(lines := self.shown_lines()):
            deadline.check(f"{what} on the screen:\n" + "\n".join(lines))
            assert self.read_some(), "it has ended:\n" + "\n".join(lines)
        return lines

    def until_line(self, number: int, pattern: str) -> list[str]:
        return self.until(lambda lines: re.search(pattern, lines[number]), f"{pattern!r}")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(PYNATS, tmp_path_factory.mktemp("plain"), monitor=True) as server:
        yield server


@pytest.fixture
def opened(cli: Cli, plain: ServerProcess) -> Iterator[Callable[..., TopTerminal]]:
    made: list[TopTerminal] = []

    def start(*arguments: str, program: Callable[[], Any] = pynats_top) -> TopTerminal:
        given = arguments or ("-m", port_of(plain))
        made.append(TopTerminal(cli, *given, lines=24, columns=220, program=program))
        return made[-1]

    yield start
    for terminal in made:
        if terminal._code is None:
            os.kill(terminal.pid, signal.SIGKILL)


def _words(line: str) -> str:
    return " ".join(line.split())


def _hosts(lines: list[str]) -> list[str]:
    return [line for line in lines[FIRST:-2] if line]


def _cids(lines: list[str]) -> list[int]:
    # Of rows that are there as a whole.
    found = [re.match(r"  \S+ +(\d+) .* UTC", line) for line in _hosts(lines)]
    return [int(row[1]) for row in found if row]


def test_the_walkthrough_of_the_documentation(
    plain: ServerProcess, opened: Callable[..., TopTerminal]
) -> None:
    # 2, 3: a server with a monitoring port, and nobody is there.
    top = opened("-m", port_of(plain), "-d", "1")
    lines = top.until(
        lambda found: found[COUNTED] == "Connections Polled: 0" and found[TITLES].split() == COLUMNS
        and _words(found[5]).startswith("Out: Msgs: 0 Bytes: 0 Msgs/Sec: 0.0 Bytes/Sec: 0 "),
        "a server without connections",
    )  # fmt: skip
    assert re.match(r"NATS server version \S+ \(uptime: \S+\)$", lines[HEAD])
    assert re.match(r"  Load: CPU: +[0-9.]+%  Memory: [0-9.]+M  Slow Consumers: 0$", lines[3])
    assert _words(lines[4]).startswith("In: Msgs: 0 Bytes: 0 Msgs/Sec: 0.0 Bytes/Sec: 0 ")
    assert lines[ASKED] == ""

    # 4, 5: three subscribers, and messages.
    with Client(plain.port) as one, Client(plain.port) as two, Client(plain.port) as three:
        for client, subjects in ((one, ["foo.bar"]), (two, ["foo"]), (three, ["foo", "bar"])):
            for subject in subjects:
                client.subscribe(subject)
            client.flush()
        for _ in range(21):
            one.publish("foo", b"12345")
        two.publish("foo.bar", b"12345678")
        for client in (one, two, three, one):
            client.flush()
        lines = top.until(
            lambda found: (
                found[COUNTED] == "Connections Polled: 3"
                and "Msgs: 22 " in found[4]
                and len(_hosts(found)) == 3
                and "Msgs: 43 " in found[5]
            ),
            "the figures of three",
        )
        assert _words(lines[4]).startswith("In: Msgs: 22 Bytes: 113 Msgs/Sec: ")
        assert _words(lines[5]).startswith("Out: Msgs: 43 Bytes: 218 Msgs/Sec: ")
        first, second, third = _cids(lines)
        rows = {
            int(line.split()[1]): [line.split()[1], *line.split()[3:9]] for line in _hosts(lines)
        }
        assert rows[first] == [str(first), "2", "0", "1", "21", "8", "105"]
        assert rows[second] == [str(second), "2", "0", "21", "1", "105", "8"]
        assert rows[third] == [str(third), "3", "0", "21", "0", "105", "0"]

        # 6, 7: sorted by other figures, the question between Out: and Connections.
        top.type("o")
        top.until_line(ASKED, r"^sort by \[cid\]:")
        top.type("bytes_from\r")
        top.until(lambda found: _cids(found) == [first, second, third] and not found[ASKED],
                  "the order of bytes_from")  # fmt: skip
        for field, order in (
            ("subs", [third]), ("pending", []), ("msgs_to", []), ("bytes_to", []),
            ("msgs_from", [first, second, third]), ("lang", []), ("version", []),
            ("cid", [first, second, third]),
        ):  # fmt: skip
            top.type("o")
            top.until_line(ASKED, "^sort by ")
            top.type(f"{field}\r")
            top.until(lambda found, order=order: _cids(found)[: len(order)] == order
                      and not found[ASKED], field)  # fmt: skip
        # 8: subscriptions.
        top.type("s")
        lines = top.until(lambda found: found[FIRST + 2].count("foo"), "subscriptions")
        top.type("s")
        top.until(lambda found: "foo" not in found[FIRST + 2], "no subscriptions")
        top.type("?")
        top.until(lambda found: "Any key goes back" in found[-1], "help")
        top.type("x")
        top.until_line(COUNTED, "^Connections Polled: 3$")
        # 9: the end.
        top.type("q")
        assert top.finish() == 0

        # 10: the connection with most subscriptions.
        top = opened("-m", port_of(plain), "-n", "1", "-sort", "subs")
        top.until_line(COUNTED, "^Connections Polled: 1 of 3$")
        top.until(lambda found: _cids(found) == [third], "the one with most subscriptions")
        top.type("n")
        top.until_line(ASKED, r"^limit   \[1\]:")
        top.type("2\r")
        top.until_line(COUNTED, "^Connections Polled: 2 of 3$")
        top.type("\x03")
        assert top.finish() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_signals_put_the_terminal_back(
    opened: Callable[..., TopTerminal], number: signal.Signals
) -> None:
    top = opened()
    top.until_line(COUNTED, "^Connections Polled: ")
    top.interrupt(number)
    assert top.finish() == 128 + number  # and looks at the terminal
    assert b"Traceback" not in top.raw and top.raw.count(b"\x1b[?1049l") == 1


def test_a_crash_is_one_line(
    opened: Callable[..., TopTerminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        secret = "PASSWORD"  # noqa: F841 - of a variable nothing is to be seen
        raise ValueError("it \x1b[2J broke")

    monkeypatch.setattr("pynats_top.screen.main.contents_of", fail)
    top = opened()
    assert top.finish() == 1
    after = top.raw.partition(b"\x1b[?1049l")[2]
    assert b"pynats: error: the screen has failed: ValueError: it \\u001b[2J broke" in after
    assert b"Traceback" not in top.raw and b"PASSWORD" not in top.raw


def test_a_server_that_is_started_again(tmp_path: Path, opened: Callable[..., TopTerminal]) -> None:
    port = lasting_port()
    config = f"http: 127.0.0.1:{port}\n"
    with ServerProcess(PYNATS, tmp_path, config):
        url = f"http://127.0.0.1:{port}"
        top = opened("top", "--monitor", url, "-d", "0.3", program=pynats)
        top.until_line(HEAD, r"^NATS server version \S+ \(uptime: \S+\)$")
    top.until_line(HEAD, "connection refused")
    top.resize(5, 20)
    top.lines_shown, top.columns_shown = 5, 20
    top.until(lambda lines: "Terminal too small:" in " ".join(lines), "words")
    top.resize(15, 60)
    top.lines_shown, top.columns_shown = 15, 60
    top.until(lambda lines: "Connections Polled" in "".join(lines), "figures again")
    with ServerProcess(PYNATS, tmp_path / "again", config):
        top.until_line(HEAD, r"^NATS server version \S+ \(uptime: \S+\)$")
    top.type("q")
    assert top.finish() == 0
