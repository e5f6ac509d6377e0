"""`push` over TLS and to an account server over http; activations stored there."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.creds import extract_jwt

Nsc = Callable[..., Any]


def write_certificate(folder: Path) -> None:
    """Self-signed `cert.pem` and `key.pem` for 127.0.0.1, valid for an hour."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize("first", [False, True])
def test_push_and_tools_over_tls(
    first: bool, nsc: Nsc, start_server: Callable[[str], Any], home: Path
) -> None:
    write_certificate(home)
    nsc("add", "operator", "O", "--sys")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    tls = f'tls {{ cert_file: "{home}/cert.pem", key_file: "{home}/key.pem", '
    tls += f"handshake_first: {str(first).lower()} }}\n"
    server = start_server(tls + nsc("generate", "config", "--nats-resolver").out)
    url = server.url.replace("nats://", "tls://")
    flags = ["--ca-cert", str(home / "cert.pem"), *(["--tls-first"] if first else [])]
    error = nsc("push", "-A", "-u", url, code=1).err  # the certificate is not trusted
    assert error.strip().splitlines()[-1].startswith("Error: ")
    assert "jwt updated" in nsc("push", "-A", "-u", url, *flags).err
    assert "round trip time" in nsc("tool", "rtt", "-a", "A", "--nats", url, *flags).out
    curve = [*flags, "--tls-curves", "P256"]
    assert "round trip time" in nsc("tool", "rtt", "-a", "A", "--nats", url, *curve).out


def test_nothing_goes_in_the_clear_where_tls_is_wanted(
    nsc: Nsc, start_server: Callable[[str], Any], home: Path
) -> None:
    write_certificate(home)
    nsc("add", "operator", "O", "--sys")
    nsc("add", "account", "A")
    server = start_server(nsc("generate", "config", "--nats-resolver").out)
    for url, flags in (
        (server.url.replace("nats://", "tls://"), ()),
        (server.url, ("--ca-cert", str(home / "cert.pem"))),
    ):
        error = nsc("push", "-A", "-u", url, *flags, code=1).err
        assert "secure connection not available" in error
    assert "jwt updated" in nsc("push", "-A", "-u", server.url).err


@pytest.fixture
def account_server() -> Iterator[tuple[str, dict[str, str]]]:
    """An account server that keeps what is posted, by path."""
    kept: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            assert self.headers["Content-Type"] == "application/jwt"
            kept[self.path] = self.rfile.read(size).decode()
            self.answer(200, "stored")

        def do_GET(self) -> None:
            text = kept.get(self.path)
            self.answer(200 if text else 404, text or "no such account")

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwt/v1", kept
    server.shutdown()
    thread.join()
    server.server_close()


def test_push_all_pull_and_activations_over_http(
    nsc: Nsc, account_server: tuple[str, dict[str, str]], home: Path
) -> None:
    url, kept = account_server
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    nsc("add", "account", "B")
    nsc("edit", "operator", "--account-jwt-server-url", url)
    pushed = nsc("push", "--all").err
    assert 'pushed account "A"' in pushed and 'pushed account "B"' in pushed
    stores = home / ".local/share/nats/nsc/stores/O/accounts"
    for name in ("A", "B"):
        text = (stores / f"{name}/{name}.jwt").read_text()
        assert kept[f"/jwt/v1/accounts/{jwt.decode(text).sub}"] == text.strip()
    old = (stores / "A/A.jwt").read_text()
    nsc("edit", "account", "A", "--tag", "x")
    nsc("pull", "-a", "A", "--overwrite-newer")
    assert (stores / "A/A.jwt").read_text().strip() == old.strip()
    nsc("add", "export", "-a", "A", "-s", "p.>", "-p")
    shown = nsc("generate", "activation", "-a", "A", "-s", "p.x", "-t", "B", "--push")
    token = extract_jwt(shown.out)
    assert kept["/jwt/v1/activations"] == token
    claims = jwt.decode_as(jwt.ActivationClaims, token)
    assert f"{url}/activations/{claims.hash_id()}" in shown.err
    (home / "token").write_text(token)
    nsc("add", "import", "-a", "B", "--token", str(home / "token"))


def test_refusals_of_an_account_server_are_told(
    nsc: Nsc, account_server: tuple[str, dict[str, str]]
) -> None:
    url, _ = account_server
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    assert "404 no such account" in nsc("pull", "-a", "A", "-u", url, code=1).err
    nsc("add", "export", "-s", "p", "-p")
    error = nsc("generate", "activation", "-t", "A", "--push", code=1).err
    assert "account server" in error
