"""Which keys of `resolver_tls` count, as the real server has it: whom it trusts, what it shows and
what it offers. The real server was asked; it says nothing of keys without effect."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_server.options import TlsOptions
from pynats_server.resolver.base import ResolverError
from pynats_server.resolver.url import UrlResolver
from pynats_server.tls.https import client_context, without_effect
from pynats_server.tls.options import CertificateFiles, OcspPeerOptions
from pynats_server.tls.plan import plan_of

from tests.support.authorities import Authority

CHACHA = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    authority = Authority()
    authority.issue().write(folder, "server")
    authority.issue("CN=resolver", usage=("client",)).write(folder, "own")
    (folder / "ca.pem").write_bytes(authority.pem)
    (folder / "other.pem").write_bytes(Authority("Other").pem)
    return folder


def seen(
    files: Path, tls: TlsOptions | None, change: Callable[[ssl.SSLContext], Any] = bool
) -> tuple[str, str, bool]:
    """What a web server sees of one that asks it: version, cipher, if there is a certificate."""
    found: list[tuple[str, str, bool]] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server-key.pem")
    context.load_verify_locations(files / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    change(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        peer = writer.get_extra_info("ssl_object")
        found.append((peer.version(), peer.cipher()[0], bool(peer.getpeercert(True))))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def ask() -> None:
        web = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        async with web:
            port = web.sockets[0].getsockname()[1]
            own = client_context(plan_of(tls)) if tls is not None else None
            resolver = UrlResolver(f"https://localhost:{port}", timeout_s=30, tls=own)
            try:
                await resolver.start()
            finally:
                await resolver.stop()

    asyncio.run(ask())
    (only,) = found
    return only


def old(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def pair(files: Path) -> CertificateFiles:
    return CertificateFiles(files / "own.pem", files / "own-key.pem")


def test_the_authority(files: Path) -> None:
    assert seen(files, TlsOptions(ca_file=files / "ca.pem"))[2] is False
    for tls in (None, TlsOptions(ca_file=files / "other.pem")):
        with pytest.raises(ResolverError, match="failed to verify certificate"):
            seen(files, tls)


def test_none(files: Path) -> None:
    assert seen(files, TlsOptions(insecure=True))[0] == "TLSv1.3"


def test_its_own_certificate(files: Path) -> None:
    own = pair(files)
    tls = TlsOptions(insecure=True, cert_file=own.cert_file, key_file=own.key_file)
    assert seen(files, tls)[2]
    assert seen(files, TlsOptions(insecure=True, certs=[own]))[2]


def test_the_version(files: Path) -> None:
    with pytest.raises(ResolverError, match=r"tls: |EOF"):
        seen(files, TlsOptions(insecure=True, min_version="1.3"), old)
    assert seen(files, TlsOptions(insecure=True), old)[0] == "TLSv1.2"


def test_the_ciphers(files: Path) -> None:
    tls = TlsOptions(insecure=True, cipher_suites=[CHACHA])
    assert seen(files, tls, old)[1] == "ECDHE-ECDSA-CHACHA20-POLY1305"


@pytest.mark.parametrize(
    ("curve", "name"),
    [("CurveP256", "prime256v1"), ("CurveP384", "secp384r1"), ("X25519", "X25519")],
)
def test_the_curve(curve: str, name: str, files: Path) -> None:
    tls = TlsOptions(insecure=True, curve_preferences=[curve])
    assert seen(files, tls, lambda context: context.set_ecdh_curve(name))
    with pytest.raises(ResolverError, match=r"tls: |EOF"):
        seen(files, tls, lambda context: context.set_ecdh_curve("secp521r1"))


def test_what_has_no_effect_is_told() -> None:
    assert without_effect(TlsOptions(insecure=True, verify=True, handshake_first=True)) == []
    assert without_effect(TlsOptions(curve_preferences=["CurveP256"])) == []
    tls = TlsOptions(
        pinned_certs=["ab" * 32],
        ocsp_peer=OcspPeerOptions(verify=True),
        curve_preferences=["CurveP256", "CurveP384"],
    )
    assert without_effect(tls) == ["pinned_certs", "ocsp_peer", "curve_preferences"]
    assert without_effect(TlsOptions(curve_preferences=["X25519MLKEM768"])) == ["curve_preferences"]
