"""Context files, selection, and the references to secrets they carry."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from pynats_common.contexts import (
    Context,
    ContextError,
    ContextStore,
    UnknownContextError,
    credrefs,
    load_context_file,
    parse_context,
)

FIELDS = [
    *("description", "url", "socks_proxy", "token", "user", "password", "creds", "nkey", "cert"),
    *("key", "ca", "nsc", "jetstream_domain", "jetstream_api_prefix", "jetstream_event_prefix"),
    *("inbox_prefix", "user_jwt", "user_seed", "color_scheme", "tls_first", "windows_cert_store"),
    *("windows_cert_match_by", "windows_cert_match", "windows_ca_certs_match"),
]


@pytest.fixture
def store(tmp_path: Path) -> ContextStore:
    return ContextStore(tmp_path)


def test_a_saved_context_has_every_field_in_the_order_of_nats(
    store: ContextStore, tmp_path: Path
) -> None:
    store.save(Context(url="nats://h:1"), "one")
    path = tmp_path / "nats" / "context" / "one.json"
    assert list(json.loads(path.read_text())) == FIELDS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_context_reads_back_with_fields_of_newer_versions(store: ContextStore) -> None:
    text = json.dumps({"url": "nats://h:1", "from_the_future": {"a": 1}, "tls_first": True})
    store.save(parse_context(text), "one")
    loaded = store.load("one")
    assert (loaded.url, loaded.tls_first, loaded.name) == ("nats://h:1", True, "one")
    assert loaded.unknown == {"from_the_future": {"a": 1}}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": 1}', '{"tls_first": "yes"}', "\x00"])
def test_unreadable_contexts_are_named(text: str) -> None:
    with pytest.raises(ContextError, match='context "broken"'):
        parse_context(text, name="broken")


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a..b"])
def test_names_that_are_no_file_names_are_refused(store: ContextStore, name: str) -> None:
    with pytest.raises(ContextError, match="invalid context name"):
        store.save(Context(), name)
    assert not store.known(name)


def test_two_kinds_of_credentials_are_refused(store: ContextStore) -> None:
    with pytest.raises(ContextError, match="too many types of credentials"):
        store.save(Context(user="u", creds="c"), "one")
    assert store.names() == []


def test_selecting_remembers_the_previous_one(store: ContextStore, tmp_path: Path) -> None:
    for name in ("one", "two"):
        store.save(Context(), name)
    assert (store.selected(), store.previous()) == ("", "")
    store.select("one")
    store.select("two")
    assert (store.selected(), store.previous()) == ("two", "one")
    assert (tmp_path / "nats" / "context.txt").read_text() == "two"
    assert store.unselect() == "two"
    assert (store.selected(), store.previous()) == ("", "two")
    with pytest.raises(UnknownContextError):
        store.select("three")


def test_the_selected_context_stays_unless_it_is_the_last(store: ContextStore) -> None:
    store.save(Context(), "one")
    store.save(Context(), "two")
    store.select("one")
    with pytest.raises(ContextError, match="selected"):
        store.delete("one")
    store.delete("two")
    store.delete("one")
    assert (store.names(), store.selected()) == ([], "")


def test_paths_are_expanded_on_use_and_kept_as_written(
    store: ContextStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KEYS", "/keys")
    context = Context(creds="~/a.creds", ca="$KEYS/ca.pem", key="${KEYS}/k.pem")
    assert store.save(context, "one").creds == "~/a.creds"
    expanded = store.load("one").expanded()
    assert expanded.creds == f"{tmp_path}/a.creds"
    assert (expanded.ca, expanded.key) == ("/keys/ca.pem", "/keys/k.pem")


def test_the_old_nsc_field_is_saved_as_a_reference(
    store: ContextStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool = tmp_path / "bin" / "nsc"
    tool.parent.mkdir()
    profile = {"user_creds": "/x.creds", "operator": {"service": ["nats://a", "nats://b"]}}
    tool.write_text(f"#!/bin/sh\n[ \"$3\" = nsc://O/A/U ] && echo '{json.dumps(profile)}'\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    saved = store.save(Context(nsc="nsc://O/A/U"), "one")
    assert (saved.nsc, saved.creds, saved.url) == ("", "nsc://O/A/U", "nats://a,nats://b")


def test_representations_hide_secrets() -> None:
    context = Context(password="hush", token="hush", user_seed="hush", url="nats://u:hush@h")
    assert "hush" not in repr(context)


def test_a_context_file_anywhere_is_named_after_it(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text('{"url": "nats://h"}')
    assert load_context_file(path).name == "demo"
    with pytest.raises(ContextError, match="cannot read"):
        load_context_file(tmp_path / "none.json")


def test_references_to_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"hush")
    monkeypatch.setenv("THE_SECRET", "hush")
    embedded = "data:;base64," + base64.b64encode(b"hush").decode()
    for reference in (str(path), f"file://{path}", f"FILE://{path}", "env://THE_SECRET", embedded):
        assert credrefs.read_reference(reference) == b"hush"
    assert credrefs.read_literal("env://THE_SECRET") == "hush"
    assert credrefs.read_literal("plain") == "plain"
    assert credrefs.read_literal("odd://value") == "odd://value"
    assert credrefs.embed(str(path)) == embedded
    assert credrefs.embed("env://THE_SECRET") == "env://THE_SECRET"


@pytest.mark.parametrize(
    "reference",
    [
        "/does/not/exist",
        "env://",
        "env://NOT_SET_AT_ALL",
        "data:hush",
        "data:;base64,hus*",
        "x://y",
    ],
)
def test_bad_references_are_errors(reference: str) -> None:
    with pytest.raises(credrefs.CredentialError):
        credrefs.read_reference(reference)


def test_failing_helpers_do_not_show_their_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool = tmp_path / "op"
    tool.write_text("#!/bin/sh\necho hush; exit 3\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(credrefs.CredentialError, match="exit code 3") as caught:
        credrefs.read_reference("op://vault/item/field")
    assert "hush" not in str(caught.value)
