"""Names: given once, kept as they are, and understood by the other tools."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.connect.settings import resolve_settings
from pynats_cli.global_options import GlobalOptions
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.names import check_name
from pynats_common.contexts import ContextStore
from pynats_common.creds import decode_creds
from pynsc.core.values import parse_profile_url, profile_url

Nsc = Callable[..., Any]

TWICE = [
    "add operator X -n Y", "add account X -n Y", "add user X --name Y", "edit account A -n A",
    "edit user U --name U", "delete account A -n A", "delete user U --name V",
    "describe operator O -n O", "describe account A -n A", "describe user U -n U",
    "describe jwt X -f Y", "revocations add-user U -n U", "revocations delete-user -n U -u *",
    "import account X --file Y", "import user X -f Y", "reissue operator O -n O",
]  # fmt: skip


@pytest.mark.parametrize("command", TWICE)
def test_a_name_as_argument_and_as_option_is_refused(command: str, nsc: Nsc, home: Path) -> None:
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert "named twice" in nsc(*command.split(), code=1).err
    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


NAMES = ("Op ", " A+c?c ", "Us, er#% ")


def test_names_with_blanks_at_their_ends_travel_between_the_tools(
    nsc: Nsc, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, account, user = NAMES
    nsc("add", "operator", operator)
    nsc("edit", "operator", "--service-url", "nats://127.0.0.1:4222")
    nsc("add", "account", account)
    nsc("add", "user", user, "-a", account)
    creds = home / f".local/share/nats/nsc/keys/creds/{operator}/{account}/{user}.creds"
    for url in (profile_url(*NAMES), "nsc://Op / A%2Bc%3Fc /Us, er#%25 "):
        assert json.loads(nsc("generate", "profile", url).out)["user_creds"] == str(creds)
    nsc("load", "--profile", profile_url(*NAMES))
    nsc("generate", "context", "--context", "ctx ", "-u", user, "-a", account)
    store = ContextStore()
    store.select("ctx ")
    assert store.selected() == "ctx "
    settings = resolve_settings(GlobalOptions(), store)
    assert decode_creds(Path(settings.creds).read_text())
    # The reference alone is enough for pynats, also where only pynsc is installed.
    context = home / ".config/nats/context/ctx .json"
    context.write_text(json.dumps({"nsc": json.loads(context.read_text())["nsc"]}))
    tools = home / "bin"
    tools.mkdir()
    (tools / "pynsc").write_text(f'#!/bin/sh\nexec {sys.executable} -m pynsc "$@"\n')
    (tools / "pynsc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/bin")
    settings = resolve_settings(GlobalOptions(), store)
    assert (settings.creds, settings.url) == (str(creds), "nats://127.0.0.1:4222")
    nsc("edit", "user", user, "-a", account, "--tag", "x")
    nsc("edit", "authcallout", "-a", account, "--auth-user", user)
    nsc("delete", "user", user, "-a", account, "-C")
    assert not creds.exists()
    nsc("rename", "account", account, " B ", "--OK")
    nsc("delete", "account", " B ")


def test_a_selected_context_may_end_with_a_line_end(home: Path) -> None:
    folder = home / ".config/nats"
    (folder / "context").mkdir(parents=True)
    for name in ("a", "b "):
        (folder / "context" / f"{name}.json").write_text("{}")
    for text, name in (("a\n", "a"), (" a \r\n", "a"), ("b ", "b "), ("b \n", "b "), ("", "")):
        (folder / "context.txt").write_text(text)
        assert ContextStore().selected() == name


def test_names_have_no_control_characters() -> None:
    for name in ("a\nb", "a\x00", "a/b", " ", "\x9b1m", "\udcff"):
        with pytest.raises(StoreError):
            check_name(name)
    assert check_name(" a\u00a0b ") == " a\u00a0b "


def test_profile_urls_are_read_as_they_are_written() -> None:
    assert parse_profile_url(profile_url("a b", "c+d", "e%20")) == (["a+b", "c%2Bd", "e%2520"], {})
    assert parse_profile_url("NSC://o?Names&keys=1") == (["o"], {"Names": [""], "keys": ["1"]})
    for text in ("nsc://", "nsc:///a", "nsc://?key", "http://o"):
        with pytest.raises(StoreError):
            parse_profile_url(text)
