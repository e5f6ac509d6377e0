"""What a service is told of a client's TLS."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.callout.scene import BOB, config
from tests.conformance.tls.scene import CERT, VERIFY, Files
from tests.support.callout import Service
from tests.support.pool import ServerPool
from tests.support.records import Recorded
from tests.support.tls_peer import TlsPeer, client_context

TLS12 = ssl.TLSVersion.TLSv1_2
# Whether certificates are verified, which one the client shows, and its newest version.
CLIENTS: dict[str, tuple[bool, str, ssl.TLSVersion | None]] = {
    "none": (False, "", None),
    "none, TLS 1.2": (False, "", TLS12),
    "of a stranger, that nobody wants": (False, "foreign", None),
    "good, that nobody wants": (False, "good", None),
    "verified": (True, "good", None),
    "verified, TLS 1.2": (True, "good", TLS12),
    "verified, between": (True, "chained", None),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder: Path = tmp_path_factory.mktemp("certificates")
    return Files(folder)


@pytest.mark.parametrize("case", CLIENTS)
def test_client_tls(
    case: str, files: Files, recorded: Recorded, reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:  # fmt: skip
    verify, certificate, most = CLIENTS[case]
    block = f"{CERT}, {VERIFY}" if verify else CERT
    text = files.filled(config(more=f"allow_non_tls: true\ntls {{ {block} }}\n"))

    def told(servers: ServerPool) -> Any:
        server = servers.get(f"callout-tls-{verify}", text)
        more = {"most": most} if most is not None else {}
        with Service(server.port) as service, TlsPeer(server.port) as client:
            client.info()
            assert not client.secure(client_context(files.folder, certificate, **more))
            client.send(b"CONNECT " + BOB.encode() + b"\r\nPING\r\n")
            request = service.next_request()
            service.answer(request, b"")
            return shown(request.claims["nats"].get("client_tls"))

    assert told(servers_under_test) == recorded.of(lambda: told(reference_servers))


def shown(found: Any) -> Any:
    """Certificates are new in each run: how many there are, of lists of lists how many in each."""
    if isinstance(found, dict):
        return {key: shown(value) for key, value in found.items()}
    if isinstance(found, list):
        return [shown(each) for each in found]
    return "<PEM>" if isinstance(found, str) and found.startswith("-----BEGIN CERT") else found


@pytest.mark.parametrize("connect", ["{}", BOB, '{"auth_token":"t"}'])
def test_a_certificate_names_the_user(
    connect: str, files: Files, recorded: Recorded, reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:  # fmt: skip
    """Also the one of the service, which the server lets in itself."""
    block = f'{CERT}, ca_file: "{files.folder}/ca.pem", verify_and_map: true'
    text = config(more=f"tls {{ {block} }}\n")
    for before, after in (
        ("{user: auth, password: auth}", '{user: "CN=bob,O=Acme"}'),
        ("auth_users: [auth, sys]", 'auth_users: ["CN=bob,O=Acme"]'),
        ("{user: guest}", '{user: "CN=alice,O=Acme"}'),
    ):
        assert before in text
        text = text.replace(before, after)

    def told(servers: ServerPool) -> Any:
        server = servers.get("callout-map", files.filled(text))
        with TlsPeer(server.port) as service, TlsPeer(server.port) as client:
            for peer, certificate in ((service, "second"), (client, "good")):
                peer.info()
                assert not peer.secure(client_context(files.folder, certificate))
            service.send(b"CONNECT {}\r\nSUB $SYS.REQ.USER.AUTH 1\r\nPING\r\n")
            until(service, b"PONG")
            client.send(b"CONNECT " + connect.encode() + b"\r\nPING\r\n")
            until(service, b"MSG ")
            body = service.line().decode().split(".")[1]
            asked = json.loads(base64.urlsafe_b64decode(body + "=="))["nats"]
            return [asked["connect_opts"], asked["client_info"].get("user")]

    assert told(servers_under_test) == recorded.of(lambda: told(reference_servers))


def until(peer: TlsPeer, begin: bytes) -> None:
    while not (line := peer.line()).startswith(begin):
        assert line and not line.startswith(b"-ERR"), line
