"""`pynats account tls --ocsp`: the answer that the server staples to its handshake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynats_cli.commands.account.tls
import pynats_cli.connect.staple  # noqa: F401 - imported before a run, see Cli
import pytest
from cryptography.hazmat.bindings._rust import _openssl
from cryptography.hazmat.primitives.serialization import Encoding
from pynats_cli.commands.account.stapled import read_staple
from pynats_cli.connect import staple
from pynats_cli.errors import CliError
from pynats_server.options import OcspOptions, TlsOptions
from pynats_server.threaded import ThreadedServer

from tests.cli.conftest import Cli
from tests.support.authorities import Authority
from tests.support.ocsp_responder import HOUR, Responder, response

CA, OTHER = Authority(), Authority("Other CA")
LEAF = CA.issue()
CHAIN = [each.certificate.public_bytes(Encoding.DER) for each in (LEAF, CA.root)]


def said(signer: Any = CA.root, **more: Any) -> bytes:
    return response(LEAF.certificate, CA.root.certificate, signer, **more)


def test_answers_are_told_in_the_words_of_nats() -> None:
    number = LEAF.certificate.serial_number
    good = read_staple(said(), CHAIN)
    assert good.line().startswith(f"# OCSP: GOOD status=0 sn={number} producedAt=(20")
    assert good.error() == ""
    assert good.data().keys() == {"status", "serial", "produced_at", "this_update", "next_update"}
    endless = read_staple(said(ends=None), CHAIN)
    assert endless.line().endswith("nextUpdate=(0001-01-01 00:00:00 +0000 UTC)")
    assert "next_update" not in endless.data()
    revoked = read_staple(said(status="revoked"), CHAIN)
    assert revoked.line().startswith("# OCSP: REVOKED status=1 RevokedAt=(20")
    assert revoked.error() == f"OCSP: the certificate is revoked: sn={number}"
    assert "revoked_at" in revoked.data()
    unknown = read_staple(said(status="unknown"), CHAIN)
    assert unknown.line() == f"# OCSP: BAD status=2 sn={number}"
    assert unknown.error()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"nonsense", "the answer cannot be read"),
        (said(OTHER.root), "the answer is not signed by the authority"),
        (said(since=-2 * HOUR, ends=-HOUR), "the answer is too old"),
    ],
)
def test_an_answer_that_does_not_count_is_an_error(answer: bytes, words: str) -> None:
    found = read_staple(answer, CHAIN)
    expected = f'OCSP response invalid for chain 1\'s "CN=localhost" from "CN=Test CA": {words}'
    assert (found.error(), found.line()) == (expected, f"# {expected}")
    assert found.data() == {"status": "invalid", "error": expected}


def test_there_may_be_no_answer_or_nobody_to_check_it_with() -> None:
    assert (read_staple(b"", CHAIN).line(), read_staple(b"", CHAIN).error()) == ("", "")
    solo = read_staple(said(), CHAIN[:1])
    assert solo.line() == "# Skipping OCSP verification for solo end-entity cert chain"
    assert solo.error() == ""


@pytest.mark.parametrize("more", [{}, {"min_version": "1.3", "verify": True}])
def test_a_server_that_staples(
    more: dict[str, Any], make_cli: Callable[[str], Cli], tmp_path: Path
) -> None:
    certificate = CA.issue()
    certificate.write(tmp_path, "server")
    CA.issue("CN=client", usage=("client",)).write(tmp_path, "client")
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    with Responder(CA) as responder:
        responder.knows(certificate)
        tls = TlsOptions(
            cert_file=tmp_path / "server.pem", key_file=tmp_path / "server-key.pem",
            ca_file=tmp_path / "ca.pem", **more,
        )  # fmt: skip
        ocsp = OcspOptions(mode="always", urls=[responder.url])
        with ThreadedServer(log=None, tls=tls, ocsp=ocsp) as server:
            cli = make_cli(f"tls://localhost:{server.server.client_port}")
            flags = ["--tlsca", str(tmp_path / "ca.pem")]
            flags += ["--tlscert", str(tmp_path / "client.pem")]
            flags += ["--tlskey", str(tmp_path / "client-key.pem")]
            done = cli.run("account", "tls", "--ocsp", "--no-pem", *flags)
            assert (done.code, done.err) == (0, "")
            number = certificate.certificate.serial_number
            assert f"\n\n# OCSP: GOOD status=0 sn={number} producedAt=(" in done.out
            told = cli.run("account", "tls", "--ocsp", "--json", *flags)
            rows = json.loads(told.out)
            assert rows[0]["ocsp"]["serial"] == str(number)
            assert "ocsp" not in rows[1]


def test_bindings_that_lack_a_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Poorer:
        def __getattr__(self, name: str) -> Any:
            if name == "SSL_set_tlsext_status_type":
                raise AttributeError(name)
            return getattr(_openssl.lib, name)

    class Bindings:
        ffi, lib = _openssl.ffi, Poorer()

    import cryptography.hazmat.bindings._rust as rust

    monkeypatch.setattr(rust, "_openssl", Bindings)
    with pytest.raises(CliError, match="lacks a name: SSL_set_tlsext_status_type"):
        staple._Handshake("localhost")


def test_a_server_that_speaks_no_tls_is_an_error() -> None:
    handshake = staple._Handshake("localhost")
    assert not handshake.advance()
    assert b"localhost" in handshake.outgoing()
    handshake.incoming(b"PING\r\nPING\r\n")
    with pytest.raises(CliError, match="the TLS handshake failed: "):
        handshake.advance()
    assert handshake.answer() == handshake.peer_certificate() == b""
    assert b"127.0.0.1" not in staple._Handshake("127.0.0.1").outgoing()
