"""An OpenID Connect provider on loopback: its documents, its keys, and the tokens it gives."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "nats"


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key(name: str) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, kid: str = "", **more: Any) -> dict[str, Any]:
    """The public half of a key, as a provider shows it."""
    public = key.public_key()
    kinds = {
        rsa.RSAPublicKey: RSAAlgorithm, ec.EllipticCurvePublicKey: ECAlgorithm,
        ed25519.Ed25519PublicKey: OKPAlgorithm,
    }  # fmt: skip
    for kind, algorithm in kinds.items():
        if isinstance(public, kind):
            entry: dict[str, Any] = json.loads(algorithm.to_jwk(public))
            return entry | ({"kid": kid} if kid else {}) | more
    raise TypeError(f"no kind of key: {public!r}")


class Provider:
    """`keys` are what it shows; `asked` counts requests by path. It fails while `down` is set."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}/realm"
        self.keys = [jwk(rsa_key("first"), "first")]
        self.asked: dict[str, int] = {}
        self.down = False
        self.documents: dict[str, Any] = {}  # that are not the usual ones

    @property
    def jwks_url(self) -> str:
        return f"{self.issuer}/keys"

    def answer(self, path: str) -> Any:
        self.asked[path] = self.asked.get(path, 0) + 1
        if path in self.documents:
            return self.documents[path]
        if path == "/realm/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": self.jwks_url}
        return {"keys": self.keys} if path == "/realm/keys" else None

    def token(
        self, key: Any = None, kid: str = "first", algorithm: str = "RS256",
        headers: dict[str, Any] | None = None, drop: tuple[str, ...] = (), **claims: Any,
    ) -> str:  # fmt: skip
        """What it would give a user; `drop` leaves claims out."""
        now = time.time()
        body = {
            "iss": self.issuer, "aud": AUDIENCE, "sub": "user-1", "iat": int(now),
            "exp": int(now) + 600,
        } | claims  # fmt: skip
        body = {name: value for name, value in body.items() if name not in drop}
        head = ({"kid": kid} if kid else {}) | (headers or {})
        return jwt.encode(body, key or rsa_key("first"), algorithm, head)


@contextmanager
def provider() -> Iterator[Provider]:
    """One that runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = shown.answer(self.path)
            status = 503 if shown.down else 404 if found is None else 200
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shown = Provider(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield shown
        finally:
            server.shutdown()
            thread.join()
