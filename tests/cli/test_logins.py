"""Logins against a server that asks for them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pynats_common.nkeys import KeyPair, Prefix, create_pair

from tests.cli.conftest import KINDS, Cli, url_of
from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import PYNATS, ServerProcess, lasting_port

CONFIG = """
authorization {
  users = [
    { user: alice, password: s3cret, permissions: { publish: "open.>", subscribe: ["open.>", "_INBOX.>"] } }
  ]
}
"""  # noqa: E501
KEY_CONFIG = "authorization { users = [{ nkey: %s }] }"


@pytest.fixture(scope="module")
def user_key() -> KeyPair:
    return create_pair(Prefix.USER)


@pytest.fixture(scope="module", params=KINDS)
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    with ServerProcess(request.param, tmp_path_factory.mktemp("guarded"), CONFIG) as server:
        yield server


@pytest.fixture(scope="module", params=KINDS)
def key_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, user_key: KeyPair
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("keys")
    with ServerProcess(request.param, folder, KEY_CONFIG % user_key.public_key) as server:
        yield server


@pytest.fixture(scope="module", params=KINDS)
def token_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("token")
    with ServerProcess(request.param, folder, "authorization { token: t0ken }") as server:
        yield server


@pytest.fixture
def guarded_cli(guarded: ServerProcess, make_cli: Callable[[str], Cli]) -> Cli:
    return make_cli(url_of(guarded))


def test_user_and_password(guarded_cli: Cli, guarded: ServerProcess) -> None:
    login = ["--user", "alice", "--password", "s3cret"]
    assert guarded_cli.run("pub", "open.a", "x", *login).code == 0
    by_url = f"nats://alice:s3cret@127.0.0.1:{guarded.port}"
    assert guarded_cli.run("pub", "open.a", "x", "-s", by_url).code == 0
    refused = guarded_cli.run("pub", "open.a", "x", "--user", "alice", "--password", "wrong")
    said = f"nats: Authorization Violation (tried nats://127.0.0.1:{guarded.port})"
    assert (refused.code, refused.err) == (1, f"pynats: error: {said}\n")


def test_a_token_by_flag_or_as_a_lone_user(
    token_server: ServerProcess, make_cli: Callable[[str], Cli]
) -> None:
    cli = make_cli(url_of(token_server))
    for arguments in (["--token", "t0ken"], ["--user", "t0ken"], ["--token", "env://TOK"]):
        assert cli.run("pub", "a", "x", *arguments, TOK="t0ken").code == 0
    assert cli.run("pub", "a", "x").code == 1


def test_an_nkey_seed_from_a_file_or_the_environment(
    key_server: ServerProcess,
    make_cli: Callable[[str], Cli],
    tmp_path: Path,
    user_key: KeyPair,
) -> None:
    cli = make_cli(url_of(key_server))
    path = tmp_path / "user.nk"
    path.write_text(user_key.seed + "\n")
    assert cli.run("pub", "a", "x", "--nkey", str(path)).code == 0
    assert cli.run("pub", "a", "x", NATS_NKEY=str(path)).code == 0
    assert cli.run("pub", "a", "x", "--nkey", "env://SEED", SEED=user_key.seed).code == 0
    path.write_text(user_key.seed[:-1] + ("A" if user_key.seed[-1] != "A" else "B"))
    broken = cli.run("pub", "a", "x", "--nkey", str(path))
    assert broken.err.startswith("pynats: error: nkey: ")
    assert user_key.seed[:20] not in broken.err


def test_what_permissions_forbid_is_an_error(guarded_cli: Cli) -> None:
    login = ["--user", "alice", "--password", "s3cret"]
    for command in (
        ["pub", "closed", "x"],
        ["sub", "closed", "--wait", "5s"],
        ["req", "closed", "x"],
    ):
        done = guarded_cli.run(*command, *login, "--timeout", "1s")
        assert done.code == 1
        assert "permissions violation" in done.err.lower()
        assert "Traceback" not in done.err


def test_a_failed_tls_handshake_is_an_error(make_cli: Callable[[str], Cli]) -> None:
    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as link:
            link.sendall(b'INFO {"server_id":"x","max_payload":1,"tls_required":true}\r\n')
            link.recv(1)
            link.sendall(b"no handshake, certainly")
            while link.recv(1000):  # the client is the one to end it
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        cli = make_cli(f"tls://127.0.0.1:{listener.getsockname()[1]}")
        done = cli.run("pub", "a", "x")
        serving.join(PATIENCE_S)
        assert not serving.is_alive()
    assert done.code == 1
    assert "error: " in done.err


DOCUMENTED = {
    "verbose", "pedantic", "tls_required", "auth_token", "user", "pass", "name", "lang", "version",
    "protocol", "echo", "sig", "jwt", "no_responders", "headers", "nkey",
}  # fmt: skip


@pytest.mark.parametrize(
    "login",
    [
        [],
        ["--user", "alice", "--password", "s3cret"],
        ["--token", "t0ken"],
        ["--nkey", "@SEED@"],
    ],
    ids=" ".join,
)
def test_only_what_the_protocol_has_is_sent(
    login: list[str], make_cli: Callable[[str], Cli], tmp_path: Path, user_key: KeyPair
) -> None:
    """CVE-2020-26149: a client once sent all of its options, the private key of TLS too."""
    said: list[bytes] = []
    (tmp_path / "seed").write_text(user_key.seed)

    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as link, link.makefile("rb") as lines:
            link.sendall(b'INFO {"server_id":"x","max_payload":9,"nonce":"abc","headers":true}\r\n')
            said.append(lines.readline())
            link.sendall(b"-ERR 'Authorization Violation'\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        cli = make_cli(f"nats://127.0.0.1:{listener.getsockname()[1]}")
        arguments = [each.replace("@SEED@", str(tmp_path / "seed")) for each in login]
        done = cli.run("pub", "a", "x", *arguments)
        serving.join(PATIENCE_S)
    assert done.code == 1
    connect = json.loads(said[0].removeprefix(b"CONNECT "))
    assert connect.keys() <= DOCUMENTED
    assert user_key.seed.encode() not in said[0]


WITHOUT_ALICE = "authorization { users = [{ user: bob, password: s3cret }] }"


@pytest.mark.parametrize("command", [["sub", "a"], ["reply", "a", "yes"]], ids=" ".join)
def test_a_user_whose_time_is_over_waits_for_nothing(
    command: list[str], make_cli: Callable[[str], Cli]
) -> None:
    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as link, link.makefile("rb") as lines:
            link.sendall(b'INFO {"server_id":"x","max_payload":9,"headers":true}\r\n')
            pings = 0
            while pings < 3:  # that of the log-in, and two behind the subscription
                if lines.readline() == b"PING\r\n":
                    pings += 1
                    link.sendall(b"PONG\r\n")
            link.sendall(b"-ERR 'User Authentication Expired'\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        cli = make_cli(f"nats://127.0.0.1:{listener.getsockname()[1]}")
        done = cli.start(*command).finish()
        serving.join(PATIENCE_S)
    assert done.code == 1
    assert done.err.endswith("pynats: error: nats: user authentication expired\n")


def test_who_is_refused_when_it_comes_again_is_told(
    make_cli: Callable[[str], Cli], tmp_path: Path
) -> None:
    port = lasting_port()
    login = ["--user", "alice", "--password", "s3cret"]
    with ServerProcess(PYNATS, tmp_path / "first", CONFIG, port=port, monitor=True) as server:
        cli = make_cli(url_of(server))
        waiting = cli.start("sub", "open.a", *login)
        wait_until(lambda: "open.a" in str(server.monitoring("/subsz?subs=1")), "the subscription")
        # It has an answer to its first question when it has a message: it is no start any more.
        assert cli.run("pub", "open.a", "x", *login).code == 0
        waiting.wait_for("[#1]")
    with ServerProcess(PYNATS, tmp_path / "second", WITHOUT_ALICE, port=port):
        waiting.wait_for(">>> Unexpected NATS error: nats: Authorization Violation")
