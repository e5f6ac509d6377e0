"""`push` and `pull` with a pynats-server instead of nats-server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import PYNATS, ServerProcess

Nsc = Callable[..., Any]


@pytest.fixture
def server(nsc: Nsc, home: Path) -> Iterator[ServerProcess]:
    """With the configuration that pynsc writes for an operator with an account."""
    nsc("add", "operator", "O", "--sys")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    config = nsc("generate", "config", "--nats-resolver").out
    config = config.replace("'./jwt'", f"'{home}/server/jwt'")
    config = config.replace("allow_delete: false", "allow_delete: true")
    with ServerProcess(PYNATS, home / "server", config) as started:
        nsc("edit", "operator", "--account-jwt-server-url", f"nats://127.0.0.1:{started.port}")
        yield started


def test_accounts_go_there_and_come_back(nsc: Nsc, server: ServerProcess) -> None:
    url = f"nats://127.0.0.1:{server.port}"
    assert "jwt updated" in nsc("push", "-A").err
    assert "round trip time" in nsc("tool", "rtt", "-a", "A", "--nats", url).out
    nsc("edit", "account", "A", "--description", "changed")
    pushed = nsc("push", "-a", "A").err
    assert "jwt updated" in pushed
    assert 'pulled account "A"' in nsc("pull", "-A").err
    assert "exists" in nsc("push", "--diff").err


def test_accounts_that_are_gone_are_pruned(nsc: Nsc, server: ServerProcess) -> None:
    nsc("add", "account", "B")
    nsc("push", "-A")
    folder = server.folder / "jwt"
    assert len(list(folder.glob("*.jwt"))) == 3
    nsc("delete", "account", "B", "--force")
    assert "deleted 1 accounts" in nsc("push", "--prune").err
    assert len(list(folder.glob("*.jwt"))) == 2
    assert len(list(folder.glob("*.jwt.deleted"))) == 1
