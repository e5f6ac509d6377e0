"""How the clients of a benchmark connect: every login, TLS, several servers, what is refused."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pynats_bench.clients.core import Publish, Request, Serve
from pynats_bench.clients.model import Target
from pynats_bench.model import LoadError
from pynats_cli.connect.benchclients import target
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_common.contexts import Context
from pynats_common.creds import encode_creds
from pynats_common.network.urls import host_port
from pynats_common.nkeys import Prefix

from tests.cli.conftest import KINDS
from tests.support.account_jwts import (
    SYSTEM,
    account_token,
    operator_token,
    pair,
    user_token,
)  # fmt: skip
from tests.support.authorities import Authority
from tests.support.deadline import PATIENCE_S
from tests.support.process import ServerProcess, lasting_port

ACCOUNT = pair("bench account")
USER = pair("bench user", Prefix.USER)
TOKEN = user_token(USER, ACCOUNT)

USERS = f"authorization {{ users = [{{ user: alice, password: s3cret }}, {{ nkey: {USER.public_key} }}] }}"  # noqa: E501
ONE_TOKEN = "authorization { token: t0ken }"
TLS = """
tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{ca}", verify: true,
       handshake_first: {first} }}
"""


def operator_config() -> str:
    preload = f"{ACCOUNT.public_key}: {account_token(ACCOUNT)}, {SYSTEM.public_key}: "
    return (
        f"operator: {operator_token()}\nresolver: MEMORY\n"
        f"resolver_preload: {{ {preload}{account_token(SYSTEM)} }}\n"
    )


def target_of(**settings: Any) -> Target:
    """With a context of these settings."""
    name = settings.pop("connection_name", "")
    options = GlobalOptions(connection_name=name)
    return target(Session(cast(Any, None), Context(**settings), options))


def embedded(text: str) -> str:
    return "data:;base64," + base64.b64encode(text.encode()).decode()


def connected(made: Target) -> None:
    """Its clients can do what clients do."""
    with Publish(made, subject="foo", clients=2, messages=4) as bench:
        bench.run()
    assert bench.progress() == [2, 2]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def start(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ServerProcess]:
    return lambda config: ServerProcess(kind, tmp_path_factory.mktemp("server"), config)


@pytest.fixture(scope="module")
def users(start: Callable[[str], ServerProcess]) -> Iterator[ServerProcess]:
    with start(USERS) as server:
        yield server


def url(server: ServerProcess, scheme: str = "nats", login: str = "") -> str:
    return f"{scheme}://{login}127.0.0.1:{server.port}"


def test_a_user_by_settings_or_address(users: ServerProcess) -> None:
    connected(target_of(url=url(users), user="alice", password="s3cret"))
    connected(target_of(url=url(users, login="alice:s3cret@")))
    refused = target_of(url=url(users), user="alice", password="wrong")
    with pytest.raises(LoadError, match=r"^client 1: Authorization Violation$"):
        Publish(refused, subject="foo", clients=1, messages=1).__enter__()


def test_an_nkey(users: ServerProcess, tmp_path: Path) -> None:
    (tmp_path / "user.nk").write_text(USER.seed + "\n")
    connected(target_of(url=url(users), nkey=str(tmp_path / "user.nk")))


def test_a_token_by_settings_or_address(start: Callable[[str], ServerProcess]) -> None:
    with start(ONE_TOKEN) as server:
        connected(target_of(url=url(server), token="t0ken"))
        connected(target_of(url=url(server, login="t0ken@")))


def test_creds_and_a_jwt_with_its_seed(
    start: Callable[[str], ServerProcess], tmp_path: Path
) -> None:
    (tmp_path / "user.creds").write_text(encode_creds(TOKEN, USER))
    with start(operator_config()) as server:
        connected(target_of(url=url(server), creds=str(tmp_path / "user.creds")))
        connected(target_of(url=url(server), user_jwt=TOKEN, user_seed=USER.seed))


@pytest.mark.parametrize("first", [False, True])
def test_tls_verifies_both_sides(
    start: Callable[[str], ServerProcess], tmp_path: Path, first: bool
) -> None:
    authority = Authority()
    theirs = authority.issue("CN=server", names=("127.0.0.1",)).write(tmp_path, "server")
    ours = authority.issue("CN=client").write(tmp_path, "client")
    ca, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    ca.write_bytes(authority.pem)
    other.write_bytes(Authority().pem)
    mine: dict[str, Any] = {"cert": str(ours[0]), "key": str(ours[1]), "tls_first": first}
    trusted = {**mine, "ca": str(ca)}
    rules = TLS.format(cert=theirs[0], key=theirs[1], ca=ca, first=str(first).lower())
    with start(rules) as server:
        made = target_of(url=url(server, "tls"), **trusted)
        connected(made)
        with Serve(made, subject="svc", clients=1) as serve:
            thread = threading.Thread(target=serve.run)
            thread.start()
            with Request(made, subject="svc", clients=2, messages=6, size=100_000) as ask:
                ask.run()
            serve.stop()
            thread.join(PATIENCE_S)
        assert sum(serve.progress()) == 6
        for wrong in (
            target_of(url=url(server, "tls"), **mine, ca=str(other)),
            target_of(url=f"tls://localhost:{server.port}", **trusted),  # another name
            target_of(url=url(server, "tls"), ca=trusted["ca"], tls_first=first),
        ):
            with pytest.raises(LoadError, match=r"tls:|certificate|closed|reset"):
                Publish(wrong, subject="foo", clients=1, messages=1).__enter__()


def test_the_server_may_insist_on_tls(
    start: Callable[[str], ServerProcess], tmp_path: Path
) -> None:
    """Without a certificate that one can know it is refused, but in words about certificates."""
    cert, key = Authority().issue(names=("127.0.0.1",)).write(tmp_path, "server")
    config = f'tls {{ cert_file: "{cert}", key_file: "{key}" }}'
    with start(config) as server, pytest.raises(LoadError, match=r"(?i)certificate|issuer"):
        target_of(url=url(server)).dial()
    with start("") as server, pytest.raises(LoadError, match="the server offers no TLS"):
        target_of(url=url(server, "tls")).dial()


def test_every_server_of_a_list_is_tried(users: ServerProcess) -> None:
    port = lasting_port()  # nobody's
    alive = url(users, login="alice:s3cret@")
    made = target_of(url=f"nats://127.0.0.1:{port},{alive}")
    for _ in range(4):  # in any order
        made.dial().close()
    dead = f"nats://127.0.0.1:{port},nats://{host_port('::1', port)}"
    with pytest.raises(LoadError, match=r"^cannot connect to .* \(tried nats://127.0.0.1:"):
        target_of(url=dead).dial()


def test_what_connections_are_called_and_where_answers_go() -> None:
    said: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            with listener.accept()[0] as link, link.makefile("rb") as lines:
                link.sendall(b'INFO {"max_payload":9,"nonce":"abc"}\r\n')
                said.append(lines.readline())
                link.sendall(b"PONG\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        where = f"nats://127.0.0.1:{listener.getsockname()[1]}"
        made = target_of(url=where, inbox_prefix="mine", jetstream_domain="hub")
        assert (made.inbox_prefix, made.api_prefix) == ("mine", "$JS.hub.API")
        made.dial().close()
        target_of(url=where, connection_name="load", nkey=embedded(USER.seed)).dial().close()
        thread.join(PATIENCE_S)
    first, second = (json.loads(line.removeprefix(b"CONNECT ")) for line in said)
    assert first["name"].startswith("NATS CLI Version ")
    assert first["headers"] and first["no_responders"] and not first["verbose"]
    assert second["name"] == "load"
    assert second["nkey"] == USER.public_key
    assert USER.seed.encode() not in said[1]
    assert USER.seed not in repr(made)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ws://127.0.0.1"},
        {"url": "nats://127.0.0.1,wss://127.0.0.1"},
        {"url": "nats://127.0.0.1", "socks_proxy": "socks5://127.0.0.1:1080"},
    ],
)
def test_what_only_the_library_can_do_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(CliError, match="bench needs servers with nats:// or tls://"):
        target_of(**settings)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no PEM")
    with pytest.raises(CliError, match="tls: failed to parse root ca certificate"):
        target_of(url="tls://127.0.0.1", ca=str(tmp_path / "ca.pem"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CliError, match="cannot be a pipe"):
        target_of(url="nats://127.0.0.1", creds=str(tmp_path / "pipe"))
