"""`pynats-top`: the flags of `nats-top`, its walkthrough in the documentation, and its faults."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.process import ServerProcess
from tests.top.conftest import SUBJECTS, Run, port_of

HEAD = re.compile(
    r"NATS server version \S+ \(uptime: \S+\) \n"
    r"Server: n1\n"
    r"  ID:   N[A-Z0-9]{55}\n"
    r"  Load: CPU:  \d+\.\d%  Memory: \d+\.\d[MG]  Slow Consumers: 0\n"
    r"  In:   Msgs: \S+  Bytes: \S+  Msgs/Sec: 0\.0  Bytes/Sec: 0\n"
    r"  Out:  Msgs: \S+  Bytes: \S+  Msgs/Sec: 0\.0  Bytes/Sec: 0\n"
    r"\n"
    r"Connections Polled: (\d+)\n"
)
COLUMNS = ["HOST", "CID", "NAME", "SUBS", "PENDING", "MSGS_TO", "MSGS_FROM", "BYTES_TO",
           "BYTES_FROM", "LANG", "VERSION", "UPTIME", "LAST_ACTIVITY"]  # fmt: skip


def table(text: str) -> list[dict[str, str]]:
    """The rows of the grid, each cell from where its header begins."""
    head = HEAD.match(text)
    assert head, text
    header, *rows = text[head.end() :].splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    names = header.split()
    ends = [*starts[1:], None]
    return [
        {name: row[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)}
        for row in rows
    ]


def test_the_walkthrough(alone: Run, server: ServerProcess) -> None:
    """Steps 3 to 10 of the documentation, each as one snapshot."""
    here = ("-m", port_of(server), "-o", "-")
    rows = table(alone(*here).out)  # 3, 5
    assert [row["NAME"] for row in rows] == ["one", "two"]
    assert list(rows[0]) == COLUMNS
    assert (rows[1]["SUBS"], rows[1]["MSGS_TO"], rows[1]["BYTES_TO"]) == ("4", "20", "2.0K")
    assert rows[1]["HOST"].startswith("127.0.0.1:")
    for key, column in {"bytes_to": "BYTES_TO", "subs": "SUBS", "msgs_from": "MSGS_FROM"}.items():
        rows = table(alone(*here, "-sort", key, "-b").out)  # 6, 7: the biggest first
        figures = [int(row[column]) for row in rows]
        assert figures == sorted(figures, reverse=True)
    for key in ("cid", "lang", "version"):
        assert len(table(alone(*here, "-sort", key).out)) == 2
    rows = table(alone(*here, "-u").out)  # 8
    assert list(rows[0]) == [*COLUMNS, "SUBSCRIPTIONS"]
    assert set(rows[1]["SUBSCRIPTIONS"].split(", ")) == SUBJECTS
    rows = table(alone(*here, "-n", "1", "-sort", "subs").out)  # 10
    assert [row["NAME"] for row in rows] == ["two"]


def test_connections_by_language(alone: Run, server: ServerProcess) -> None:
    """The documentation has two orders that no server knows."""
    with Client(server.port, name="three"):
        rows = table(alone("-m", port_of(server), "-o", "-", "-sort", "lang").out)
    assert [row["LANG"] for row in rows] == sorted(row["LANG"] for row in rows)


def test_the_text_with_a_delimiter(alone: Run, server: ServerProcess) -> None:
    lines = alone("-m", port_of(server), "-o", "-", "-l", ",", "-u").out.splitlines()
    assert lines[7].split(",") == [*COLUMNS, "SUBSCRIPTIONS"]
    assert [len(line.split(",")) for line in lines[8:]] == [14, 14]
    assert lines[9].split(",")[3:7] == ["4", "0", "20", "0"]


def test_names_from_the_dns(alone: Run, server: ServerProcess) -> None:
    rows = table(alone("-m", port_of(server), "-o", "-", "-lookup").out)
    assert all(row["HOST"] for row in rows)
    assert {row["HOST"] for row in rows} <= {"localhost"} or ":" in rows[0]["HOST"]


def test_a_server_in_every_spelling(alone: Run, server: ServerProcess) -> None:
    port = port_of(server)
    for where in (
        ["-s", "127.0.0.1", "-m", port],
        ["-s", f"127.0.0.1:{port}"],
        ["-s", f"http://127.0.0.1:{port}"],
        ["--s", "http://127.0.0.1/", "--m", port],
    ):
        assert len(table(alone(*where, "-o", "-").out)) == 2
    both = alone("-s", f"127.0.0.1:{port},http://127.0.0.1:{port}", "-o", "-").out
    assert both.count("NATS server version") == 2


def test_a_client_port(alone: Run, server: ServerProcess) -> None:
    result = alone("-m", str(server.port), "-o", "-")
    assert (result.code, result.out, result.err) == (
        1, "",
        f"pynats-top: 127.0.0.1:{server.port} is a client port, no monitoring port: start the"
        " server with -m 8222 and use that port\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-x"], "flag provided but not defined: -x: see pynats-top -h"),
        (["-sorted", "cid"], "flag provided but not defined: -sorted"),
        (["-n", "x"], 'invalid value "x" for flag -n: parse error'),
        (["-n"], "flag needs an argument: -n"),
        (["-n", "0"], "invalid number of connections 0"),
        (["-sort", "nope"], "invalid option to sort by: nope"),
        (["-d", "x"], '-d: must be seconds or a duration, got "x"'),
        (["-m", "0"], "invalid monitoring port 0"),
        (["-m", "99999"], "invalid monitoring port 99999"),
        (["-s", ""], "invalid monitoring endpoint: -s is empty"),
        (["-s", "nats://h:4222"], "nats://h:4222 is a client address"),
        (["-format", "xml"], "-format: must be one of text, csv, json"),
        (["-context", "nope", "-once"], 'unknown context "nope"'),
        (["-context", "nope", "-s", "h"], "-context names the servers"),
        (["word"], "unexpected argument 'word'"),
        (["-ms", "1", "-cert", "x"], "needs both a certificate and a key file"),
        (["-ms", "1", "-cacert", "/nonexistent"], "file /nonexistent does not exist"),
        (["-m", "1"], "the screen needs a terminal: use --once"),
        (["-m", "1", "-o", "-"], "connection refused"),
    ],
)
def test_bad_input_is_one_line(alone: Run, arguments: list[str], words: str) -> None:
    result = alone(*arguments)
    assert (result.code, result.out) == (1, "")
    assert words in result.err
    assert result.err.startswith("pynats-top: ")
    assert result.err.count("\n") == 1


def test_help_and_version(alone: Run) -> None:
    text = alone("-h").out
    for flag in ("s", "m", "ms", "n", "d", "sort", "lookup", "o", "l", "b", "r", "cert", "key",
                 "cacert", "k", "u"):  # fmt: skip
        assert f"\n  -{flag} " in text
    assert alone("-v").out == alone("--version").out
    assert alone("-v").out.startswith("pynats-top: v")


def test_help_loads_neither_the_screen_nor_a_client(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pynats_top.standalone import run\n"
        "from pynats_cli.app import run as pynats\n"
        "run(['-h']); pynats(['top', '--help'])\n"
        "print(*(name for name in ('textual', 'nats', 'rich', 'h11') if name in sys.modules))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert shown.stdout.endswith("\n\n")


def test_without_standard_input() -> None:
    """The shell's `<&-`, as some starters of jobs do it."""
    script = 'exec "$0" -c "from pynats_top.entry import main; main()" <&-'
    ran = subprocess.run(
        ["sh", "-c", script, sys.executable], capture_output=True, text=True, check=False
    )
    assert ran.stderr == (
        "pynats-top: the screen needs a terminal: use --once, or -o FILE for a file\n"
    )
