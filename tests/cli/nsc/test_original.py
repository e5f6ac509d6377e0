"""The behaviour of nsc 2.15, command by command: claims, texts and exit statuses, as observed.

Each row is a command line on a store with operator O, accounts A and B and user U of A; the words
in its report; and a value in the claims afterwards (with its path below `nats`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Nsc = Callable[..., Any]

ACCOUNT_ROWS: list[tuple[str, str, str, Any]] = [
    ("--tag Z,a", 'added tag "z"', "tags", ["a", "z"]),
    ("--data 1.5k", "changed max data to 1500 bytes", "limits.data", 1500),
    ("--payload 6m", "changed max payload size to 6000000", "limits.payload", 6_000_000),
    ("--leaf-conns 2", "changed leaf node connections to 2", "limits.leaf", 2),
    ("--js-disk-storage 1G", "changed global max disk storage to 1000000000",
     "limits.streams", -1),
    ("--js-enable 3", "enabled tier limit R3", "limits.tiered_limits.R3.disk_storage", -1),
    ("--js-tier 2 --js-mem-storage 10", "changed R2 max mem storage to 10",
     "limits.tiered_limits.R2", {"mem_storage": 10, "streams": -1, "consumer": -1,
                                 "max_ack_pending": -1, "mem_max_stream_bytes": -1,
                                 "disk_max_stream_bytes": -1}),
    ("--trace-context-subject t.a", 'changed trace context subject to "t.a"', "trace",
     {"dest": "t.a"}),
    ("--host-cluster-traffic", "edited account", "cluster_traffic", "owner"),
    ("--rm-tag nosuch", "is not set", "tags", None),
    ("--allow-pubsub d --allow-pub-response --response-ttl 5s", 'added sub "d"',
     "default_permissions.resp", {"max": 1, "ttl": 5_000_000_000}),
]  # fmt: skip

USER_ROWS: list[tuple[str, str, str, Any]] = [
    ("--max-responses 4", "set max responses to 4", "resp", {"max": 4, "ttl": 0}),
    ("--subs 5", "changed max number of subs to 5", "subs", 5),
    ("--bearer=false", "ignoring change to bearer - value is already false", "bearer_token", None),
    ("--time 01:00:00-02:00:00", "added time range 01:00:00-02:00:00", "times",
     [{"start": "01:00:00", "end": "02:00:00"}]),
    ("--conn-type websocket,MQTT", "added connection type WEBSOCKET",
     "allowed_connection_types", ["WEBSOCKET", "MQTT"]),
    ("--rm nosuch", "is not set", "pub", {}),
    ("--rm-source-network 1.2.3.0/24", "is not set", "src", None),
]  # fmt: skip

REFUSED = [
    ("edit account A", "specify an edit option"),
    ("edit user U", "specify an edit option"),
    ("edit operator", "specify an edit option"),
    ("edit export -s priv", "specify an edit option"),
    ("edit authcallout", "specify an edit option"),
    ("edit signing-key -a A", "a signing key is required"),
    ("edit user U --locale Nowhere/X", "unknown time zone"),
    ("edit account A --trace-context-sampling 5", "requires a subject"),
    ("edit account A --js-enable 0 --js-streams 5", "excludes"),
    ("edit account A --js-disable --js-enable 0", "excludes"),
    ("edit account A --rm-js-tier 3", "is not set"),
    ("edit operator --require-signing-keys", "signing key"),
    ("generate config", "choose one kind"),
    ("add mapping --from m --to n --weight 101", "--weight"),
    ("delete export --nosuch", "No such option"),
    ("delete export -s nosuch", "exports: priv"),
    ("add user A B C", "unexpected 'B C'"),
]


@pytest.fixture
def team(nsc: Nsc) -> Nsc:
    nsc("add", "operator", "O", "--sys")
    nsc("add", "account", "B")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    nsc("add", "export", "-s", "priv", "-p")
    return nsc


def value(team: Nsc, path: str, *what: str) -> Any:
    found: Any = json.loads(team("describe", *what, "-J").out)["nats"]
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


@pytest.mark.parametrize(("flags", "words", "path", "expected"), ACCOUNT_ROWS)
def test_edit_account(flags: str, words: str, path: str, expected: Any, team: Nsc) -> None:
    assert words in team("edit", "account", "A", *flags.split()).err
    assert value(team, path, "account", "A") == expected


@pytest.mark.parametrize(("flags", "words", "path", "expected"), USER_ROWS)
def test_edit_user(flags: str, words: str, path: str, expected: Any, team: Nsc) -> None:
    assert words in team("edit", "user", "U", *flags.split()).err
    assert value(team, path, "user", "U") == expected


@pytest.mark.parametrize(("command", "words"), REFUSED)
def test_refusals_are_one_line(command: str, words: str, team: Nsc) -> None:
    shown = team(*command.split(), code=1)
    lines = shown.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("Error: ") and words in lines[0]
    assert shown.out == ""


def test_a_command_that_fails_leaves_no_key_and_claims_nothing(team: Nsc, home: Path) -> None:
    before = team("list", "keys", "-A").out
    for command in (
        "add user W --source-network bad", "add account T --expiry 2001-01-01",
        "edit account A --sk generate --info-url no-url", "edit user U --subs 5 --time bad",
        "edit authcallout --curve generate --allowed-account A",
    ):  # fmt: skip
        shown = team(*command.split(), code=1).err
        assert "[ OK ]" not in shown, shown
    assert team("list", "keys", "-A").out == before


def test_empty_texts_clear(team: Nsc) -> None:
    team("edit", "account", "A", "--description", "d", "--trace-context-subject", "t")
    team("edit", "account", "A", "--description", "", "--trace-context-subject", "")
    assert value(team, "description", "account", "A") is None
    assert value(team, "trace", "account", "A") is None


def test_signing_keys_can_be_required_when_all_is_signed_with_them(team: Nsc) -> None:
    require = ["edit", "operator", "--require-signing-keys"]
    team("edit", "operator", "--sk", "generate")
    key = value(team, "signing_keys", "operator")[0]
    assert 'account "A" needs' in team(*require, code=1).err
    for account in ("A", "B", "SYS"):
        team("edit", "account", account, "--tag", "x", "-K", key)
    assert 'user "U" of account "A"' in team(*require, code=1).err
    team("edit", "account", "A", "--sk", "generate", "-K", key)
    team("edit", "user", "U", "-K", value(team, "signing_keys", "account", "A")[0])
    assert "strict signing key usage set to: true" in team(*require).err
    team("validate", "-A")


def test_imports_take_files_as_the_original_does(team: Nsc, home: Path) -> None:
    creds = home / ".local/share/nats/nsc/keys/creds/O/A/U.creds"
    saved = home / "U.creds"
    saved.write_text(creds.read_text())
    assert "already exists" in team("import", "user", "-f", str(saved), code=1).err
    team("delete", "user", "U", "-D", "-C")
    assert "key stored" in team("import", "user", "-f", str(saved)).err
    assert creds.read_text() == saved.read_text()
    account = home / "B.jwt"
    team("describe", "account", "B", "-R", "-o", str(account))
    assert account.read_text().startswith("-----BEGIN NATS ACCOUNT JWT-----")
    team("add", "operator", "P")
    error = team("import", "account", "-j", str(account), code=1).err
    assert "another operator" in error and "--force" in error
    team("import", "account", "-j", str(account), "--force")
    team("validate", "-a", "B")


def test_expirations_have_creds_files_too(team: Nsc) -> None:
    team("edit", "user", "U", "--expiry", "1w")
    report = json.loads(team("expirations", "--json").out)["report"]
    soon = [row for row in report if row["expires_soon"]]
    assert [row["resource"].rpartition("/")[2] for row in soon] == ["U", "U.creds"]
    assert all(row["when"].startswith("in ") for row in soon)
    shown = team("expirations", "--within", "1y").out
    assert "Expiration Report (in 1 year)" in shown and "O/A/U" in shown


def test_lists_of_keys_take_the_original_shorthands(team: Nsc) -> None:
    shown = team("list", "keys", "-a", "-u").out
    assert "| O " not in shown and " SYS" in shown and "  U" in shown
    everyone = json.loads(team("list", "keys", "-u", "--json").out)
    assert {key["name"] for key in everyone} == {"U", "sys"}


def test_nkey_configurations_and_folders(nsc: Nsc, home: Path) -> None:
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    nsc("add", "export", "-s", "st", "-p")
    nsc("add", "account", "B")
    token = home / "t.jwt"
    nsc("generate", "activation", "-a", "A", "-s", "st", "-t", "B", "-o", str(token))
    nsc("add", "import", "-a", "B", "--token", str(token), "--local-subject", "here")
    text = nsc("generate", "config", "--nkey").out
    assert '"accounts": ["B"]' in text and '"to": "here"' in text and '"nkey": "U' in text
    nsc("generate", "config", "--mem-resolver", "--dir", str(home / "dir"))
    assert {path.name for path in (home / "dir").iterdir()} == {
        "O.jwt", "A.jwt", "B.jwt", "resolver.conf",
    }  # fmt: skip


def test_diagrams_show_what_is_missing_and_escape_names(team: Nsc, home: Path) -> None:
    team("add", "account", 'x"] << evil')
    key = value(team, "system_account", "operator")
    team("add", "import", "-a", "B", "--src-account", key, "--remote-subject", "gone")
    shown = team("generate", "diagram", "component", "--detail").out
    assert "<<not found stream>>" in shown and "x'] << evil" in shown
    shown = team("generate", "diagram", "object", "--users", "--show-keys", "--detail").out
    assert "<<system account>>" in shown and "no issues found" in shown


def test_edits_stay_with_the_key_that_signed_before(team: Nsc) -> None:
    team("edit", "operator", "--sk", "generate")
    key = value(team, "signing_keys", "operator")[0]
    team("edit", "account", "A", "--tag", "x", "-K", key)
    team("edit", "account", "A", "--tag", "y")
    assert json.loads(team("describe", "account", "A", "-F", "iss").out) == key
    team("edit", "operator", "--rm-sk", key)
    team("edit", "account", "A", "--tag", "z")
    assert json.loads(team("describe", "account", "A", "-F", "iss").out).startswith("O")
    team("validate", "-A")
