"""Where results go: files that the user names, narrow terminals, JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.screen import tables
from pynats_common.commandline.tables import column_widths
from pynsc.__main__ import main

from tests.cli.nsc.test_terminal import attach, plain

Nsc = Callable[..., Any]


@pytest.fixture
def team(nsc: Nsc) -> Nsc:
    nsc("add", "operator", "O", "--sys")
    nsc("edit", "operator", "--sk", "generate", "--service-url", "nats://localhost:4222")
    for name in "AB":
        nsc("add", "account", name)
        nsc("edit", "account", name, "--sk", "generate")
        nsc("edit", "signing-key", "-a", name, "--sk", "generate", "--role", "r")
    nsc("add", "user", "U", "-a", "A")
    nsc("add", "export", "-a", "B", "-s", "s.>", "--description", "many words of no importance")
    nsc("add", "import", "-a", "A", "--src-account", "B", "--remote-subject", "s.x")
    nsc("add", "export", "-a", "A", "-s", "p", "-p")
    nsc("revocations", "add-user", "U", "-a", "A")
    nsc("revocations", "add_activation", "-a", "A", "-s", "p", "-t", "B")
    nsc("edit", "authcallout", "-a", "A", "--auth-user", "U", "--allowed-account", "B",
        "--curve", "generate")  # fmt: skip
    nsc("select", "account", "A")
    return nsc


FILES = [
    "generate creds -n U -a A -o", "generate profile nsc://O/A/U -o",
    "generate activation -a A -s p -t B -o", "generate config --mem-resolver --config-file",
    "generate diagram component -o", "generate diagram object -o", "describe operator -o",
    "describe account A -o", "describe user U -a A -R -o", "describe account A -J -o",
]  # fmt: skip


@pytest.mark.parametrize("command", FILES)
def test_a_file_in_no_folder_is_refused_and_no_folder_is_made(
    command: str, team: Nsc, home: Path
) -> None:
    place = home / "nope" / "x"
    error = team(*command.split(), str(place), code=1)
    assert "is not a folder" in error.err + error.out
    assert not place.parent.exists()
    team(*command.split(), str(home / "there"))
    assert (home / "there").stat().st_mode & 0o777 == 0o600


def test_devices_pipes_and_links_stay_what_they_are(team: Nsc, home: Path) -> None:
    os.mkfifo(home / "pipe")
    reader = os.open(home / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        team("describe", "operator", "-R", "-o", str(home / "pipe"))
        assert b"BEGIN NATS OPERATOR JWT" in os.read(reader, 1 << 16)
    finally:
        os.close(reader)
    assert (home / "pipe").is_fifo()
    (home / "folder").mkdir()
    (home / "link").symlink_to(home / "folder" / "target")
    team("describe", "operator", "-R", "-o", str(home / "link"))
    assert (home / "link").is_symlink() and (home / "folder/target").is_file()
    assert "it is a folder" in team("describe", "operator", "-o", str(home), code=1).err


TABLES = [
    "list operators", "list accounts", "list users -a A", "list keys --all", "list keys -S --all",
    "describe operator", "describe account A -W", "describe account B", "describe user U -a A -W",
    "revocations list-users -a A", "revocations list_activations -a A -s p", "validate -A",
    "expirations", "env",
]  # fmt: skip


@pytest.mark.parametrize("command", TABLES)
@pytest.mark.parametrize("columns", ["10", "40", "80"])
def test_no_key_is_broken_at_a_narrow_terminal(
    command: str, columns: str, team: Nsc, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = home / ".local/share/nats/nsc/keys/keys"
    words = [path.stem for path in keys.rglob("*.nk")]
    words += [path.read_text() for path in keys.rglob("*.nk")] + [str(keys.parent)]
    piped = team(*command.split(), code=1 if command == "validate -A" else 0)
    with monkeypatch.context() as patch:
        out, err = attach(patch)
        patch.setenv("COLUMNS", columns)
        main(command.split())
    shown = plain(out.getvalue() + err.getvalue())
    for word in words:
        assert shown.count(word) == (piped.out + piped.err).count(word)


def test_no_word_is_broken_in_tables_of_pynats(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "N" * 56
    with monkeypatch.context() as patch:
        attach(patch)
        shown = tables.table("Known Contexts", ("Name", "Description"), [(name, "some words " * 9)])
    assert name in shown and "some words" in shown
    assert name * 5 in tables.table("", ("Name",), [(name * 5,)])


@given(
    st.lists(st.lists(st.text("a b\n", max_size=20), min_size=3, max_size=3), min_size=1),
    st.integers(-5, 100),
)
def test_columns_fit_where_words_allow_it(rows: list[list[str]], room: int) -> None:
    widths = column_widths(rows, room)
    words = [max([1, *(len(word) for row in rows for word in row[column].split())])
             for column in range(3)]  # fmt: skip
    lines = [max([1, *(len(line) for row in rows for line in row[column].split("\n"))])
             for column in range(3)]  # fmt: skip
    assert all(
        word <= width <= line for word, width, line in zip(words, widths, lines, strict=True)
    )
    assert sum(widths) <= max(room, sum(words)) and sum(widths) >= min(room, sum(lines))


def test_json_leaves_warnings_on_standard_error(team: Nsc, home: Path) -> None:
    path = home / ".local/share/nats/nsc/stores/O/accounts/B/B.jwt"
    path.write_text("nonsense")
    shown = team("list", "accounts", "-J")
    assert [entry["name"] for entry in json.loads(shown.out)] == ["A", "B", "SYS"]
    assert "[WARN]" in shown.err and "B.jwt" in shown.err
