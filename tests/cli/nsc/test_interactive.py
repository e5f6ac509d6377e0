"""Interactive mode: the questions that depend on the store, answered from standard input."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Nsc = Callable[..., Any]


@pytest.fixture
def answered(nsc: Nsc, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command with -i and these answers; all of them must be used."""

    def run(command: str, *answers: str) -> Any:
        source = io.StringIO("".join(f"{answer}\n" for answer in answers))
        monkeypatch.setattr(sys, "stdin", source)
        result = nsc(*command.split(), "-i")
        assert source.read() == "", "answers were left over"
        return result

    return run


def nats(nsc: Nsc, *what: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(nsc("describe", *what, "-J").out)
    return claims["nats"]  # type: ignore[no-any-return]


def test_accounts_and_users_with_signer_and_lists(
    nsc: Nsc, answered: Callable[..., Any], home: Path
) -> None:
    nsc("add", "operator", "O", "--generate-signing-key")
    signing = nats(nsc, "operator", "O")["signing_keys"][0]
    answered("add account", "0", "0", "A", "y", "y", "p.1", "p.2", "", "", "s", "", "", "2")
    body = nats(nsc, "account", "A")
    assert body["default_permissions"] == {
        "pub": {"allow": ["p.1", "p.2"]},
        "sub": {"allow": ["s"]},
    }
    assert nsc("describe", "account", "A", "-F", "iss").out.strip().strip('"') == signing
    nsc("edit", "signing-key", "--sk", "generate", "--role", "worker", "-K", signing)
    shown = answered("add user", "0", "0", "W", "y", "2").err
    assert "(role worker)" in shown
    assert nats(nsc, "user", "W")["issuer_account"].startswith("A")
    answered("add user", "0", "0", "U", "y", "1", "y", "3", "5s", "y", "a", "", "", "", "b,c", "")
    user = nats(nsc, "user", "U")
    assert user["pub"] == {"allow": ["a"]} and user["sub"] == {"deny": ["b", "c"]}
    assert user["resp"] == {"max": 3, "ttl": 5_000_000_000}


def test_sharing_between_local_accounts(nsc: Nsc, answered: Callable[..., Any], home: Path) -> None:
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    nsc("add", "account", "B")
    answered("add export -a A", "svc", "y", "n", "service", "2", "y", "header", "lat", "y")
    export = nats(nsc, "account", "A")["exports"][0]
    assert export["name"] == "service" and export["response_type"] == "Stream"
    assert export["service_latency"] == {"sampling": "headers", "results": "lat"}
    assert export["allow_trace"] is True
    answered("add import -a B", "y", "1", "y", "imported", "mine", "n")
    item = nats(nsc, "account", "B")["imports"][0]
    assert item["subject"] == "svc" and item["type"] == "service" and item["share"] is True
    assert item["name"] == "imported" and item["local_subject"] == "mine"
    nsc("add", "export", "-a", "A", "-s", "priv.>", "-p")
    token = home / "token"
    answered(f"generate activation -a A -o {token}", "0", "0", "priv.x", "B")
    answered("add import -a B", "y", "1", str(token), "", "", "n")
    assert nats(nsc, "account", "B")["imports"][0]["subject"] == "priv.x"


def test_edit_account_asks_for_jetstream_and_tracing(
    nsc: Nsc, answered: Callable[..., Any], home: Path
) -> None:
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    limits = ["0", "0", "5", "", "", "", "", "", "", "text", ""]
    jetstream = ["y", "3", "1k", "2k", "4", "", "", "", "", "y"]
    answered("edit account", *limits, *jetstream, "y", "t.x", "50")
    body = nats(nsc, "account", "A")
    assert body["limits"]["conn"] == 5 and body["description"] == "text"
    tier = body["limits"]["tiered_limits"]["R3"]
    assert tier["mem_storage"] == 1000 and tier["streams"] == 4 and tier["max_bytes_required"]
    assert body["trace"] == {"dest": "t.x", "sampling": 50}
