"""Interactive mode: every command's questions, answered from standard input."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Nsc = Callable[..., Any]
Answered = Callable[..., Any]


@pytest.fixture
def answered(nsc: Nsc, monkeypatch: pytest.MonkeyPatch) -> Answered:
    """Runs a command with -i and these answers; it must use all of them."""

    def run(command: str, *answers: str, code: int = 0) -> Any:
        source = io.StringIO("".join(f"{answer}\n" for answer in answers))
        monkeypatch.setattr(sys, "stdin", source)
        result = nsc(*command.split(), "-i", code=code)
        assert source.read() == "", "answers were left over"
        return result

    return run


def nats(nsc: Nsc, *what: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(nsc("describe", *what, "-J").out)
    return claims["nats"]  # type: ignore[no-any-return]


def field(nsc: Nsc, path: str, *what: str) -> Any:
    return json.loads(nsc("describe", *what, "-F", path).out)


@pytest.fixture
def pair(nsc: Nsc) -> Nsc:
    """An operator with accounts A (current) and B."""
    nsc("add", "operator", "O")
    nsc("add", "account", "B")
    nsc("add", "account", "A")
    return nsc


def test_operators_from_nothing_and_from_a_jwt(nsc: Nsc, answered: Answered, home: Path) -> None:
    answered("add operator", "n", "O", "y", "", "", "0", "1y")
    body = nats(nsc, "operator")
    assert len(body["signing_keys"]) == 1 and body["system_account"].startswith("A")
    assert field(nsc, "exp", "operator") > 0
    token = home / "O.jwt"
    nsc("describe", "operator", "-R", "-o", str(token))
    answered("add operator --force", "y", str(token))
    root = home / ".local/share/nats/nsc/stores/O"
    assert json.loads((root / ".nsc").read_text())["managed"] is True


def test_wrong_answers_are_asked_again(nsc: Nsc, answered: Answered, home: Path) -> None:
    error = answered(
        "add operator", "n", "a/b", "O", "y", "n", "n", "sometime", "0", "2001-01-01", "0"
    ).err
    assert error.count("operator name") == 2 and "not allowed" in error
    assert "couldn't parse time" in error and "in the past" in error


def test_edit_operator(pair: Nsc, answered: Answered) -> None:
    answered("edit operator", "http://127.0.0.1:1/jwt", "y", "nats://a:1", "ftp://no", "nats://b:1",
             "", "y", "A", "y", "t1,t2", "", "n")  # fmt: skip
    body = nats(pair, "operator")
    assert body["account_server_url"] == "http://127.0.0.1:1/jwt"
    assert body["operator_service_urls"] == ["nats://a:1", "nats://b:1"]
    assert body["system_account"] == field(pair, "sub", "account", "A")
    assert body["tags"] == ["t1", "t2"]
    answered("edit operator", "-", "n", "2", "n", "y", "", "1", "y", "1d", "2d")
    body = nats(pair, "operator")
    assert "account_server_url" not in body and body["operator_service_urls"] == ["nats://a:1"]
    assert body["tags"] == ["t2"] and field(pair, "exp", "operator") > 0


def test_accounts_and_users_with_signer_and_lists(nsc: Nsc, answered: Answered, home: Path) -> None:
    nsc("add", "operator", "O", "--generate-signing-key")
    signing = nats(nsc, "operator", "O")["signing_keys"][0]
    answered("add account", "A", "y", "n", "y", "p.1", "p.2", "", "", "s", "", "", "0", "0", "2")
    body = nats(nsc, "account", "A")
    assert body["default_permissions"] == {
        "pub": {"allow": ["p.1", "p.2"]},
        "sub": {"allow": ["s"]},
    }
    assert field(nsc, "iss", "account", "A") == signing
    nsc("edit", "signing-key", "--sk", "generate", "--role", "worker", "-K", signing)
    shown = answered("add user", "W", "y", "2", "0", "0").err
    assert "(role worker)" in shown
    assert nats(nsc, "user", "W")["issuer_account"].startswith("A")
    answered("add user", "U", "y", "1", "y", "3", "5s", "y", "a", "", "", "", "b,c", "", "0", "0")
    user = nats(nsc, "user", "U")
    assert user["pub"] == {"allow": ["a"]} and user["sub"] == {"deny": ["b", "c"]}
    assert user["resp"] == {"max": 3, "ttl": 5_000_000_000}


def test_an_account_is_chosen_with_the_current_one_as_default(
    pair: Nsc, answered: Answered
) -> None:
    answered("add user", "", "U", "y", "n", "n", "0", "0")
    answered("add user", "B", "V", "y", "n", "n", "0", "0")
    assert "U" in pair("list", "users", "-a", "A").out
    assert "V" in pair("list", "users", "-a", "B").out


def test_edit_user(pair: Nsc, answered: Answered) -> None:
    pair("add", "user", "U", "--allow-pub", "a,b", "--tag", "old")
    answered("edit user -a A", "y", "2", "", "y", "c", "", "", "", "", "1",
             "y", "5", "", "1k", "nowhere", "10.0.0.0/8", "", "", "MQTT", "n",
             "y", "new", "", "1", "n")  # fmt: skip
    body = nats(pair, "user", "U", "-a", "A")
    assert body["pub"] == {"allow": ["b", "c"]} and body["resp"]["max"] == 2
    assert body["subs"] == 5 and body["payload"] == 1000 and body["src"] == ["10.0.0.0/8"]
    assert body["allowed_connection_types"] == ["MQTT"] and body["tags"] == ["new"]


def test_edit_account_asks_for_jetstream_and_tracing(pair: Nsc, answered: Answered) -> None:
    limits = ["5", "", "", "", "", "", ""]
    jetstream = ["y", "x", "3", "1k", "2k", "4", "", "", "", "", "y"]
    answered("edit account A", *limits, *jetstream, "text", "http://x.y", "y", "t.x", "50",
             "n", "n")  # fmt: skip
    body = nats(pair, "account", "A")
    assert body["limits"]["conn"] == 5 and body["description"] == "text"
    tier = body["limits"]["tiered_limits"]["R3"]
    assert tier["mem_storage"] == 1000 and tier["streams"] == 4 and tier["max_bytes_required"]
    assert tier["consumer"] == -1
    assert body["trace"] == {"dest": "t.x", "sampling": 50}


def test_signing_keys_with_a_role(pair: Nsc, answered: Answered) -> None:
    answered("edit signing-key -a A", "1", "work", "does it", "n", "y", "w.>", "", "", "", "")
    scope = nats(pair, "account", "A")["signing_keys"][0]
    assert (scope["role"], scope["description"]) == ("work", "does it")
    assert scope["template"]["pub"] == {"allow": ["w.>"]}
    shown = answered("edit signing-key -a A", "2", "", "", "y", "4", "", "n").err
    assert "(role work)" in shown
    scope = nats(pair, "account", "A")["signing_keys"][0]
    assert scope["role"] == "work" and scope["template"]["resp"]["max"] == 4


def test_sharing_between_local_accounts(pair: Nsc, answered: Answered, home: Path) -> None:
    answered("add export -a A", "service", "svc", "service", "n", "y", "header", "lat", "2", "y")
    export = nats(pair, "account", "A")["exports"][0]
    assert export["name"] == "service" and export["response_type"] == "Stream"
    assert export["service_latency"] == {"sampling": "headers", "results": "lat"}
    assert export["allow_trace"] is True
    answered("add import -a B", "y", "1", "y", "imported", "mine")
    item = nats(pair, "account", "B")["imports"][0]
    assert item["subject"] == "svc" and item["type"] == "service" and item["share"] is True
    assert item["name"] == "imported" and item["local_subject"] == "mine"
    pair("add", "export", "-a", "A", "-s", "priv.>", "-p")
    token = home / "token"
    answered(f"generate activation -a A -o {token}", "priv.x", "B", "0", "0")
    answered("add import -a B", "y", "1", str(token), "", "", "n")
    assert nats(pair, "account", "B")["imports"][0]["subject"] == "priv.x"
    answered("delete import -a B", "2")
    assert [i["subject"] for i in nats(pair, "account", "B")["imports"]] == ["priv.x"]
    answered("add import -a B", "n", "y", "A", "svc", "y", "n", "", "")
    assert nats(pair, "account", "B")["imports"][1]["subject"] == "svc"


def test_edit_and_delete_export(pair: Nsc, answered: Answered) -> None:
    pair("add", "export", "-s", "a.*", "-r", "-a", "A", "--latency", "l", "--sampling", "20")
    pair("add", "export", "-s", "b", "-a", "A")
    answered("edit export -a A", "1", "", "new", "n", "n", "Chunked", "y", "words", "")
    export = nats(pair, "account", "A")["exports"][0]
    assert export["name"] == "new" and export["response_type"] == "Chunked"
    assert "service_latency" not in export and export["description"] == "words"
    answered("delete export -a A", "2")
    assert [e["subject"] for e in nats(pair, "account", "A")["exports"]] == ["a.*"]


def test_deletions_ask_twice(pair: Nsc, answered: Answered, home: Path) -> None:
    for name in "UVW":
        pair("add", "user", name, "-a", "A")
    key = field(pair, "sub", "user", "V", "-a", "A")
    assert "cancelled" in answered("delete user -a A", "1,2", "y", "y", "y", "n", code=1).err
    assert "U" in pair("list", "users", "-a", "A").out
    answered("delete user -a A", "U,2", "y", "y", "y", "y")
    assert [u["name"] for u in json.loads(pair("list", "users", "-a", "A", "-J").out)] == ["W"]
    assert len(nats(pair, "account", "A")["revocations"]) == 2
    assert key not in pair("list", "keys", "--not-referenced").out
    assert "cancelled" in answered("delete account A", "y", "y", "y", "n", code=1).err
    answered("delete account A", "y", "y", "y", "y")
    assert "A" not in [a["name"] for a in json.loads(pair("list", "accounts", "-J").out)]


def test_revocations(pair: Nsc, answered: Answered) -> None:
    pair("add", "user", "U", "-a", "A")
    key = field(pair, "sub", "user", "U", "-a", "A")
    answered("revocations add-user -a A", "y", "U", "1000")
    answered("revocations add-user -a A", "n", "nobody", "*", "2000")
    assert nats(pair, "account", "A")["revocations"] == {"*": 2000, key: 1000}
    assert f"{key} (U)" in answered("revocations delete-user -a A", "1").err
    assert nats(pair, "account", "A")["revocations"] == {key: 1000}
    pair("add", "export", "-s", "p", "-p", "-a", "A")
    answered("revocations add_activation -a A", "1", "B", "1000")
    answered("revocations add_activation -a A", "1", "2", "0")
    assert set(nats(pair, "account", "A")["exports"][0]["revocations"]) == {
        "*", field(pair, "sub", "account", "B"),
    }  # fmt: skip
    answered("revocations delete_activation -a A", "1", "*")
    assert "*" not in nats(pair, "account", "A")["exports"][0]["revocations"]


def test_init(nsc: Nsc, answered: Answered, home: Path) -> None:
    answered("init", str(home / "st"), "1", "first")
    assert (home / "st/first/accounts/first/users/first.jwt").exists()
    token = home / "op.jwt"
    nsc("describe", "operator", "-R", "-o", str(token))
    answered("init", str(home / "other"), "Other", str(token), "mine")
    assert (home / "other/first/accounts/mine/users/mine.jwt").exists()
    assert json.loads((home / "other/first/.nsc").read_text())["managed"] is True


def test_push_and_pull_ask_what_and_where(pair: Nsc, answered: Answered) -> None:
    url = "http://127.0.0.1:1/jwt"
    error = answered("push", "n", "B", url, code=1).err
    assert "push all accounts?" in error and f"cannot reach {url}" in error
    assert "cannot reach" in answered("pull", "y", url, code=1).err
