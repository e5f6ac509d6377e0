"""Single commands: bad input, foreign stores, modes, atomic writes, JSON, interactive mode."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.accounts_store import files
from pynats_common.nkeys import Prefix, create_pair
from pynsc.__main__ import main
from pynsc.core.values import parse_duration_ns, parse_number, parse_time
from pynsc.table import COMMANDS

from tests.support.deadline import PATIENCE_S

Nsc = Callable[..., Any]


def stores(home: Path) -> Path:
    return home / ".local/share/nats/nsc/stores"


@pytest.fixture
def team(nsc: Nsc) -> Nsc:
    nsc("add", "operator", "O", "--sys")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    return nsc


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_has_help(path: str, nsc: Nsc) -> None:
    assert f"pynsc {path}" in nsc(*path.split(), "--help").out


def test_files_and_folders_are_private(team: Nsc, home: Path) -> None:
    for folder, dirs, names in os.walk(home / ".local/share/nats"):
        for name in names:
            assert stat.S_IMODE((Path(folder) / name).stat().st_mode) == 0o600
        for name in dirs:
            assert stat.S_IMODE((Path(folder) / name).stat().st_mode) == 0o700
    keys = home / ".local/share/nats/nsc/keys"
    assert (keys / ".gitignore").exists()
    assert len(list(keys.glob("keys/[OAU]/??/*.nk"))) == 6


def test_an_original_store_keeps_its_unknown_fields(nsc: Nsc, home: Path) -> None:
    from tests.unit.credentials.test_jwt import sign_payload

    operator, account = create_pair(Prefix.OPERATOR), create_pair(Prefix.ACCOUNT)
    root = stores(home) / "Old"
    (root / "accounts/A").mkdir(parents=True)
    info = '{"managed":false,"name":"Old","kind":"operator","version":"1","novel":1}'
    (root / ".nsc").write_text(info)
    (root / "Old.jwt").write_text(sign_payload(
        {"iat": 1, "iss": operator.public_key, "name": "Old", "sub": operator.public_key,
         "nats": {"type": "operator", "version": 2, "novel": {"a": 1}}}, operator))  # fmt: skip
    (root / "accounts/A/A.jwt").write_text(sign_payload(
        {"iat": 1, "iss": operator.public_key, "name": "A", "sub": account.public_key,
         "nats": {"limits": {"subs": -1, "novel": 2}, "type": "account", "version": 2,
                  "novel": [1]}}, operator))  # fmt: skip
    keys = home / ".local/share/nats/nsc/keys/keys"
    for pair in (operator, account):
        path = keys / pair.public_key[0] / pair.public_key[1:3] / f"{pair.public_key}.nk"
        path.parent.mkdir(parents=True)
        path.write_text(pair.seed)
    config = home / ".config/nats/nsc/nsc.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"store_root": str(stores(home)), "operator": "Old", "novel": 3}))
    assert "A" in nsc("list", "accounts").out
    nsc("edit", "account", "A", "--tag", "x", "--conns", "9")
    nsc("edit", "operator", "--tag", "y")
    nsc("validate", "-A")
    body = jwt.peek((root / "accounts/A/A.jwt").read_text())["nats"]
    assert body["novel"] == [1] and body["limits"] == {"subs": -1, "conn": 9, "novel": 2}
    assert jwt.peek((root / "Old.jwt").read_text())["nats"]["novel"] == {"a": 1}
    assert (root / ".nsc").read_text() == info
    nsc("select", "account", "A")
    assert json.loads(config.read_text())["novel"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("add account A", "already exists"),
        ("add account a/b", "not allowed"),
        ("add user U", "already exists"),
        ("add user X -a Nobody", "see list accounts"),
        ("add user X -K nonsense", "not a key"),
        ("add user X --expiry 2001-01-01", "in the past"),
        ("add user X --expiry soon", "couldn't parse time"),
        ("edit user U --source-network x", "invalid cidr"),
        ("edit user U --conn-type FAX", "unknown connection type"),
        ("edit account A --conns many", "couldn't parse number"),
        ("edit account SYS --js-enable 0", "system account"),
        ("edit operator --service-url http://x", "scheme"),
        ("edit operator --require-signing-keys", "signing keys are required"),
        ("add export", "subject is required"),
        ("add import --src-account A --remote-subject x", "from itself"),
        ("add import --token /nonexistent", "cannot read"),
        ("add operator O", "already exists"),
        ("select operator Nobody", "not found"),
        ("describe user Nobody", "see list users"),
        ("describe jwt -f /nonexistent", "cannot read"),
        ("generate activation -t A", "no private export"),
        ("generate config --mem-resolver --nats-resolver", "one kind of configuration"),
        ("push -u nats://127.0.0.1:1 -a A", "server nats://127.0.0.1:1"),
        ("pull -u http://127.0.0.1:1 -a A", "cannot reach"),
        ("revocations add-user --at noon", "couldn't parse time"),
        ("import keys -d /nonexistent", "not a directory"),
        ("tool rtt", "no server url"),
    ],
)
def test_mistakes_are_one_line_with_a_reason(arguments: str, words: str, team: Nsc) -> None:
    error = team(*arguments.split(), code=1).err
    last = error.strip().splitlines()[-1]
    assert last.startswith("Error: ") and words in last


def test_unknown_commands_and_empty_stores_say_what_to_do(nsc: Nsc) -> None:
    assert "unknown command" in nsc("frobnicate", code=1).err
    assert "add operator" in nsc("add", "account", "A", code=1).err


def test_wrong_keys_are_refused(team: Nsc, home: Path) -> None:
    other = create_pair(Prefix.OPERATOR)
    key = home / "other.nk"
    key.write_text(other.seed)
    assert "is not a key of operator" in team("add", "account", "B", "-K", str(key), code=1).err
    user = create_pair(Prefix.USER)
    shown = team("add", "account", "B", "-K", user.seed, code=1).err
    assert "expected operator key, got user key" in shown and user.seed not in shown


def test_damaged_jwts_are_named_and_left_alone(team: Nsc, home: Path) -> None:
    path = stores(home) / "O/accounts/A/A.jwt"
    text = path.read_text()
    for damage in ("", text[:-10], text[: len(text) // 2] + "x" + text[len(text) // 2 :], "a.b.c"):
        path.write_text(damage)
        assert "A.jwt" in team("edit", "account", "A", "--tag", "x", code=1).err
        assert path.read_text() == damage
    path.write_text(text)
    team("validate", "-A")


def test_expired_accounts_fail_validation_and_are_not_pushed(team: Nsc, home: Path) -> None:
    path = stores(home) / "O/accounts/A/A.jwt"
    claims = jwt.decode_as(jwt.AccountClaims, path.read_text())
    keys = home / ".local/share/nats/nsc/keys/keys"
    from pynats_common.nkeys import from_seed

    signer = from_seed(next(keys.glob("O/*/*.nk")).read_text())
    claims.exp = 1000
    path.write_text(jwt.encode(claims, signer))
    assert "claim is expired" in team("validate", code=1).out
    data = json.loads(team("expirations", "--json").out)
    assert data["report"][0]["expired"] is True
    with pytest.MonkeyPatch.context():
        assert "expired" in team("push", "-u", "http://127.0.0.1:1", "-a", "A", code=1).err


def test_interrupted_writes_keep_the_old_file(
    team: Nsc, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stores(home) / "O/accounts/A/A.jwt"
    before = path.read_text()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    assert "nothing was changed" in team("edit", "account", "A", "--tag", "x", code=1).err
    assert path.read_text() == before
    assert [p.name for p in path.parent.iterdir() if p.is_file()] == ["A.jwt"]


def test_json_output(team: Nsc) -> None:
    assert json.loads(team("describe", "account", "A", "-J").out)["name"] == "A"
    assert team("describe", "account", "A", "--field", "nats.limits.subs").out.strip() == "-1"
    keys = json.loads(team("list", "keys", "--json").out)
    assert {"name", "pub", "parent", "expected_kind", "signing", "key_path"} <= set(keys[0])
    assert json.loads(team("list", "users", "-J").out)[0]["name"] == "U"
    assert json.loads(team("edit", "account", "A", "--tag", "q", "-J").out)["ok"] is True


def test_interactive_mode_asks_for_what_is_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\nIO\ny\ny\nn\n0\n0\n"))
    assert main(["add", "operator", "-i"]) == 0
    assert 'added operator "IO"' in capfd.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["add", "account", "-i"]) == 1
    assert "no answer" in capfd.readouterr().err


def test_account_edits_and_flags_of_the_original_spelling(team: Nsc) -> None:
    team("edit", "account", "A", "--wildcard-exports=false", "--js-mem-storage", "1GiB",
         "--js-disk-storage=-1", "--trace-context-subject", "t.x", "--sk", "generate")  # fmt: skip
    body = json.loads(team("describe", "account", "A", "-J").out)["nats"]
    assert "wildcards" not in body["limits"] and body["limits"]["mem_storage"] == 2**30
    assert body["trace"] == {"dest": "t.x"} and len(body["signing_keys"]) == 1
    team("edit", "user", "U", "--bearer=true", "--allow-pub", "a,b", "--allow-pub-response=5",
         "--time", "08:00:00-17:00:00", "--source-network", "10.0.0.0/8")  # fmt: skip
    user = json.loads(team("describe", "user", "U", "-J").out)["nats"]
    assert user["bearer_token"] and user["pub"]["allow"] == ["a", "b"] and user["resp"]["max"] == 5
    team("edit", "user", "U", "--rm", "a", "--rm-response-perms", "--bearer=false")
    user = json.loads(team("describe", "user", "U", "-J").out)["nats"]
    assert user["pub"]["allow"] == ["b"] and "resp" not in user and "bearer_token" not in user


def test_mappings_callout_export_edit_and_revocations(team: Nsc) -> None:
    team("add", "mapping", "--from", "a", "--to", "b", "--weight", "60")
    assert "exceeds 100%" in team(
        "add", "mapping", "--from", "a", "--to", "c", "--weight", "50", code=1).err  # fmt: skip
    team("delete", "mapping", "--from", "a", "--to", "b")
    team("edit", "authcallout", "--auth-user", "U", "--allowed-account", "*", "-x", "generate")
    assert "Auth Callout Users" in team("describe", "account", "A").out
    team("edit", "authcallout", "--disable")
    team("add", "export", "-s", "svc", "-r", "-p", "--latency", "lat", "--sampling", "header")
    team("edit", "export", "-s", "svc", "--response-type", "stream", "--response-threshold", "2s")
    team("revocations", "add_activation", "-s", "svc", "-t", "SYS", "--at", "1000")
    assert "1970-01-01" in team("revocations", "list-activations", "-s", "svc").out
    team("revocations", "delete_activation", "-s", "svc", "-t", "SYS")
    team("revocations", "add-user", "-n", "U", "--at", "1000")
    team("revocations", "add-user", "-u", "*")
    assert len(json.loads(team("revocations", "list-users", "-J").out)) == 2
    team("revocations", "delete-user", "-u", "*")
    assert "1970-01-01 00:16:40" in team("revocations", "list-users").out
    team("delete", "export", "-s", "svc")


def test_reissue_export_import_and_fix(team: Nsc, home: Path) -> None:
    before = team("describe", "operator", "-F", "sub").out
    team("reissue", "operator", "--convert-to-signing-key")
    assert team("describe", "operator", "-F", "sub").out != before
    team("validate", "-A")
    out = home / "out"
    team("export", "keys", "-d", str(out), "-A", "--include-jwts")
    team("fix", "--in", str(out), "--out", str(home / "rebuilt"), "--creds")
    team("validate", "-A", "--data-dir", str(home / "rebuilt/operators"),
         "--keystore-dir", str(home / "rebuilt/keys"))  # fmt: skip
    assert (home / "rebuilt/keys/creds/O/A/U.creds").exists()
    key = json.loads(team("describe", "user", "U", "-F", "sub").out)
    team("delete", "user", "U", "-D", "-C")
    team("import", "user", "-f", str(out / f"{key}.jwt"))
    team("import", "keys", "-d", str(out))
    team("generate", "creds", "-n", "U", "-o", str(home / "U.creds"))
    team("rename", "account", "A", "Z", "--OK")
    assert "U" in team("list", "users", "-a", "Z").out


def test_generate_diagram_profile_and_context(team: Nsc, home: Path) -> None:
    assert team("generate", "diagram", "component").out.startswith("@startuml")
    assert "<<user>>" in team("generate", "diagram", "object", "--users").out
    data = json.loads(team("generate", "profile", "nsc://O/A/U?names&accountKey").out)
    assert data["user"]["name"] == "U" and data["account"]["id"].startswith("A")
    team("generate", "context", "--context", "ctx", "-u", "U")
    context = json.loads((home / ".config/nats/context/ctx.json").read_text())
    assert context["nsc"] == "nsc://O/A/U" and context["creds"].endswith("U.creds")


def test_seeds_are_shown_only_on_request(team: Nsc) -> None:
    quiet = ("list keys", "describe account", "describe user", "list keys --all --json",
             "generate config --mem-resolver")  # fmt: skip
    shown = "".join(team(*command.split()).out for command in quiet)
    assert "| SO" not in shown and "| SA" not in shown.replace("| SAM", "")
    seeds = team("list", "keys", "--show-seeds")
    assert "| SO" in seeds.out and "[ ! ] seed is not stored" in seeds.out + seeds.err


def test_values() -> None:
    assert parse_number("5k") == 5000 and parse_number("2KiB") == 2048 and parse_number("-1") == -1
    assert parse_duration_ns("1m30s") == 90 * 10**9 and parse_duration_ns("1.5ms") == 1_500_000
    assert parse_time("1970-01-02") == 86400 and parse_time("0") == 0


def test_load_and_upgrade(team: Nsc, home: Path) -> None:
    pair = create_pair(Prefix.ACCOUNT)
    seed = home / "a.nk"
    seed.write_text(pair.seed)
    team("load", "--profile", "nsc://O/L/me", "--seed", str(seed))
    assert team("describe", "account", "L", "-F", "sub").out.strip().strip('"') == pair.public_key
    assert "upgraded 0 JWTs" in team("upgrade-jwt").err


def test_connecting_sends_only_documented_fields(team: Nsc, home: Path) -> None:
    import socket
    from threading import Thread

    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                info = {"server_id": "x", "nonce": "abc", "max_payload": 1000, "headers": True}
                connection.sendall(b"INFO " + json.dumps(info).encode() + b"\r\n")
                seen.append(connection.makefile("rb").readline())

        thread = Thread(target=serve, daemon=True)
        thread.start()
        team("tool", "rtt", "--nats", f"nats://127.0.0.1:{listener.getsockname()[1]}", code=1)
        thread.join(PATIENCE_S)
    fields = json.loads(seen[0].removeprefix(b"CONNECT "))
    documented = "verbose pedantic tls_required lang version protocol echo headers no_responders"
    assert set(fields) <= {*documented.split(), "name", "jwt", "sig", "nkey"}
    seeds = [p.read_bytes() for p in (home / ".local").rglob("*.nk")]
    assert seeds and not any(seed in seen[0] for seed in seeds)


def test_skewed_clocks_show_as_time_checks(team: Nsc) -> None:
    team("edit", "user", "U", "--start", "1d")
    assert "claim is not yet valid" in team("validate", code=1).out


def test_foreign_accounts_are_not_pushed_or_validated(team: Nsc, home: Path) -> None:
    stranger = create_pair(Prefix.OPERATOR)
    path = stores(home) / "O/accounts/A/A.jwt"
    path.write_text(jwt.encode(jwt.decode(path.read_text()), stranger))
    assert "not signed by the operator" in team("validate", "-a", "A", code=1).out
    shown = team("push", "-u", "http://127.0.0.1:1", "-a", "A", code=1).err
    assert "not signed by the operator" in shown


def test_signing_keys_are_added_once_and_removed(team: Nsc) -> None:
    for command, kind in (
        (["edit", "operator"], "operator"),
        (["edit", "account", "A"], "account"),
    ):
        team(*command, "--sk", "generate", "--sk", "generate")
        name = ["O"] if kind == "operator" else ["A"]

        def keys(kind: str = kind, name: list[str] = name) -> list[Any]:
            body = json.loads(team("describe", kind, *name, "-J").out)["nats"]
            return list(body.get("signing_keys", []))

        first, second = keys()
        if kind == "account":
            team("edit", "signing-key", "--sk", first, "--role", "r")
        team(*command, "--sk", first)
        assert len(keys()) == 2
        team(*command, "--rm-sk", first)
        assert keys() == [second]
        assert "is not set" in team(*command, "--rm-sk", first).err


def test_init_says_that_operators_need_the_original_server(nsc: Nsc) -> None:
    said = nsc("init", "-n", "Team").err
    assert "  nats-server -c server.conf" in said
    assert "pynats-server has no operator mode yet" in said
