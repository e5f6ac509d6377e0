"""What authorities say of certificates: shown to clients (`ocsp`), and asked about those of clients
(`ocsp_peer`)."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_common.ocsp import OcspError, checked
from pynats_server import ServerError
from pynats_server.options import OcspOptions, OcspPeerOptions, TlsOptions
from pynats_server.threaded import ThreadedServer
from pynats_server.tls.ocsp import ask

from tests.support.authorities import Authority, Certificate
from tests.support.deadline import wait_until
from tests.support.ocsp_responder import HOUR, Responder, response
from tests.support.tls_peer import TlsPeer, client_context

CA = Authority()
OTHER = Authority("Other CA")
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def responder() -> Iterator[Responder]:
    with Responder(CA) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    CA.issue().write(tmp_path, "server")
    return tmp_path


def options(folder: Path, **more: Any) -> TlsOptions:
    return TlsOptions(
        cert_file=folder / "server.pem",
        key_file=folder / "server-key.pem",
        ca_file=folder / "ca.pem",
        **more,
    )


# -- answers ----------------------------------------------------------------------------------


def test_an_answer_counts_only_if_it_is_about_the_certificate_and_signed_for_now() -> None:
    certificate, another = CA.issue(), CA.issue()
    delegate = CA.issue("CN=delegate", usage=("ocsp",))
    impostor = CA.issue("CN=impostor")
    subject, issuer = certificate.certificate, CA.root.certificate

    def said(signer: Certificate = CA.root, about: Certificate = certificate, **more: Any) -> str:
        by = OTHER.root.certificate if signer is OTHER.root else issuer
        der = response(about.certificate, by, signer, **more)
        return checked(der, subject, issuer, 30.0).status

    assert said() == "good"
    assert said(status="revoked") == "revoked"
    assert said(status="unknown") == "unknown"
    assert said(delegate) == "good"
    assert said(since=datetime.timedelta(seconds=10)) == "good"  # clocks are not equal
    wrong: dict[str, dict[str, Any]] = {
        "about another certificate": {"about": another},
        "not signed by the authority": {"signer": OTHER.root},
        "is not signed by the authority": {"signer": impostor},
        "too old": {"since": -2 * HOUR, "ends": -HOUR},
        "of the future": {"since": HOUR, "ends": 2 * HOUR},
    }
    for words, more in wrong.items():
        with pytest.raises(OcspError, match=words):
            said(**more)
    with pytest.raises(OcspError, match="cannot be read"):
        checked(b"no answer", subject, issuer, 30.0)


def test_answers_are_asked_for_as_post_and_then_as_get(responder: Responder) -> None:
    certificate = CA.issue()
    responder.knows(certificate)

    def status(*urls: str) -> str:
        found = ask(certificate.certificate, CA.root.certificate, urls, 5.0, 30.0)
        return found.status

    assert status(responder.url) == "good"
    responder.posts_fail = True
    assert status("http://127.0.0.1:1/", responder.url) == "good"
    assert responder.requests == ["POST", "POST", "GET"]
    with pytest.raises(OcspError, match="only http and https"):
        status("file:///etc/passwd")
    responder.answer = lambda: b"x" * 100_000
    responder.posts_fail = False
    with pytest.raises(OcspError, match="too large"):
        status(responder.url)


# -- stapling ---------------------------------------------------------------------------------


def stapled(port: int) -> bytes:
    """The OCSP response in a handshake of TLS 1.2, where it can be read; empty without one."""
    extensions = b"".join(
        struct.pack(">HH", number, len(body)) + body
        for number, body in (
            (0, b"\x00\x0c\x00\x00\x09localhost"),
            (5, b"\x01\x00\x00\x00\x00"),  # status_request
            (10, b"\x00\x04\x00\x1d\x00\x17"),
            (13, b"\x00\x04\x04\x03\x08\x04"),
        )
    )
    suites = bytes.fromhex("c02bc02f")
    body = b"\x03\x03" + bytes(32) + b"\x00" + struct.pack(">H", len(suites)) + suites
    body += b"\x01\x00" + struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    with TlsPeer(port) as peer:
        peer.info()
        peer.send(b"\x16\x03\x01" + struct.pack(">H", len(message)) + message)
        plain = b""

        def read(length: int) -> bytes:
            found = b""
            while len(found) < length:
                data = peer.socket.recv(length - len(found))
                assert data, "the handshake ended"
                found += data
            return found

        while True:
            kind, _, length = struct.unpack(">BHH", read(5))
            assert kind == 22, "an alert"
            plain += read(length)
            while len(plain) >= 4 and len(plain) >= 4 + (size := int.from_bytes(plain[1:4], "big")):
                what, content, plain = plain[0], plain[4 : 4 + size], plain[4 + size :]
                if what == 22:  # CertificateStatus
                    return content[4:]
                if what == 14:  # ServerHelloDone
                    return b""


def test_a_staple_is_shown_and_renewed(folder: Path, responder: Responder) -> None:
    certificate = CA.issue(ocsp_url=responder.url)
    certificate.write(folder, "server")
    responder.knows(certificate)
    responder.ends = datetime.timedelta(seconds=2)  # then it is asked again after one
    ocsp = OcspOptions(mode="always")
    with ThreadedServer(log=None, tls=options(folder, watch=0.0), ocsp=ocsp) as server:
        port = server.server.client_port
        first = stapled(port)
        found = checked(first, certificate.certificate, CA.root.certificate, 30.0)
        assert found.status == "good"
        wait_until(lambda: stapled(port) not in (first, b""), "the next staple")
        with TlsPeer(port) as peer:
            peer.info()
            assert not peer.secure(client_context(folder))
            assert peer.ping() == "PONG"


@pytest.mark.parametrize(
    ("mode", "demands", "shown"),
    [
        ("auto", False, False),
        ("auto", True, True),
        ("must", False, False),
        ("must", True, True),
        ("always", False, True),
        ("never", True, False),
    ],
)
def test_who_gets_a_staple(
    mode: Any, demands: bool, shown: bool, folder: Path, responder: Responder
) -> None:
    certificate = CA.issue(status_request=demands)
    certificate.write(folder, "server")
    responder.knows(certificate)
    ocsp = OcspOptions(mode=mode, urls=[responder.url])
    with ThreadedServer(log=None, tls=options(folder), ocsp=ocsp) as server:
        assert bool(stapled(server.server.client_port)) == shown


def test_a_server_that_cannot_staple_as_it_must_does_not_start(
    folder: Path, responder: Responder
) -> None:
    def refusal(tls: TlsOptions, *urls: str) -> str:
        ocsp = OcspOptions(mode="always", urls=list(urls))
        with pytest.raises(ServerError) as refused, ThreadedServer(log=None, tls=tls, ocsp=ocsp):
            pass
        return str(refused.value)

    certificate = CA.issue()
    certificate.write(folder, "server")
    responder.knows(certificate)
    tls = options(folder)
    assert "no available ocsp servers" in refusal(tls)
    found = refusal(tls, "http://127.0.0.1:1")
    assert found.startswith("bad OCSP status update for certificate at ")
    assert "exhausted ocsp servers" in found
    tls.ca_file = None
    assert refusal(tls, responder.url) == "no issuers found"
    responder.status = "revoked"
    assert "it was revoked" in refusal(options(folder), responder.url)


def test_a_server_ends_when_its_certificate_is_revoked(folder: Path, responder: Responder) -> None:
    certificate = CA.issue(status_request=True)
    certificate.write(folder, "server")
    responder.knows(certificate)
    responder.ends = datetime.timedelta(seconds=1)
    ocsp = OcspOptions(mode="must", urls=[responder.url])
    with ThreadedServer(log=None, tls=options(folder), ocsp=ocsp) as server:
        assert stapled(server.server.client_port)
        responder.status = "revoked"
        wait_until(lambda: not server.running, "its end")


# -- certificates of clients ------------------------------------------------------------------


def answer(server: ThreadedServer, folder: Path) -> str:
    with TlsPeer(server.server.client_port) as peer:
        peer.info()
        return peer.secure(client_context(folder, "client")) or peer.ping()


def client_of(folder: Path, responder: Responder) -> None:
    certificate = CA.issue("CN=client", usage=("client",), ocsp_url=responder.url)
    certificate.write(folder, "client")
    responder.knows(certificate)


def test_a_client_whose_authority_vouches_for_it(folder: Path, responder: Responder) -> None:
    client_of(folder, responder)
    tls = options(folder, verify=True, ocsp_peer=OcspPeerOptions(verify=True))
    with ThreadedServer(log=None, tls=tls) as server:
        assert [answer(server, folder) for _ in range(3)] == ["PONG"] * 3
        assert len(responder.requests) == 1  # it is remembered
        client_of(folder, responder)
        responder.status = "revoked"
        assert answer(server, folder) == "closed"
        client_of(folder, responder)
        responder.status = "unknown"
        assert answer(server, folder) == "closed"
        responder.answer = lambda: b"nonsense"
        client_of(folder, responder)
        assert answer(server, folder) == "closed"


@pytest.mark.parametrize(
    ("status", "more", "welcome"),
    [
        ("revoked", {"warn_only": True}, True),
        ("revoked", {"unknown_is_good": True}, False),
        ("unknown", {"unknown_is_good": True}, True),
        ("gone", {}, False),
        ("gone", {"allow_when_ca_unreachable": True}, True),
        ("revoked", {"allow_when_ca_unreachable": True}, False),
    ],
)
def test_what_else_may_be_enough(
    status: str, more: dict[str, bool], welcome: bool, folder: Path, responder: Responder
) -> None:
    client_of(folder, responder)
    if status == "gone":
        responder.answer = lambda: b""
    else:
        responder.status = status
    tls = options(folder, verify=True, ocsp_peer=OcspPeerOptions(verify=True, **more))
    with ThreadedServer(log=None, tls=tls) as server:
        assert (answer(server, folder) == "PONG") == welcome
