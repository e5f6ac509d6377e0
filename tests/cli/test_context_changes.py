"""Contexts that several tools change, and contexts as other tools write them."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pynats_common.program.filelock
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.contexts import Context, ContextError, ContextStore, parse_context
from pynats_common.program.filelock import hold_lock
from pynats_common.subjects import inbox_prefix_error

from tests.cli.conftest import Cli, url_of
from tests.support.process import ServerProcess

FLAGS = {
    "description": "--description", "url": "--server", "jetstream_domain": "--js-domain",
    "jetstream_api_prefix": "--js-api-prefix", "jetstream_event_prefix": "--js-event-prefix",
    "inbox_prefix": "--inbox-prefix", "cert": "--tlscert", "key": "--tlskey", "ca": "--tlsca",
    "socks_proxy": "--socks-proxy",
}  # fmt: skip


def test_changes_of_a_context_at_the_same_time_are_all_kept(lone_cli: Cli) -> None:
    path = lone_cli.home / "config/nats/context/one.json"
    value = str(lone_cli.home / "v")  # some flags take files that exist
    Path(value).touch()
    running = [lone_cli.start("context", "save", "one", flag, value) for flag in FLAGS.values()]
    running += [lone_cli.start("context", "save", f"new{number}") for number in range(5)]
    running += [lone_cli.start("context", "save", "one", "--select") for _ in range(5)]
    assert [each.finish().code for each in running] == [0] * 20
    stored = json.loads(path.read_text())
    assert {field: stored[field] for field in FLAGS} == dict.fromkeys(FLAGS, value)
    assert len(list(path.parent.iterdir())) == 6
    assert lone_cli.run("context", "ls", "--names").out.count("\n") == 6
    assert (lone_cli.home / "config/nats/context.txt").read_text() == "one"


def test_an_editor_that_is_open_keeps_nobody_waiting_and_undoes_nothing(lone_cli: Cli) -> None:
    lone_cli.run("context", "save", "one", "--description", "first", "-s", "nats://a")
    editor = lone_cli.home / "editor"
    pynats = "from pynats_cli.app import main; main()"
    editor.write_text(
        "import json, subprocess, sys\nfrom pathlib import Path\n"
        "path = Path(sys.argv[1])\nnew = json.loads(path.read_text())\n"
        f"subprocess.run([sys.executable, '-c', {pynats!r}, 'context', 'save', 'one',\n"
        "    '--description', 'second'], check=True, timeout=60)\n"
        "path.write_text(json.dumps({**new, 'URL': 'nats://b'}))\n"
    )
    done = lone_cli.run("context", "edit", "one", EDITOR=f"{sys.executable} {editor}")
    assert done.code == 0, done.err
    stored = json.loads((lone_cli.home / "config/nats/context/one.json").read_text())
    assert (stored["description"], stored["url"]) == ("second", "nats://b")


def test_who_waits_in_vain_is_told_and_readers_do_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pynats_common.program.filelock, "WAIT_S", 0.0)
    store = ContextStore(tmp_path)
    store.save(Context(), "one")
    with hold_lock(tmp_path / "nats/.context.lock", "somebody"):
        with pytest.raises(ContextError, match=r"being changed by somebody \(process"):
            store.select("one")
        assert store.load("one") and store.names() == ["one"] and store.selected() == ""
    store.select("one")
    assert sorted(path.name for path in (tmp_path / "nats").iterdir()) == ["context", "context.txt"]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('{"URL": "up"}', "up"),
        ('{"url": "low", "URL": "up"}', "up"),
        ('{"URL": "up", "url": "low"}', "low"),
        ('{"url": "one", "url": "two"}', "two"),
        ('{"uRl": "odd", "url": null}', "odd"),
        ('{"URL": null}', ""),
        ('\ufeff{"Url": "marked"}', "marked"),
    ],
)
def test_fields_are_read_whatever_their_case(text: str, url: str) -> None:
    assert parse_context(text.encode()).url == url


def test_fields_of_another_case_are_written_as_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "nats/context"
    folder.mkdir(parents=True)
    (folder / "one.json").write_text(
        '{"Creds": "/x", "TLS_FIRST": true, "u\u017fer_jwt": null, "Other": {"A": 1, "a": 2},'
        ' "NAME": "no", "pa\u00dfword": "no"}'
    )
    store = ContextStore(tmp_path)
    store.save(store.load("one"), "two")
    written = json.loads((folder / "two.json").read_text())
    assert (written["creds"], written["tls_first"]) == ("/x", True)
    assert written["Other"] == {"A": 1, "a": 2} and written["pa\u00dfword"] == "no"
    assert "Creds" not in written and "NAME" not in written
    with pytest.raises(ContextError, match='"url" has the wrong type'):
        parse_context('{"URL": 5}')


@pytest.mark.parametrize("prefix", ["a.", ".a", "a..b", "a b", "*", "a.*", ">", "a>b", "a*", "a\t"])
def test_inbox_prefixes_that_cannot_work_are_refused(
    prefix: str, cli: Cli, server: ServerProcess
) -> None:
    done = cli.run("request", "x", "y", "--inbox-prefix", prefix)
    assert done.code == 1 and f"inbox prefix {prefix!r}: it " in done.err
    assert "Sending" not in done.err
    measured = cli.run("rtt", "--inbox-prefix", prefix)
    assert f"inbox prefix {prefix!r}: it " in measured.err
    assert "could be reached" not in measured.err
    assert "inbox prefix" in cli.run("context", "save", "one", "--inbox-prefix", prefix).err
    folder = cli.home / "config/nats/context"
    folder.mkdir(parents=True, exist_ok=True)
    context = {"url": url_of(server), "inbox_prefix": prefix}
    (folder / "two.json").write_text(json.dumps(context))
    assert "inbox prefix" in cli.run("--context", "two", "request", "x", "y").err
    shown = cli.run("context", "validate", "two")
    assert shown.code == 1 and f"Inbox Prefix: {prefix} (ERROR: " in shown.out


@given(st.text("ab.*> \t", max_size=6))
def test_good_inbox_prefixes_begin_good_subjects(prefix: str) -> None:
    tokens = prefix.split(".")
    good = bool(prefix) and all(tokens) and not set(prefix) & set("*> \t")
    assert (inbox_prefix_error(prefix) == "") is good


def test_fields_of_a_status_line_have_their_own_names(cli: Cli, server: ServerProcess) -> None:
    subscriber = cli.start("sub", "x", "--count", "1")
    subscriber.wait_for("Subscribing on x")
    headers = b"NATS/1.0 404 No Messages\r\nA: b\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b'CONNECT {"headers":true,"verbose":false,"pedantic":false}\r\n')
        while subscriber.exit_code() is None:
            size = len(headers)
            client.sendall(b"HPUB x %d %d\r\n%shi\r\nPING\r\n" % (size, size + 2, headers))
            client.recv(4096)
    shown = subscriber.finish().out
    assert "Status: 404\nDescription: No Messages\nA: b\n" in shown and "Header." not in shown
