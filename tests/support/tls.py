"""TLS in memory and over sockets: plans, clients of Python's `ssl`, and records made by hand."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pynats_server.core.sockets.layer import FAILED, MORE, READY, Layer
from pynats_server.tls.plan import CertificateAndKey, ContextPlan

from tests.support.authorities import Authority, Certificate

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@dataclass(frozen=True)
class TlsPlan(ContextPlan):
    """A plan that trusts nobody, instead of those whom the system trusts."""

    authorities: tuple[bytes, ...] | None = ()

    def but(self, **changes: Any) -> TlsPlan:
        return replace(self, **changes)


def held(issued: Certificate, *names: str) -> CertificateAndKey:
    return CertificateAndKey(issued.chain, issued.key_der, names)


class PythonClient:
    """A client in memory, of Python's `ssl`."""

    def __init__(
        self,
        authority: Authority | None,
        name: str | None = "localhost",
        issued: Certificate | None = None,
        folder: Path | None = None,
        version: ssl.TLSVersion | None = None,
        ciphers: str = "",
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        keylog: Path | None = None,
    ) -> None:
        if context is None:
            context = client_context(authority, issued, folder)
            if version is not None:
                context.minimum_version = context.maximum_version = version
            if ciphers:
                context.set_ciphers(ciphers)
        if keylog is not None:
            context.keylog_filename = str(keylog)
        self.context = context
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if name is None:
            context.check_hostname = False
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_hostname=name, session=session
        )

    def shake(self, data: bytes) -> bool:
        """A step; whether it is done. Raises SSLError, with what it has to say in `outgoing`."""
        self.incoming.write(data)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def take(self) -> bytes:
        return self.outgoing.read()

    def read(self, data: bytes = b"") -> bytes:
        self.incoming.write(data)
        found = bytearray()
        while True:
            try:
                part = self.tls.read(1 << 20)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                return bytes(found)
            if not part:
                return bytes(found)
            found += part

    def write(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.take()


def client_context(
    authority: Authority | None, issued: Certificate | None = None, folder: Path | None = None
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority is not None:
        context.load_verify_locations(cadata=authority.der)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if issued is not None:
        assert folder is not None
        context.load_cert_chain(*issued.write(folder, "client"))
    return context


def shake(
    client: PythonClient, server: Layer, cut: Callable[[bytes], list[bytes]] = lambda data: [data]
) -> int:
    """The whole handshake: the server's last answer. What it says after that, the client gets, too;
    an alert raises SSLError there."""
    done = False
    answer = MORE
    said = b""
    while True:
        if not done:
            done = client.shake(said)
        elif said:
            client.read(said)
        if answer == READY and done:
            return answer
        heard, said = client.take(), b""
        if not heard:
            raise AssertionError("both wait for each other")
        for part in cut(heard):
            answer = server.greet(part)
            if answer == FAILED:
                break
        said = server.take()
        if answer == FAILED:
            client.incoming.write(said)
            return answer


def connected(
    context: Any, client: PythonClient, cut: Callable[[bytes], list[bytes]] = lambda data: [data]
) -> Layer:
    """A server's layer after a handshake that succeeds."""
    layer: Layer = context.layer()
    answer = shake(client, layer, cut)
    assert answer == READY, layer.failure()
    return layer


class HandMade:
    """Records of a TLS 1.3 client, made by hand after its handshake: what no library would send."""

    def __init__(self, client: PythonClient, keylog: Path) -> None:
        assert client.tls.version() == "TLSv1.3"
        cipher = client.tls.cipher()
        assert cipher is not None
        self._hash: hashes.HashAlgorithm = (
            hashes.SHA384() if "SHA384" in cipher[0] else hashes.SHA256()
        )
        self._key_size = 32 if "AES_256" in cipher[0] else 16
        secret = next(
            line.split()[2]
            for line in keylog.read_text().splitlines()
            if line.startswith("CLIENT_TRAFFIC_SECRET_0")
        )
        self._renew(bytes.fromhex(secret))

    def data(self, content: bytes) -> bytes:
        return self._record(content, 23)

    def key_update(self, answer: bool = True) -> bytes:
        """Asks for one in return; the next record has the new key."""
        record = self._record(b"\x18\x00\x00\x01" + bytes([answer]), 22)
        self._renew(self._derive(self._secret, b"traffic upd", self._hash.digest_size))
        return record

    def _renew(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = AESGCM(self._derive(secret, b"key", self._key_size))
        self._iv = self._derive(secret, b"iv", 12)
        self._sequence = 0

    def _derive(self, secret: bytes, label: bytes, length: int) -> bytes:
        label = b"tls13 " + label
        info = length.to_bytes(2) + bytes([len(label)]) + label + b"\x00"
        found = hmac.HMAC(secret, self._hash)
        found.update(info + b"\x01")
        return found.finalize()[:length]

    def _record(self, content: bytes, kind: int) -> bytes:
        inner = content + bytes([kind])
        head = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2)
        mask = self._sequence.to_bytes(12)
        nonce = bytes(left ^ right for left, right in zip(self._iv, mask, strict=True))
        self._sequence += 1
        return head + self._cipher.encrypt(nonce, inner, head)


def records(data: bytes) -> list[bytes]:
    """What was sent, cut into records."""
    found = []
    while data:
        end = 5 + int.from_bytes(data[3:5])
        found.append(data[:end])
        data = data[end:]
    return found
