"""Which user a certificate names: the real server decides, ours says the same.

Ours is asked without a connection: what TLS tells of a peer goes to the log-in.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pynats_server.auth.base import Hello, Refusal, Slow, Verdict
from pynats_server.auth.chain import Chain
from pynats_server.auth.connect import ConnectOptions
from pynats_server.options import Options
from pynats_server.tls.peer import PeerTls

from tests.conformance.logins.certificate_cases import CONFIGS, SUBJECTS, Client, cases, subject
from tests.support.authorities import Authority, Certificate, new_key
from tests.support.deadline import PATIENCE_S
from tests.support.process import REFERENCE, ServerProcess
from tests.support.records import Recorded

CASES = cases()
REFUSED = "refused"
_TLS = (
    'tls { cert_file: "@FOLDER@/s.pem", key_file: "@FOLDER@/s-key.pem", '
    'ca_file: "@FOLDER@/ca.pem", verify_and_map: true }\n'
)
# Where we are stricter.
STRICTER: dict[str, str] = {"user CN=nobody,: nobody": "a comma at the end is no name"}
# Those where the log says different things.
LOGGED = [name for name in CONFIGS if not name.startswith("user ")] + [
    "user CN=alice", "user CN=carol,OU=Dev", "user CN=mv,OU=Dev,O=Acme", "user DC=com,DC=example",
]  # fmt: skip
_KEY = new_key()
_ABOUT = re.compile(r"(\[[A-Z]+\]) (?:\S+ - cid:\d+ - )?(.*(?: for auth |n cert|from cert).*)")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def folder(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mapped")
    authority.issue().write(made, "s")
    (made / "ca.pem").write_bytes(authority.pem)
    return made


@pytest.mark.parametrize("config", CONFIGS)
def test_who_it_is(config: str, authority: Authority, folder: Path, recorded: Recorded) -> None:
    clients = _clients(config, authority)
    expected = dict(recorded.of(lambda: _theirs(config, clients, authority, folder)))
    for name in STRICTER.keys() & expected.keys():
        assert expected[name] != REFUSED, f"no difference any more: {name}"
        expected[name] = REFUSED
    assert {name: _ours(config, *each, folder) for name, each in clients.items()} == expected


@pytest.mark.parametrize("config", LOGGED)
def test_what_the_log_says(
    config: str, authority: Authority, folder: Path, recorded: Recorded
) -> None:
    clients = _clients(config, authority)
    expected = recorded.of(lambda: _their_log(config, clients, authority, folder))
    assert [
        f"{name} {line}"
        for name, each in clients.items()
        for line in _our_log(config, *each, folder)
        if line != "[DBG] Multiple peer certificates found, selecting first"
    ] == expected


class Lines:
    """See auth.Notes."""

    debug_enabled = True

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, text: str) -> None:
        self.lines.append(f"[DBG] {text}")

    def warn(self, text: str) -> None:
        self.lines.append(f"[WRN] {text}")


def _our_log(config: str, client: Client, shown: Certificate, folder: Path) -> list[str]:
    chain, log = _chain(config, folder), Lines()
    if client.first and not chain.admits_silent:
        return []
    hello = _hello(client, shown)
    hello.notes = log
    hello.said.update(json.dumps(client.says).encode())
    answer = chain.verify(hello)
    if isinstance(answer, Refusal) and "n cert" in answer.why:
        log.debug(answer.why)
    return log.lines


def _their_log(
    config: str, clients: dict[str, tuple[Client, Certificate]], authority: Authority, folder: Path
) -> list[str]:
    text = "debug: true\n" + _TLS.replace("@FOLDER@", str(folder)) + CONFIGS[config]
    found: list[str] = []
    with ServerProcess(REFERENCE, folder / "server", text, monitor=True) as server:
        for name, (client, shown) in clients.items():
            begins = len(server.log())
            _log_in(server, client, shown, authority, folder)
            lines = _ABOUT.findall(server.log_of_connection(begins))
            found += [f"{name} {' '.join(line)}" for line in lines]
    return found


def _clients(config: str, authority: Authority) -> dict[str, tuple[Client, Certificate]]:
    return {
        name: (client, authority.issue(subject(SUBJECTS[client.subject]), client.names, key=_KEY))
        for name, (its, client) in CASES.items()
        if its == config
    }


def _hello(client: Client, shown: Certificate) -> Hello:
    sent = (shown.der, b"")  # the authority's, too
    tls = None if client.plain else PeerTls("1.3", "", sent, sent)
    return Hello(ConnectOptions(), tls=tls)


def _ours(config: str, client: Client, shown: Certificate, folder: Path) -> str:
    chain = _chain(config, folder)
    hello = _hello(client, shown)
    if client.first and not (chain.admits_silent or not chain.required):
        return REFUSED
    hello.said.update(json.dumps(client.says).encode())
    answer: Any = chain.verify(hello)
    if isinstance(answer, Slow):
        answer = answer.decide()
    if isinstance(answer, Refusal):
        return REFUSED
    assert isinstance(answer, Verdict)
    again: Any = chain.recheck(hello, answer)
    assert isinstance(again, Verdict) and again.user == answer.user
    claimed = client.says.get("user") or ("[REDACTED]" if "auth_token" in client.says else "")
    return answer.user or str(claimed)


@cache
def _chain(config: str, folder: Path) -> Chain:
    path = folder / "ours.conf"
    path.write_text(_TLS.replace("@FOLDER@", str(folder)) + CONFIGS[config])
    return Chain(Options.load(path), "guest-1")


def _theirs(
    config: str, clients: dict[str, tuple[Client, Certificate]], authority: Authority, folder: Path
) -> list[tuple[str, str]]:
    """The users that they are there, or that they are refused."""
    text = _TLS.replace("@FOLDER@", str(folder)) + CONFIGS[config]
    with ServerProcess(REFERENCE, folder / "server", text, monitor=True) as server:
        return [
            (name, _log_in(server, client, shown, authority, folder))
            for name, (client, shown) in clients.items()
        ]


def _log_in(
    server: ServerProcess, client: Client, shown: Certificate, authority: Authority, folder: Path
) -> str:
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.check_hostname = False
    context.load_cert_chain(*shown.write(folder, "client"))
    plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
    with plain.makefile("rb") as greeting:
        info = json.loads(greeting.readline()[5:])
    with plain if client.plain else context.wrap_socket(plain) as connection:
        said = json.dumps({"verbose": False, **client.says}).encode()
        connection.sendall(client.first or b"CONNECT " + said + b"\r\nPING\r\n")
        answer = b""
        while not answer.endswith(b"\n") and (more := _read(connection)):
            answer += more
        if not answer.endswith(b"PONG\r\n"):
            assert b"Authorization Violation" in answer, answer
            return REFUSED
        (found,) = server.monitoring(f"/connz?auth=1&cid={info['client_id']}")["connections"]
        return str(found.get("authorized_user", ""))


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except OSError:
        return b""
