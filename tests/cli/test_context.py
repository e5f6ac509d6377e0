"""Contexts: the command group, and the resulting settings of a connection."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from pynats_cli.connect.settings import resolve_settings
from pynats_cli.errors import CliError
from pynats_cli.global_options import split_global_options
from pynats_cli.runner import run_async
from pynats_common.contexts import Context, ContextStore

from tests.cli.conftest import Cli, url_of
from tests.support.process import ServerProcess


def test_a_context_is_created_selected_and_used(lone_cli: Cli, server: ServerProcess) -> None:
    done = lone_cli.run("context", "save", "one", "-s", url_of(server), "--description", "My one")
    assert done.code == 0
    assert f"  Description: My one\n  Server URLs: {url_of(server)}\n" in done.out
    path = lone_cli.home / "config" / "nats" / "context" / "one.json"
    assert json.loads(path.read_text())["url"] == url_of(server)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert lone_cli.run("--context", "one", "pub", "x", "y").code == 0
    assert lone_cli.run("pub", "x", "y", "--context", str(path)).code == 0
    assert lone_cli.run("pub", "x", "y", NATS_CONTEXT="one").code == 0
    assert lone_cli.run("ctx", "select", "one").code == 0
    assert lone_cli.run("pub", "x", "y").code == 0
    assert lone_cli.run("pub", "x", "y", "--no-context", "-s", "127.0.0.1:1").code == 1
    assert lone_cli.run("ctx", "validate", "--connect").code == 0
    assert "   Connection: OK" in lone_cli.run("ctx", "info", "--connect").out


def test_the_group_lists_copies_switches_and_removes(lone_cli: Cli) -> None:
    assert lone_cli.run("context", "ls").out == "No known contexts\n"
    lone_cli.run("context", "add", "one", "--user", "u", "--password", "hush")
    copied = lone_cli.run("context", "copy", "one", "two:b", "--select", "-s", "other:1")
    assert "hush" not in copied.out
    assert "Password: ****" in copied.out
    assert lone_cli.run("context", "copy", "one", "two:b").code == 1
    lone_cli.run("context", "select", "one")
    assert lone_cli.run("context", "ls", "--names").out == "one\ntwo:b\n"
    assert lone_cli.run("context", "ls", "--completion").out == "one*:\ntwo\\:b:\n"
    listed = json.loads(lone_cli.run("ctx", "ls", "-j").out)
    assert [item["name"] for item in listed] == ["one", "two:b"]
    assert "│ one* " in lone_cli.run("context", "ls").out
    assert '"two:b"' in lone_cli.run("ctx", "--", "-").out
    assert '"one"' in lone_cli.run("ctx", "previous").out
    assert "cannot remove the selected context" in lone_cli.run("ctx", "rm", "one").err
    assert "without a terminal" in lone_cli.run("ctx", "rm", "two:b").err
    assert lone_cli.run("ctx", "rm", "one", "--force").code == 0
    assert lone_cli.run("ctx", "unselect").out == "No context currently selected\n"
    assert lone_cli.run("ctx", "ls", "--names").out == "two:b\n"
    assert 'unknown context "nope"' in lone_cli.run("ctx", "select", "nope").err


def test_selecting_what_is_saved_also_connects(cli: Cli) -> None:
    done = cli.run("context", "add", "here", "--select")
    assert (done.code, "   Connection: OK" in done.out) == (0, True)
    done = cli.run("context", "copy", "here", "gone", "--select", "-s", "127.0.0.1:1")
    assert (done.code, "   Connection: nats: no servers available" in done.out) == (0, True)
    assert "Connection" not in cli.run("context", "select", "here").out


def test_a_context_is_edited_in_the_chosen_editor(lone_cli: Cli) -> None:
    lone_cli.run("context", "add", "one", "-s", "before:1")
    assert lone_cli.run("context", "edit", "one", EDITOR="sed -i s/before/after/").code == 0
    assert "after:1" in lone_cli.run("context", "info", "one").out
    broken = lone_cli.run("context", "edit", "one", EDITOR="sed -i s/{/[/")
    assert "is not valid JSON" in broken.err
    assert "after:1" in lone_cli.run("context", "info", "one").out
    assert "EDITOR" in lone_cli.run("context", "edit", "one", EDITOR="").err


def test_faulty_contexts_are_reported(lone_cli: Cli) -> None:
    lone_cli.run("context", "add", "one", "--creds", "/no/such.creds")
    done = lone_cli.run("context", "validate")
    assert "Credentials: /no/such.creds (ERROR)" in done.out
    assert (done.code, done.err) == (1, "pynats: error: validation failed\n")
    both = lone_cli.run("context", "add", "two", "--creds", "x", "--nkey", "y")
    assert "too many types of credentials" in both.err


def test_a_vanished_selection_is_an_error_once(lone_cli: Cli) -> None:
    lone_cli.run("context", "add", "one", "--select", "-s", "127.0.0.1:1")
    (lone_cli.home / "config" / "nats" / "context" / "one.json").unlink()
    assert 'selected context "one" does not exist' in lone_cli.run("pub", "x", "y").err
    assert "no servers available" in lone_cli.run("pub", "x", "y", "-s", "127.0.0.1:1").err


@pytest.fixture
def store(tmp_path: Path) -> ContextStore:
    store = ContextStore(tmp_path)
    context = Context(url="nats://ctx:1", user="u", password="p", inbox_prefix="_IN")
    store.save(context, "one")
    store.select("one")
    return store


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ("", {}, {"url": "nats://ctx:1", "user": "u", "password": "p"}),
        ("-s flag:1", {"NATS_URL": "env:1"}, {"url": "flag:1", "user": "u"}),
        ("", {"NATS_URL": "env:1"}, {"url": "env:1", "inbox_prefix": "_IN"}),
        ("--creds c", {}, {"creds": "c", "user": "", "password": ""}),
        ("--creds c", {"NATS_USER": "e", "NATS_PASSWORD": "e"}, {"creds": "c", "user": ""}),
        ("--user only", {}, {"token": "only", "user": "", "password": ""}),
        ("--user f", {"NATS_PASSWORD": "e"}, {"user": "f", "password": "e", "token": ""}),
        ("--token t --nkey n", {}, {"token": "t", "nkey": "n", "user": ""}),
        ("--no-context", {}, {"url": "", "user": "", "inbox_prefix": ""}),
        ("--domain d --tls-first", {}, {"jetstream_domain": "d", "tls_first": True}),
    ],
)
def test_flags_beat_the_environment_and_both_beat_the_context(
    store: ContextStore, arguments: str, environment: dict[str, str], expected: dict[str, str]
) -> None:
    options, rest = split_global_options(arguments.split(), environment)
    settings = resolve_settings(options, store)
    assert rest == []
    assert {key: getattr(settings, key) for key in expected} == expected


def test_an_unknown_context_is_an_error(store: ContextStore) -> None:
    options, _ = split_global_options(["--context", "nope"], {})
    with pytest.raises(CliError, match='unknown context "nope"'):
        resolve_settings(options, store)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"url":"\\ud800"}', 'field "url" is not valid Unicode'),
        (b'{"url":"\xff"}', "not valid JSON"),
    ],
)
def test_context_files_beyond_repair_get_one_line(
    lone_cli: Cli, content: bytes, message: str
) -> None:
    folder = lone_cli.home / "config/nats/context"
    folder.mkdir(parents=True)
    (folder / "odd.json").write_bytes(content)
    (folder / "dangling.json").symlink_to("/does/not/exist")
    for arguments in (["context", "info", "odd"], ["--context", "odd", "pub", "a", "b"]):
        done = lone_cli.run(*arguments)
        assert (done.code, done.out) == (1, "")
        assert message in done.err and len(done.err.splitlines()) == 1
    assert lone_cli.run("context", "ls").code == 0


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_an_unreadable_selection_is_named(lone_cli: Cli, content: bytes | None) -> None:
    selected = lone_cli.home / "config/nats/context.txt"
    selected.parent.mkdir(parents=True)
    if content is None:
        selected.mkdir()
    else:
        selected.write_bytes(content)
    for arguments in (["context", "ls"], ["pub", "a", "b"], ["rtt"]):
        done = lone_cli.run(*arguments)
        assert done.code == 1
        assert str(selected) in done.err and len(done.err.splitlines()) == 1


def test_a_lost_connection_is_one_line_and_a_broken_output_none_of_its_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(error: Exception) -> None:
        raise error

    with pytest.raises(CliError, match="nats: connection lost"):
        run_async(fail(ConnectionResetError("Connection lost")))
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        with pytest.raises(CliError, match="nats: connection lost"):
            run_async(fail(BrokenPipeError()))
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            run_async(fail(BrokenPipeError()))
