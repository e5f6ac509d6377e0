"""PEM files of any content: read as they are meant, or refused with a reason that shows nothing of
them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.tls.https import choose_certificate
from pynats_server.tls.pem import PemError, pair_of
from pynats_server.tls.plan import CertificateAndKey

from tests.support.authorities import Authority

ISSUED = Authority().issue()
CERTIFICATE, KEY = ISSUED.pem, ISSUED.key_pem
_PARTS = st.sampled_from(
    [
        CERTIFICATE,
        KEY,
        CERTIFICATE.replace(b"\n", b"\r\n"),
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END X-----\n",
        b"words\n",
        b"\n",
    ]
)
_FILES = st.lists(_PARTS | st.binary(max_size=40), max_size=5).map(b"".join)


@given(_FILES, _FILES)
def test_any_two_files_are_a_pair_or_are_refused(certificate: bytes, key: bytes) -> None:
    try:
        pair = pair_of(certificate, key)
    except PemError as error:
        assert str(error)
        assert KEY.splitlines()[1].decode() not in str(error)
    else:
        assert pair.chain[0] == ISSUED.der


@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(0, len(CERTIFICATE)))
def test_words_around_blocks_do_not_count(before: bytes, after: bytes, cut: int) -> None:
    surely = b"\n" + before.replace(b"-", b"") + b"\n"
    behind = b"\n" + after.replace(b"-", b"")
    assert pair_of(surely + CERTIFICATE + behind, surely + KEY + behind).chain == (ISSUED.der,)
    with pytest.raises(PemError):
        pair_of(CERTIFICATE[: cut - 40] if cut > 40 else b"", KEY)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (None, 0),
        ("", 0),
        ("b.example.com", 1),
        ("B.Example.com.", 1),
        ("x.wild.example.com", 2),
        ("x.y.wild.example.com", 0),
        ("wild.example.com", 0),
        ("unknown", 0),
    ],
)
def test_which_certificate_a_host_gets(name: str | None, number: int) -> None:
    names = (("a.example.com",), ("b.example.com",), ("*.wild.example.com",))
    certificates = tuple(CertificateAndKey((b"",), b"", each) for each in names)
    assert choose_certificate(certificates, name) == number
