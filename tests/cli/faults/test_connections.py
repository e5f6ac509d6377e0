"""Every command whose server cannot be used: one line that says why, and the code 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import url_of
from tests.cli.faults.lines import LINES, Line, commands
from tests.cli.faults.peer import LEAVING, MUTE, REVOKING, FailingServer
from tests.cli.faults.runs import Ended, Runs, failed, served
from tests.support.process import PYNATS, ServerProcess

SOON = ("--timeout", "1s")
A_FEW = {
    ("publish",), ("request",), ("rtt",), ("stream", "info"), ("kv", "watch"), ("server", "list"),
    ("service", "list"), ("server", "check", "stream"), ("backup", "account"), ("subscribe",),
}  # fmt: skip
FIRST = {  # These need more than a connection before they ask anything.
    ("server", "graph"), ("server", "watch", "accounts"), ("server", "watch", "jetstream"),
    ("server", "watch", "servers"), ("server", "watch", "api", "requests"),
    ("stream", "graph"), ("consumer", "graph"),
    ("auth", "account", "push"), ("auth", "account", "query"),
    ("counter", "list"), ("account", "tls"),
    ("bench", "pub"), ("bench", "sub"), ("bench", "service", "request"),
    ("bench", "service", "serve"), ("bench", "compare"),
}  # fmt: skip
JETSTREAM = ("stream", "consumer", "kv", "object", "counter", "backup", "apply")
CONNECTED_ONLY = {("rtt",), ("latency",)}
CONFIG = """
jetstream { store_dir: "@FOLDER@/store" }
accounts {
  SYS { users [ { user: sys, password: p } ] }
  J { jetstream: enabled, users [
    { user: hears, password: p, permissions { publish { deny: ">" } } }
    { user: talks, password: p, permissions { subscribe { deny: ">" } } }
  ] }
  N { users [ { user: plain, password: p } ] }
}
system_account: SYS
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with users who may do little."""
    with ServerProcess(PYNATS, tmp_path_factory.mktemp("strict"), CONFIG) as server:
        yield server


def test_every_command_has_a_line() -> None:
    assert set(LINES) == set(commands())


def reasons(ended: list[Ended]) -> dict[str, str]:
    """The last line of each that has one, without the program's name."""
    return {
        str(run.line): run.err.splitlines()[-1].removeprefix("pynats: error: ")
        for run in ended
        if run.err and run.line.path not in FIRST
    }


def others_than(reason: str, ended: list[Ended]) -> dict[str, str]:
    """What else was said, by command."""
    return {name: text for name, text in reasons(ended).items() if not text.endswith(reason)}


def needs_jetstream(line: Line) -> bool:
    group, *rest = line.path
    return group in JETSTREAM or (group == "bench" and rest[0] in ("js", "kv", "oldjs"))


def test_no_server(make_runs: Callable[..., Runs]) -> None:
    ended = make_runs("nats://127.0.0.1:1").in_turn(served())
    assert failed(ended) == []
    assert set(reasons(ended).values()) == {
        "nats: no servers available for connection (tried nats://127.0.0.1:1)",
        "no server could be reached (tried nats://127.0.0.1:1)",
    }


def test_wrong_password(make_runs: Callable[..., Runs], strict: ServerProcess) -> None:
    url = f"127.0.0.1:{strict.port}"
    ended = make_runs(f"nats://plain:wrong@{url}").in_turn(LINES[path] for path in A_FEW)
    assert failed(ended) == []
    assert set(reasons(ended).values()) == {
        f"nats: Authorization Violation (tried nats://{url})",
        f"no server could be reached (tried nats://{url})",
    }


def test_a_server_that_stops_answering(
    make_runs: Callable[..., Runs], failing: FailingServer
) -> None:
    ended = make_runs(failing.url(MUTE), *SOON).all(served(but=CONNECTED_ONLY))
    assert failed(ended) == []
    said = reasons(ended)
    assert said.pop("request").endswith("No replies were received")
    assert {name: text for name, text in said.items() if not text.startswith("nats: timeout")} == {}


@pytest.mark.parametrize(
    ("way", "reason"),
    [(LEAVING, "nats: connection lost"), (REVOKING, "nats: user authentication revoked")],
)
def test_a_server_that_goes_away(
    way: str, reason: str, make_runs: Callable[..., Runs], failing: FailingServer
) -> None:
    few = [LINES[path] for path in A_FEW if path != ("rtt",)]
    lines = served(but=CONNECTED_ONLY) if way == LEAVING else few
    ended = make_runs(failing.url(way)).in_turn(lines)
    assert failed(ended) == []
    assert others_than(reason, ended) == {}


@pytest.mark.parametrize("user", ["hears", "talks"])
def test_a_user_without_permissions(
    user: str, make_runs: Callable[..., Runs], strict: ServerProcess
) -> None:
    may = {
        # Looking at the connection only, or what was asked for is allowed.
        "hears": {("subscribe",), ("reply",), ("service", "serve"), ("events",), ("traffic",),
                  ("bench", "sub"), ("bench", "service", "serve")},
        "talks": {("publish",), ("bench", "pub"), ("bench", "compare")},
    }[user]  # fmt: skip
    lines = served(but={*CONNECTED_ONLY, ("account", "info"), *may})
    ended = make_runs(f"nats://{user}:p@127.0.0.1:{strict.port}").in_turn(lines)
    assert failed(ended) == []
    what = "Publish" if user == "hears" else "Subscription"
    others = {
        name: text for name, text in reasons(ended).items()
        if not text.startswith(f'nats: Permissions Violation for {what} to "')
    }  # fmt: skip
    assert others == {}


def test_an_account_without_jetstream(
    make_runs: Callable[..., Runs], strict: ServerProcess
) -> None:
    lines = [line for line in served() if needs_jetstream(line)]
    ended = make_runs(f"nats://plain:p@127.0.0.1:{strict.port}", *SOON).in_turn(lines)
    assert failed(ended) == []
    assert others_than("JetStream not enabled for account (10039)", ended) == {}


def test_a_server_without_jetstream(make_runs: Callable[..., Runs], server: ServerProcess) -> None:
    lines = [line for line in served() if needs_jetstream(line)]
    ended = make_runs(url_of(server)).in_turn(lines)
    assert failed(ended) == []
    assert others_than("JetStream is not enabled on this server or account", ended) == {}
