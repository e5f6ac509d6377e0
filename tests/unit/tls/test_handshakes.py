"""Who may come in, with which certificate, by which rules; what is said to those who may not."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.bindings import _rust
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPResponseBuilder, OCSPResponseStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.core.sockets.layer import ENDED, FAILED, MORE, READY, Layer
from pynats_server.tls.engine import Engine
from pynats_server.tls.plan import CertificateAndKey

from tests.support.authorities import DAY, Authority, Certificate, spare_rsa_key
from tests.support.fuzzing import examples
from tests.support.tls import (
    TLS_1_2,
    TLS_1_3,
    PythonClient,
    TlsPlan,
    connected,
    held,
    shake,
)

SUITE_1_2 = "ECDHE-ECDSA-AES256-GCM-SHA384"


def refused(layer: Layer, client: PythonClient) -> str:
    """The alert that a refused client gets."""
    assert shake(client, layer) == FAILED
    with pytest.raises(ssl.SSLError) as error:
        client.tls.do_handshake()
        client.tls.read(1)
    return re.sub("^(sslv3|tlsv1|tlsv13)_(alert_)?", "", (error.value.reason or "").lower())


# --- what is agreed on ---


def test_tls_1_3(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    client = PythonClient(authority)
    peer = connected(engine.server_context(plan), client).peer()
    assert (peer.version, peer.sent, peer.verified) == ("1.3", (), ())
    assert peer.server_name == ("" if engine.name.startswith("python/") else "localhost")
    assert peer.cipher == client.tls.cipher()[0]


def test_the_suite_of_tls_1_3_is_the_real_servers(
    compiled: Engine, plan: TlsPlan, authority: Authority
) -> None:
    peer = connected(compiled.server_context(plan), PythonClient(authority)).peer()
    assert peer.cipher == "TLS_AES_128_GCM_SHA256"


def test_tls_1_2_and_its_suites(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    context = engine.server_context(plan.but(ciphers_12=(SUITE_1_2,)))
    peer = connected(context, PythonClient(authority, version=TLS_1_2)).peer()
    assert (peer.version, peer.cipher) == ("1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    layer = context.layer()
    client = PythonClient(
        authority, version=TLS_1_2, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256:AES128-SHA"
    )
    assert refused(layer, client) == "handshake_failure"
    assert layer.failure() == "tls: no cipher suite supported by both client and server"


def test_what_is_too_old(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    layer = engine.server_context(plan.but(min_version=0x0304)).layer()
    assert refused(layer, PythonClient(authority, version=TLS_1_2)) == "protocol_version"
    assert layer.failure() == "tls: client offered only unsupported versions"


def test_rsa(engine: Engine, authority: Authority) -> None:
    issued = authority.issue("CN=localhost", ["localhost"], key=spare_rsa_key())
    context = engine.server_context(TlsPlan((held(issued),)))
    peer = connected(context, PythonClient(authority, version=TLS_1_2)).peer()
    assert peer.cipher.startswith("TLS_ECDHE_RSA_WITH_AES_")


def test_groups(compiled: Engine, plan: TlsPlan, authority: Authority) -> None:
    with pytest.raises(ValueError):
        compiled.server_context(plan.but(groups=("X25519", "no such group")))
    context = compiled.server_context(plan.but(groups=("P-384",)))
    client = PythonClient(authority)
    client.context.set_ecdh_curve("prime256v1")
    layer = context.layer()
    narrow = PythonClient(authority, context=client.context)
    assert shake(narrow, layer) == FAILED
    assert connected(context, PythonClient(authority)).peer().version == "1.3"


def test_an_engine_that_cannot_do_what_is_configured_says_so(plan: TlsPlan) -> None:
    from pynats_server.tls.engine import ENGINES

    for wish in ({"groups": ("X25519", "P-256")}, {"staple": b"x"}):
        with pytest.raises(ValueError, match="this TLS engine cannot"):
            ENGINES["python"]().server_context(plan.but(**wish))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ciphers_12": ("NO-SUCH-SUITE",)},
        {"authorities": (b"no certificate",), "verify": True},
    ],
)
def test_wrong_plans_are_value_errors(
    engine: Engine, plan: TlsPlan, wrong: dict[str, object]
) -> None:
    with pytest.raises((ValueError, ssl.SSLError)):
        engine.server_context(plan.but(**wrong))


def test_a_key_of_another_certificate(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    one, other = authority.issue("CN=a", ["a"]), authority.issue("CN=b", ["b"])
    mixed = CertificateAndKey(one.chain, other.key_der)
    with pytest.raises((ValueError, ssl.SSLError)):
        engine.server_context(plan.but(certificates=(mixed,)))


# --- which certificate ---


def names_served(context: object, authority: Authority, name: str | None) -> str:
    client = PythonClient(authority, name)
    connected(context, client)
    seen = client.tls.getpeercert()
    assert seen is not None
    return str(dict(each[0] for each in seen["subject"])["commonName"])  # type: ignore[misc]


def test_certificates_by_name(engine: Engine, authority: Authority) -> None:
    first = authority.issue("CN=first", ["first.test"])
    second = authority.issue("CN=second", ["second.test", "Other.Test"], key=spare_rsa_key())
    wild = authority.issue("CN=wild", ["*.wild.test"])
    context = engine.server_context(
        TlsPlan(
            (
                held(first, "first.test"),
                held(second, "second.test", "Other.Test"),
                held(wild, "*.wild.test"),
            )
        )
    )

    def served(name: str | None) -> str:
        if name is None:
            return names_served(context, authority, None)
        client = PythonClient(authority, name)
        client.context.check_hostname = False
        client = PythonClient(authority, name, context=client.context)
        connected(context, client)
        seen = client.tls.getpeercert()
        assert seen is not None
        return str(dict(each[0] for each in seen["subject"])["commonName"])  # type: ignore[misc]

    assert served("second.test") == "second"
    assert served("SECOND.test") == "second"
    assert served("other.test") == "second"
    assert served("first.test") == "first"
    assert served("a.wild.test") == "wild"
    assert served("A.WILD.test") == "wild"
    # One label only, and not none.
    assert served("a.b.wild.test") == "first"
    assert served("wild.test") == "first"
    assert served("unknown.test") == "first"
    assert served(None) == "first"


def test_what_stands_above_a_certificate_is_sent(engine: Engine, authority: Authority) -> None:
    issued = Authority("Between", parent=authority).issue("CN=localhost", ["localhost"])
    client = PythonClient(authority)  # knows only the root
    connected(engine.server_context(TlsPlan((held(issued),))), client)


@pytest.mark.parametrize("verify", [False, True])
def test_without_any_certificate(
    engine: Engine, plan: TlsPlan, authority: Authority, verify: bool
) -> None:
    context = engine.server_context(
        plan.but(certificates=(), authorities=(authority.der,), verify=verify)
    )
    for name in ("localhost", None):
        layer = context.layer()
        assert refused(layer, PythonClient(authority, name)) == "unrecognized_name"
        assert layer.failure() == "tls: no certificates configured"


def test_ocsp_staples(compiled: Engine, plan: TlsPlan, authority: Authority) -> None:
    """Whoever asks gets it, in either version; nobody else is disturbed."""
    staple = OCSPResponseBuilder.build_unsuccessful(OCSPResponseStatus.TRY_LATER).public_bytes(
        Encoding.DER
    )
    context = compiled.server_context(plan.but(staple=staple))
    assert connected(context, PythonClient(authority)).peer().version == "1.3"
    for version in (0x0303, 0x0304):
        assert stapled(context.layer(), version) == staple
        assert stapled(compiled.server_context(plan).layer(), version) == b""


def stapled(layer: Layer, version: int) -> bytes:
    """What a client hears that asks for the OCSP response: one of the wheel's OpenSSL, through its
    cffi module, because `ssl` has no way to ask."""
    ffi, lib = _rust._openssl.ffi, _rust._openssl.lib
    context = lib.SSL_CTX_new(lib.TLS_client_method())
    lib.SSL_CTX_set_max_proto_version(context, version)
    client = lib.SSL_new(context)
    incoming, outgoing = lib.BIO_new(lib.BIO_s_mem()), lib.BIO_new(lib.BIO_s_mem())
    lib.SSL_set_bio(client, incoming, outgoing)
    lib.SSL_set_connect_state(client)
    lib.SSL_set_tlsext_status_type(client, lib.TLSEXT_STATUSTYPE_ocsp)
    room = ffi.new("char[]", 1 << 16)
    for _ in range(3):
        lib.SSL_do_handshake(client)
        said = lib.BIO_read(outgoing, room, len(room))
        if said > 0:
            assert layer.greet(ffi.buffer(room)[:said]) in (MORE, READY)
        heard = layer.take()
        lib.BIO_write(incoming, heard, len(heard))
    response = ffi.new("unsigned char **")
    length = lib.SSL_get_tlsext_status_ocsp_resp(client, response)
    found = bytes(ffi.buffer(response[0], length)) if length > 0 else b""
    lib.SSL_free(client)
    lib.SSL_CTX_free(context)
    return found


# --- certificates of clients ---


def test_verified_clients(
    engine: Engine, verifying: TlsPlan, authority: Authority, tmp_path: Path
) -> None:
    context = engine.server_context(verifying)
    direct = authority.issue("CN=direct", ["direct"])
    above = Authority("Between", parent=authority)
    for issued, sent in ((direct, 1), (above.issue("CN=below", ["below"]), 2)):
        for version in (TLS_1_2, TLS_1_3):
            client = PythonClient(authority, issued=issued, folder=tmp_path, version=version)
            peer = connected(context, client).peer()
            assert peer.sent[:sent] == issued.chain
            assert peer.verified == (*issued.chain, authority.der)


@pytest.mark.parametrize(
    ("kind", "alert", "text"),
    [
        ("foreign", "unknown_ca", "certificate signed by unknown authority"),
        ("expired", "certificate_expired", "certificate has expired or is not yet valid: "),
        ("early", "certificate_expired", "certificate has expired or is not yet valid: "),
        ("server's", "bad_certificate", "certificate specifies an incompatible key usage"),
    ],
)
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])
def test_refused_clients(
    engine: Engine, verifying: TlsPlan, authority: Authority, tmp_path: Path, kind: str, alert: str,
    text: str, version: ssl.TLSVersion,
) -> None:  # fmt: skip
    issued = {
        "foreign": lambda: Authority("Other CA").issue("CN=client", ["c"]),
        "expired": lambda: authority.issue("CN=client", ["c"], starts=-2 * DAY, ends=-DAY),
        "early": lambda: authority.issue("CN=client", ["c"], starts=DAY),
        "server's": lambda: authority.issue("CN=client", ["c"], usage=["server"]),
    }[kind]()
    layer = engine.server_context(verifying).layer()
    client = PythonClient(authority, issued=issued, folder=tmp_path, version=version)
    said = refused(layer, client)
    assert layer.failure().startswith(f"tls: failed to verify certificate: x509: {text}")
    if engine.name.startswith("python/"):  # which cannot choose the alert, nor name the certificate
        assert said
        return
    assert said == alert
    assert layer.failure().partition(" (")[2].startswith(f"CN=client SHA-256: {_sha256(issued)}")


def _sha256(issued: Certificate) -> str:
    import hashlib

    return hashlib.sha256(issued.der).hexdigest()


def test_clients_without_a_certificate(
    engine: Engine, verifying: TlsPlan, authority: Authority
) -> None:
    for version, alert in (
        (TLS_1_3, "certificate_required"), (TLS_1_2, "handshake_failure"),
    ):  # fmt: skip
        layer = engine.server_context(verifying).layer()
        assert refused(layer, PythonClient(authority, version=version)) == alert
        assert layer.failure() == "tls: client didn't provide a certificate"


@pytest.mark.parametrize("subject", ["CN=client", ""], ids=["named", "nameless"])
def test_clients_whose_certificate_says_nothing_of_its_use(
    engine: Engine, verifying: TlsPlan, authority: Authority, tmp_path: Path, subject: str
) -> None:
    issued = authority.issue(subject, ["c"], usage=())
    client = PythonClient(authority, issued=issued, folder=tmp_path)
    assert connected(engine.server_context(verifying), client).peer().sent[0] == issued.der


def test_an_authority_need_not_be_a_root(
    engine: Engine, verifying: TlsPlan, authority: Authority, tmp_path: Path
) -> None:
    between = Authority("Between", parent=authority)
    context = engine.server_context(verifying.but(authorities=(between.der,)))
    client = PythonClient(authority, issued=between.issue("CN=c", ["c"]), folder=tmp_path)
    assert len(connected(context, client).peer().verified) == 2
    layer = context.layer()
    client = PythonClient(authority, issued=authority.issue("CN=c", ["c"]), folder=tmp_path)
    assert shake(client, layer) == FAILED


def test_the_systems_authorities_do_not_know_private_ones(
    engine: Engine, verifying: TlsPlan, authority: Authority, client_certificate: Certificate,
    tmp_path: Path,
) -> None:  # fmt: skip
    layer = engine.server_context(verifying.but(authorities=None)).layer()
    client = PythonClient(authority, issued=client_certificate, folder=tmp_path)
    assert refused(layer, client) == "unknown_ca"


def test_nobody_is_asked_for_a_certificate_without_need(
    engine: Engine, plan: TlsPlan, authority: Authority, tmp_path: Path
) -> None:
    issued = Authority("Other CA").issue("CN=client", ["c"])
    client = PythonClient(authority, issued=issued, folder=tmp_path)
    assert connected(engine.server_context(plan), client).peer().sent == ()


# --- tickets ---


def session_of(client: PythonClient, layer: Layer) -> ssl.SSLSession:
    client.read(layer.seal(b"tickets come with data"))
    session = client.tls.session
    assert session is not None
    with pytest.raises(ssl.SSLError):
        client.tls.unwrap()  # else the client takes its session for broken
    return session


def resumes(first: object, second: object, client: PythonClient) -> bool:
    """Whether a session with one context is resumed with another; the second handshake must come
    to an end."""
    session = session_of(client, connected(first, client))
    again = PythonClient(None, context=client.context, session=session)
    connected(second, again)
    return bool(again.tls.session_reused)


VERSIONS = pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])


@VERSIONS
def test_sessions_resume_within_a_context(
    compiled: Engine, plan: TlsPlan, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = compiled.server_context(plan)
    assert resumes(context, context, PythonClient(authority, version=version))


@VERSIONS
def test_sessions_do_not_resume_where_that_is_off(
    engine: Engine, verifying: TlsPlan, authority: Authority, client_certificate: Certificate,
    tmp_path: Path, version: ssl.TLSVersion,
) -> None:  # fmt: skip
    context = engine.server_context(verifying)
    client = PythonClient(authority, issued=client_certificate, folder=tmp_path, version=version)
    assert not resumes(context, context, client)


@VERSIONS
def test_a_new_context_resumes_nothing_of_an_old_one(
    engine: Engine, plan: TlsPlan, authority: Authority, version: ssl.TLSVersion
) -> None:
    """Not even with equal rules: each reload makes new contexts."""
    client = PythonClient(authority, version=version)
    assert not resumes(engine.server_context(plan), engine.server_context(plan), client)


@VERSIONS
@pytest.mark.parametrize("tickets", [True, False])
def test_an_old_ticket_does_not_replace_a_certificate(
    engine: Engine, plan: TlsPlan, verifying: TlsPlan, authority: Authority,
    version: ssl.TLSVersion, tickets: bool,
) -> None:  # fmt: skip
    before = engine.server_context(plan)
    client = PythonClient(authority, version=version)
    session = session_of(client, connected(before, client))
    layer = engine.server_context(verifying.but(resumption=tickets)).layer()
    again = PythonClient(None, context=client.context, session=session)
    assert shake(again, layer) == FAILED
    assert layer.failure() == "tls: client didn't provide a certificate"


@VERSIONS
def test_after_a_change_of_authorities_an_old_ticket_is_worth_nothing(
    engine: Engine, verifying: TlsPlan, authority: Authority, client_certificate: Certificate,
    tmp_path: Path, version: ssl.TLSVersion,
) -> None:  # fmt: skip
    client = PythonClient(authority, issued=client_certificate, folder=tmp_path, version=version)
    before = engine.server_context(verifying.but(resumption=True))
    session = session_of(client, connected(before, client))
    other = verifying.but(authorities=(Authority("Other CA").der,), resumption=True)
    layer = engine.server_context(other).layer()
    again = PythonClient(None, context=client.context, session=session)
    assert shake(again, layer) == FAILED
    assert "signed by unknown authority" in layer.failure()


# --- what is no handshake: the real server's answers ---

GARBAGE = b"x" * 32


@pytest.mark.parametrize(
    ("said", "heard", "text"),
    [
        (b"CONNECT {}\r\nPING\r\n", b"", "first record does not look like a TLS handshake"),
        (b"\x16hello there", b"", "first record does not look like a TLS handshake"),
        (b"\x17\x03\x03\x00\x05hello", b"", "first record does not look like a TLS handshake"),
        (b"\x80\x2e\x01\x03\x01" + b"x" * 50, b"\x15\x03\x01\x00\x02\x02\x46",
         "unsupported SSLv2 handshake received"),
    ],
    ids=["plain text", "garbage", "data", "SSLv2"],
)  # fmt: skip
def test_first_bytes(engine: Engine, plan: TlsPlan, said: bytes, heard: bytes, text: str) -> None:
    for cut in (len(said), 1, 4):
        layer = engine.server_context(plan).layer()
        answer = MORE
        for part in (said[:cut], said[cut:]):
            if part and answer == MORE:
                answer = layer.greet(part)
        assert answer == FAILED
        assert layer.take() == heard
        assert layer.failure() == f"tls: {text}"


@pytest.mark.parametrize(
    "said",
    [b"\x16\x03\x01\x00\x20" + GARBAGE, b"\x16\x03\x01\xff\xff" + b"x" * 100],
    ids=["a strange message", "an oversized record"],
)
def test_first_bytes_that_get_an_alert(engine: Engine, plan: TlsPlan, said: bytes) -> None:
    layer = engine.server_context(plan).layer()
    assert layer.greet(said) == FAILED
    alert = layer.take()
    assert alert[:1] == b"\x15"
    assert len(alert) == 7
    assert layer.failure().startswith("tls: ")
    assert layer.greet(b"more") == FAILED


def test_a_hello_that_does_not_end_is_not_kept(engine: Engine, plan: TlsPlan) -> None:
    layer = engine.server_context(plan).layer()
    said = b"\x16\x03\x01\x40\x00\x01\x01\x00\x00" + bytes(16380)
    taken = 0
    while layer.greet(said) == MORE:
        taken += len(said)
        said = b"\x16\x03\x01\x40\x00" + bytes(16384)
        assert taken <= 32768
    assert layer.failure()


def hello(authority: Authority) -> bytes:
    client = PythonClient(authority)
    client.shake(b"")
    return client.take()


SHARED = [HealthCheck.function_scoped_fixture]  # an engine has no state


@settings(max_examples=examples(30), suppress_health_check=SHARED)
@given(
    changes=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=4),
    cuts=st.lists(st.integers(0, 600), max_size=3),
    more=st.binary(max_size=60),
)
def test_changed_hellos(
    engine: Engine, plan: TlsPlan, authority: Authority, changes: list[tuple[int, int]],
    cuts: list[int], more: bytes,
) -> None:  # fmt: skip
    """Whatever comes, there is an answer, and nothing goes through."""
    said = bytearray(hello(authority))
    for at, byte in changes:
        said[at % len(said)] = byte
    said += more
    layer = engine.server_context(plan).layer()
    last = 0
    for cut in [*sorted(cuts), len(said)]:
        answer = layer.greet(bytes(said[last:cut]))
        last = max(last, cut)
        assert answer in (MORE, FAILED, ENDED)
        layer.take()
        with pytest.raises(ValueError):
            layer.seal(b"not yet")
    if answer == FAILED:
        assert layer.failure()


# --- the client's side ---


def test_our_client_and_our_server(
    engine: Engine, plan: TlsPlan, verifying: TlsPlan, authority: Authority,
    client_certificate: Certificate,
) -> None:  # fmt: skip
    clients = TlsPlan((held(client_certificate),), authorities=(authority.der,), verify=True)
    for rules in (plan, verifying):
        ours = engine.client_context(clients).layer("localhost")
        theirs = engine.server_context(rules).layer()
        assert ours.speaks_first
        assert not theirs.speaks_first
        _introduce(ours, theirs)
        assert ours.open(theirs.seal(b"from the server"))[0] == b"from the server"
        assert theirs.open(ours.seal(b"from the client"))[0] == b"from the client"
        assert ours.peer().verified[-1] == authority.der


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "other.test"])
def test_our_client_looks_at_the_servers_name(
    engine: Engine, plan: TlsPlan, authority: Authority, name: str
) -> None:
    ours = engine.client_context(TlsPlan(authorities=(authority.der,), verify=True)).layer(name)
    theirs = engine.server_context(plan).layer()
    if name == "other.test":
        with pytest.raises(AssertionError, match=r"(?i)mismatch"):
            _introduce(ours, theirs)
    else:
        _introduce(ours, theirs)


@pytest.mark.parametrize(
    ("names", "name"),
    [((), "localhost"), (("127.0.0.1",), "localhost"), (("l*calhost.test",), "localhost.test")],
    ids=["none", "an address", "a part of a label"],
)
def test_a_common_name_is_no_host_and_a_part_of_a_label_no_wildcard(
    engine: Engine, authority: Authority, names: tuple[str, ...], name: str
) -> None:
    issued = authority.issue(f"CN={name}", names)
    ours = engine.client_context(TlsPlan(authorities=(authority.der,), verify=True)).layer(name)
    with pytest.raises(AssertionError, match=r"(?i)mismatch|not valid for"):
        _introduce(ours, engine.server_context(TlsPlan((held(issued),))).layer())


@pytest.mark.parametrize("name", ["localhost\0.other.test", ".".join(["a" * 60] * 5)])
def test_what_no_host_is_called(compiled: Engine, authority: Authority, name: str) -> None:
    """OpenSSL would not look for it, and take any certificate."""
    context = compiled.client_context(TlsPlan(authorities=(authority.der,), verify=True))
    with pytest.raises(ValueError, match="not the name of a host"):
        context.layer(name)


def _introduce(ours: Layer, theirs: Layer) -> None:
    answer = ours.greet(b"")
    other = MORE
    for _ in range(10):
        said = ours.take()
        if other == MORE and said:
            other = theirs.greet(said)
            assert other != FAILED, theirs.failure()
        said = theirs.take()
        if answer == MORE:
            answer = ours.greet(said)
            assert answer != FAILED, ours.failure()
        elif said:
            ours.open(said)
        if answer == other == READY:
            return
    raise AssertionError("no handshake")
