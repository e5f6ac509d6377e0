"""What happens between a client's connection and the protocol: a configuration and a play for each,
whose answer is compared. Numbers are those of the list of edge cases of security."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance.protocol.rows_connect import connect
from tests.conformance.protocol.rows_keys import key_login
from tests.conformance.tls.scene import CERT, FILES, VERIFY, Scene, old_hello, told
from tests.support.deadline import wait_until
from tests.support.signing import filled, public_key
from tests.support.tls_peer import TlsPeer

TLS12 = ssl.TLSVersion.TLSv1_2
QUIET_S = 0.4  # in which an answer would have come
PLAIN = '{"verbose":false}'
USERS = "authorization { user: a, password: b }"
LOGIN = '{"verbose":false,"user":"a","pass":"b"}'


@dataclass(frozen=True)
class Row:
    """`alone`: it changes the server, so it has one of its own."""

    config: str
    play: Callable[[Scene], Any]
    alone: bool = False


ROWS: dict[str, Row] = {}


def row(config: str, alone: bool = False) -> Callable[[Callable[[Scene], Any]], None]:
    def add(play: Callable[[Scene], Any]) -> None:
        ROWS[play.__name__.removeprefix("_")] = Row(config, play, alone)

    return add


def tls(more: str = "", beside: str = "") -> str:
    """A configuration with a `tls` block."""
    inner = f"{CERT}, {more}" if more else CERT
    return f"debug: true\nhttp_port: -1\n{beside}\ntls {{ {inner} }}\n"


def waited(seconds: float, least: float) -> str:
    """A time, as far as it is the same on a busy machine."""
    return f"{least} s" if seconds >= least - 0.05 else f"only {seconds} s"


def _second_info(peer: TlsPeer, connect: str) -> dict[str, Any]:
    """The INFO after CONNECT and PING of a client of protocol 1."""
    fields = connect.removesuffix("}") + ',"protocol":1}'
    assert peer.ping(fields) == "PONG"
    info = peer.info()
    assert info["connect_info"] is True
    return told(info)


# -- 1, 2: INFO -------------------------------------------------------------------------------


@row(tls())
def _01_info(scene: Scene) -> Any:
    info = scene.peer().info()
    return {"told": told(info), "xkey": len(info["xkey"])}


@row(tls(VERIFY))
def _01_info_with_verify(scene: Scene) -> Any:
    return told(scene.peer().info())


@row(tls(beside="allow_non_tls: true"))
def _01_info_with_allow_non_tls(scene: Scene) -> Any:
    plain = scene.peer()
    return {
        "first": told(plain.info()),
        "plain, second": _second_info(plain, PLAIN),
        "secured, second": _second_info(scene.secured(), PLAIN),
    }


@row(tls(f"{VERIFY}, verify_and_map: true", f"allow_non_tls: true\n{USERS}"))
def _01_info_with_all(scene: Scene) -> Any:
    return told(scene.peer().info())


# -- 3 to 6: times ----------------------------------------------------------------------------


@row(tls())
def _03_plain_protocol(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    peer.send(b"CONNECT {}\r\nPING\r\n")
    heard = peer.hear()
    return [heard.data.hex(), heard.end, scene.lines(peer)]


@row(tls())
def _03_end_of_the_stream(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    peer.close()
    return scene.lines(peer)


@row(tls())
def _04_idle(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    heard = peer.hear()
    # The real server says of some also `TLS handshake timeout`.
    lines = [line for line in scene.lines(peer) if "handshake timeout" not in line]
    return [heard.data.hex(), heard.end, waited(heard.seconds, 2.0), lines]


@row(tls('timeout: "200ms"'))
def _05_idle_after_the_handshake_without_auth(scene: Scene) -> Any:
    peer = scene.secured()
    heard = peer.hear(1.6)
    return [heard.data.decode(), heard.end]


@row(tls("timeout: 0.5", USERS))
def _06_auth_timer_begins_after_the_handshake(scene: Scene) -> Any:
    heard = scene.secured().hear()
    return [heard.data.decode(), heard.end, waited(heard.seconds, 1.5)]


@row(tls('timeout: "1500ms"', USERS))
def _06_auth_timeout_follows_the_handshakes(scene: Scene) -> Any:
    found = scene.monitoring("/varz")
    return {key: found[key] for key in ("auth_timeout", "tls_timeout")}


@row(tls("timeout: 1", "authorization { user: a, password: b, timeout: 0.5 }"))
def _06_own_auth_timeout(scene: Scene) -> Any:
    heard = scene.secured().hear()
    return [heard.data.decode(), heard.end, waited(heard.seconds, 0.5)]


# -- 7 to 11: versions, certificates ----------------------------------------------------------


@row(tls())
def _07_tls_1_1(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    peer.send(old_hello())
    heard = peer.hear()
    return [heard.data.hex()[-4:], heard.end, scene.lines(peer)]


@row(tls())
def _07_only_aes128_sha(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    reason = peer.secure(scene.context(most=TLS12, ciphers="AES128-SHA"))
    return [reason, scene.lines(peer)]


def _shows(certificate: str, most: ssl.TLSVersion | None) -> Callable[[Scene], Any]:
    def play(scene: Scene) -> Any:
        peer = scene.peer()
        peer.info()
        reason = peer.secure(scene.context(certificate, most=most))
        heard = peer.hear() if not reason else None
        return {
            "handshake": reason,
            "then": heard.end if heard is not None else "",
            "log": scene.lines(peer),
        }

    return play


def _is_welcome(certificate: str, most: ssl.TLSVersion | None) -> Callable[[Scene], Any]:
    def play(scene: Scene) -> Any:
        peer = scene.peer()
        peer.info()
        reason = peer.secure(scene.context(certificate, most=most))
        assert not reason, reason
        answer = peer.ping()
        return [answer, scene.lines(peer, "cipher suite")]

    return play


for _version in (None, TLS12):
    _name = "1_2" if _version else "1_3"
    for _certificate in ("", "foreign", "expired", "server-only"):
        ROWS[f"08_verify {_certificate or 'none'} {_name}"] = Row(
            tls(VERIFY), _shows(_certificate, _version)
        )
    for _certificate in ("no-usage", "no-subject", "chained", "good"):
        ROWS[f"09_verify {_certificate} {_name}"] = Row(
            tls(VERIFY), _is_welcome(_certificate, _version)
        )
ROWS["10_verify without authorities"] = Row(tls("verify: true"), _shows("good", None))


@row(tls())
def _11_a_certificate_that_nobody_wants(scene: Scene) -> Any:
    peer = scene.secured("foreign")
    answer = peer.ping()
    (seen,) = (
        each
        for each in scene.monitoring("/connz?auth=1")["connections"]
        if each["port"] == peer.own_port
    )
    return [answer, {key: value for key, value in seen.items() if key.startswith("tls")}]


# -- 12, 13: plain clients beside -------------------------------------------------------------

BESIDE = tls("timeout: 0.5", "allow_non_tls: true")


@row(BESIDE)
def _12_short_line(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    peer.send(b"PING\n")
    answer = peer.line().decode()
    return [answer, waited(time.monotonic() - peer.began, 0.5)]


@row(BESIDE)
def _12_long_enough_at_once(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    peer.send(b"PIN")
    peer.send(b"G\r\n")
    return peer.line().decode()


@row(BESIDE)
def _12_idle_plain(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    heard = peer.hear(1.2)
    return [heard.data.decode(), heard.end]


@row(BESIDE)
def _12_begins_like_tls(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    peer.send(b"\x16garbage, and more of it\r\n")
    heard = peer.hear()
    return [heard.data[:1].hex(), heard.end]


@row(BESIDE)
def _12_begins_like_tls_and_stops(scene: Scene) -> Any:
    peer = scene.peer()
    peer.info()
    peer.send(b"\x16\x03\x01")
    heard = peer.hear()
    return [heard.data.hex(), heard.end, waited(heard.seconds, 1.0)]


@row(BESIDE)
def _12_secured(scene: Scene) -> Any:
    return scene.secured().ping()


@row("debug: true\nallow_non_tls: true\n")
def _13_allow_non_tls_alone(scene: Scene) -> Any:
    peer = scene.peer()
    return [told(peer.info()), peer.ping(), "TLS" in scene.server.log()]


@row(BESIDE)
def _13_the_log_does_not_say_required(scene: Scene) -> Any:
    return [word for word in ("TLS required", "TLS available") if word in scene.server.log()]


# -- 14 to 18: the handshake first ------------------------------------------------------------

FIRST = tls("handshake_first: true, timeout: 1")


@row(FIRST)
def _14_handshake_first(scene: Scene) -> Any:
    peer = scene.peer()
    reason = peer.secure(scene.context())
    info = told(peer.info())
    return [reason, info, peer.ping(), _tls_of(scene, peer)]


def _tls_of(scene: Scene, peer: TlsPeer) -> dict[str, Any]:
    (seen,) = (
        each for each in scene.monitoring("/connz")["connections"] if each["port"] == peer.own_port
    )
    return {key: value for key, value in seen.items() if key.startswith("tls")}


@row(FIRST)
def _14_waits_for_info(scene: Scene) -> Any:
    peer = scene.peer()
    heard = peer.hear()
    return [heard.data.hex(), heard.end, waited(heard.seconds, 1.0)]


@row(FIRST)
def _14_speaks_plainly(scene: Scene) -> Any:
    peer = scene.peer()
    peer.send(b"CONNECT {}\r\nPING\r\n")
    heard = peer.hear()
    return [heard.data.hex(), heard.end, scene.lines(peer)]


@row(tls("handshake_first: auto"))
def _15_auto(scene: Scene) -> Any:
    waiting = scene.peer()
    info = told(waiting.info())
    waited = time.monotonic() - waiting.began
    reason = waiting.secure(scene.context())
    plain = scene.peer()
    plain.info()
    plain.send(b"CONNECT {}\r\nPING\r\n")
    return {
        "info": info,
        "waited": waited >= 0.049,
        "secured": [reason, waiting.ping(), _tls_of(scene, waiting)],
        "plain": plain.hear().end,
    }


@row(tls("handshake_first: auto"))
def _15_auto_and_first(scene: Scene) -> Any:
    peer = scene.peer()
    reason = peer.secure(scene.context())
    return [reason, told(peer.info()), peer.ping()]


@row(tls('handshake_first: "1s", timeout: 1', "allow_non_tls: true"))
def _16_two_bytes_are_meant_as_tls(scene: Scene) -> Any:
    peer = scene.peer()
    peer.send(b"PI")
    heard = peer.hear()
    return [heard.data.hex(), heard.end, waited(heard.seconds, 2.0)]


@row(tls('handshake_first: "5s"'))
def _16_a_plain_client_in_a_hurry(scene: Scene) -> Any:
    peer = scene.peer()
    peer.send(b"CONNECT {}\r\nPING\r\n")
    heard = peer.hear()
    return [heard.data.hex(), heard.end]


@row(tls('handshake_first: "300ms"', "allow_non_tls: true"))
def _17_first_or_plain(scene: Scene) -> Any:
    first = scene.peer()
    reason = first.secure(scene.context())
    plain = scene.peer()
    return {
        "first": [reason, told(first.info()), _second_info(first, PLAIN)],
        "plain": [told(plain.info()), plain.ping()],
    }


@row(tls('handshake_first: "-5ms"'))
def _18_a_time_below_zero_is_no_time(scene: Scene) -> Any:
    waiting, first = scene.peer(), scene.peer()
    return [waiting.hear(QUIET_S).data.hex(), first.secure(scene.context()), told(first.info())]


# -- 19 to 22: limits and pins ----------------------------------------------------------------


@row(tls("connection_rate_limit: 2"), alone=True)
def _19_connection_rate_limit(scene: Scene) -> Any:
    peers = [scene.peer() for _ in range(3)]
    for peer in peers:
        peer.info()
    ended = [peer for peer in peers if peer.hear(QUIET_S).data]
    lines = scene.lines(ended[0])

    def again() -> str:
        peer = scene.peer()
        peer.info()
        return "" if peer.secure(scene.context()) else peer.ping()

    return [len(ended), lines, wait_until(again, "another second")]


@row(tls("connection_rate_limit: 1"), alone=True)
def _19_what_the_throttled_are_told(scene: Scene) -> Any:
    scene.secured()
    peer = scene.peer()
    peer.info()
    heard = peer.hear()
    return [heard.data.decode(), heard.end]


@row(tls("connection_rate_limit: 1, timeout: 0.5", "allow_non_tls: true"), alone=True)
def _19_plain_clients_are_not_counted(scene: Scene) -> Any:
    scene.secured()
    answers = []
    for _ in range(3):
        peer = scene.peer()
        peer.info()
        answers.append(peer.ping())
    return answers


@row(tls(beside="max_connections: 1"), alone=True)
def _20_no_room(scene: Scene) -> Any:
    scene.secured()
    peer = scene.peer()
    info = told(peer.info())
    heard = peer.hear()
    return [info, heard.data.decode(), heard.end, scene.lines(peer)]


@row(tls("handshake_first: true", "max_connections: 1"), alone=True)
def _20_no_room_where_the_handshake_is_first(scene: Scene) -> Any:
    first = scene.peer()
    first.secure(scene.context())
    peer = scene.peer()
    heard = peer.hear()
    return [heard.data.decode(), heard.end]


@row(tls(f'{VERIFY}, pinned_certs: ["@PIN@"]'))
def _21_pinned(scene: Scene) -> Any:
    good, other = scene.secured("good"), scene.secured("second")
    heard = other.hear()
    return [good.ping(), heard.data.hex(), heard.end, scene.lines(other)]


@row(tls(f'{VERIFY}, pinned_certs: ["@PIN IN LARGE LETTERS@"]'))
def _21_pinned_in_large_letters(scene: Scene) -> Any:
    return [scene.secured("good").ping(), scene.secured("second").hear().end]


@row(tls('pinned_certs: ["@PIN@"]'))
def _21_pins_without_verify(scene: Scene) -> Any:
    peer = scene.secured("good")
    return [peer.hear().end, scene.lines(peer)]


@row(tls(f'{VERIFY}, pinned_certs: ["@PIN@"]'), alone=True)
def _22_other_pins(scene: Scene) -> Any:
    peer = scene.secured("good")
    answer = peer.ping()
    lines = scene.reload(tls(f'{VERIFY}, pinned_certs: ["{"ab" * 32}"]'))
    # With authorities, the real server calls TLS changed at every reload.
    lines = [line for line in lines if "tls = enabled" not in line]
    return [answer, peer.hear().end, lines, scene.lines(peer)[-2:]]


# -- 44: keys beside users of certificates --------------------------------------------------

BESIDE_KEYS = tls(
    f"{VERIFY}, verify_and_map: true",
    f'authorization {{ users: [{{ user: "CN=alice,O=Acme" }}, {{ nkey: {public_key("ann")} }}] }}',
)


@row(BESIDE_KEYS)
def _44_keys_go_before_certificates(scene: Scene) -> Any:
    found = {}
    for certificate in ("good", "second"):
        for name, says in (
            ("key", key_login("ann")),
            ("a signature of another", connect(nkey=public_key("ann"), sig="@SIGN bob@")),
            ("no key", connect()),
        ):
            peer = scene.peer()
            nonce = str(peer.info()["nonce"])
            assert not peer.secure(scene.context(certificate))
            peer.send(filled(says, "a", {"a": nonce}) + b"PING\r\n")
            found[f"{certificate}, {name}"] = [peer.line().decode(), _user_of(scene, peer)]
    return found


def _user_of(scene: Scene, peer: TlsPeer) -> list[str]:
    shown = scene.monitoring("/connz?auth=1")["connections"]
    return [each["authorized_user"] for each in shown if each["port"] == peer.own_port]


# -- 23 to 27: certificates, ciphers ----------------------------------------------------------

SEVERAL = (
    f'debug: true\ntls {{ certs: [{{cert_file: "{FILES}/server.pem", '
    f'key_file: "{FILES}/server-key.pem"}}, {{cert_file: "{FILES}/rsa.pem", '
    f'key_file: "{FILES}/rsa-key.pem"}}] }}\n'
)


@row(SEVERAL)
def _23_which_certificate(scene: Scene) -> Any:
    found = {}
    for name in (
        "localhost", "rsa.example.com", "RSA.Example.COM", "a.wild.example.com",
        "a.b.wild.example.com", "unknown.example.com", None,
    ):  # fmt: skip
        peer = scene.peer()
        peer.info()
        context = scene.context()
        context.check_hostname = False
        reason = peer.secure(context, name) if name else peer.secure(context, None)
        assert isinstance(peer.socket, ssl.SSLSocket), reason
        shown: Any = peer.socket.getpeercert()
        found[str(name)] = dict(item for rdn in shown["subject"] for item in rdn)["commonName"]
    return found


@row(tls("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]"))
def _24_cipher_suites(scene: Scene) -> Any:
    found = {}
    for most in (TLS12, None):
        peer = scene.peer()
        peer.info()
        reason = peer.secure(scene.context(most=most))
        assert isinstance(peer.socket, ssl.SSLSocket), reason
        found[str(peer.socket.version())] = (peer.socket.cipher() or ("",))[0]
    other = scene.peer()
    other.info()
    ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"
    return [found, other.secure(scene.context(most=TLS12, ciphers=ciphers))]


@row(tls("cipher_suites: [TLS_AES_128_GCM_SHA256]"))
def _24_only_names_of_tls_1_3(scene: Scene) -> Any:
    old, new = scene.peer(), scene.peer()
    old.info()
    new.info()
    return [bool(old.secure(scene.context(most=TLS12))), new.secure(scene.context()), new.ping()]


@row(tls('min_version: "1.3"'))
def _25_min_version(scene: Scene) -> Any:
    old, new = scene.peer(), scene.peer()
    old.info()
    new.info()
    return [old.secure(scene.context(most=TLS12)), new.secure(scene.context()), new.ping()]


@row("debug: true\nhttp_port: -1\ntls {}\n")
def _27_no_certificate(scene: Scene) -> Any:
    peer = scene.peer()
    info = told(peer.info())
    reason = peer.secure(scene.context())
    varz = scene.monitoring("/varz")
    shown = {key: varz[key] for key in varz if key.startswith("tls")}
    return [info, reason, scene.lines(peer), shown]


@row(tls().replace("server", "expired"))
def _27_an_expired_certificate_starts(scene: Scene) -> Any:
    peer = scene.peer()
    return [told(peer.info()), peer.secure(scene.context())]


# -- 29 to 33: reloads, monitoring ------------------------------------------------------------


def _issued_to(peer: TlsPeer) -> str:
    assert isinstance(peer.socket, ssl.SSLSocket)
    shown: Any = peer.socket.getpeercert()
    return str(dict(item for rdn in shown["subject"] for item in rdn)["commonName"])


@row(tls(), alone=True)
def _29_new_certificate(scene: Scene) -> Any:
    before = scene.secured()
    lines = scene.reload(tls().replace("server", "renewed"))
    after = scene.secured()
    bad = scene.reload(tls().replace("server-key", "good-key"))
    still = scene.secured()
    return {
        "before": [_issued_to(before), before.ping()],
        "log": lines,
        "after": [_issued_to(after), after.ping()],
        "bad pair": bad,
        "still": _issued_to(still),
    }


@row(tls(), alone=True)
def _30_verify_and_off(scene: Scene) -> Any:
    live = scene.secured()
    verify = scene.reload(tls(VERIFY))
    peer = scene.peer()
    info = told(peer.info())
    stranger = [peer.secure(scene.context()), peer.hear().end]
    known = scene.secured("good").ping()
    off = scene.reload("debug: true\nhttp_port: -1\n")
    plain = scene.peer()
    return {
        "verify": [verify, info, stranger, known],
        # The real server still says `tls_verify`.
        "off": [off, "tls_required" in plain.info(), plain.ping()],
        "live": live.ping(),
        "on": scene.reload(tls("timeout: 5")),
        "same": scene.secured().ping(),
    }


@row(tls(), alone=True)
def _30_what_a_reload_says(scene: Scene) -> Any:
    return {
        more: scene.reload(tls(more))
        for more in (
            "timeout: 5",
            "timeout: 5, handshake_first: true",
            "timeout: 5, handshake_first: auto",
            'pinned_certs: ["@PIN@"]',
            "connection_rate_limit: 5",
            f"{VERIFY}, verify_and_map: true",
            f'ca_file: "{FILES}/missing.pem"',
            'min_version: "1.3"',
            "",
        )
    } | {
        "allow_non_tls": scene.reload(tls(beside="allow_non_tls: true")),
        "https": scene.reload(tls().replace("http_port: -1", "https_port: -1")),
    }


def _resumes(scene: Scene, session: ssl.SSLSession, context: ssl.SSLContext) -> Any:
    peer = scene.peer()
    peer.info()
    try:
        peer.socket = context.wrap_socket(peer.socket, server_hostname="localhost", session=session)
        answer = peer.ping()
        return [peer.socket.session_reused, answer]
    except OSError:
        return ["failed", ""]


@row(tls(VERIFY), alone=True)
def _31_tickets_end_with_their_authorities(scene: Scene) -> Any:
    context = scene.context("good")
    peer = scene.peer()
    peer.info()
    assert not peer.secure(context)
    peer.ping()
    assert isinstance(peer.socket, ssl.SSLSocket)
    session = peer.socket.session
    assert session is not None
    steady = _resumes(scene, session, context)
    scene.reload(tls(VERIFY.replace("ca.pem", "other-ca.pem")))
    after = _resumes(scene, session, context)
    return {"steady": steady[1], "after": after[1] == "PONG"}


@row(tls(f"{VERIFY}, timeout: 1.5"))
def _32_monitoring(scene: Scene) -> Any:
    peer = scene.secured("good")
    peer.ping()
    varz = scene.monitoring("/varz")
    (seen,) = (
        each
        for each in scene.monitoring("/connz?auth=1")["connections"]
        if each["port"] == peer.own_port
    )
    certificates = seen["tls_peer_certs"]
    peer.close()
    scene.lines(peer)
    (closed,) = (
        each
        for each in scene.monitoring("/connz?state=closed&auth=1")["connections"]
        if each["port"] == peer.own_port
    )
    return {
        "varz": {key: varz[key] for key in varz if "tls" in key or key == "auth_timeout"}
        | {"tls_cert_not_after": len(varz["tls_cert_not_after"])},
        "order": [key for key in varz if "tls" in key or key in ("max_connections", "start")],
        "connz": [key for key in seen if key.startswith("tls")],
        "version": [seen["tls_version"], seen["tls_cipher_suite"]],
        "certificates": [
            [each["subject"], len(each["spki_sha256"]), len(each["cert_sha256"])]
            for each in certificates
        ],
        "pin": certificates[0]["spki_sha256"] == scene.files.good.pin,
        "fingerprint": certificates[0]["cert_sha256"] == scene.files.good.fingerprint,
        "closed": {key: closed[key] for key in closed if key.startswith("tls") or key == "reason"},
    }


@row(tls(f"{VERIFY}, ocsp_peer: true"))
def _33_no_answers_to_be_had(scene: Scene) -> Any:
    answer = scene.secured("good").ping()
    varz = scene.monitoring("/varz")
    return [answer, varz["tls_ocsp_peer_verify"]]


@row(tls(VERIFY).replace("http_port: -1", "https_port: -1"))
def _32_monitoring_over_https(scene: Scene) -> Any:
    url = scene.server.monitor_url
    return {
        "scheme": url.partition(":")[0],
        "no certificate": scene.page(url + "/varz", scene.context()),
        "some certificate": scene.page(url + "/varz", scene.context("foreign")),
        "health": scene.page(url + "/healthz", scene.context()),
        "not trusted": scene.page(url + "/varz", scene.context(authority="other-ca")),
        "old": scene.page(url + "/varz", scene.context(most=TLS12)),
    }


@row(tls().replace("http_port: -1", "https_port: -1"))
def _32_monitoring_without_tls(scene: Scene) -> Any:
    def told(says: bytes) -> str:
        peer = scene.peer(int(scene.server.monitor_url.rpartition(":")[2].strip("/")))
        peer.send(says)
        return peer.hear().data.decode()

    firsts = ("GET /varz", "HEAD /", "POST /", "PUT /", "OPTIONS /", "DELETE /", "PING", "GET x")
    found = {first: told(f"{first} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) for first in firsts}
    page = scene.page(scene.server.monitor_url + "/healthz", scene.context())
    return found | {"with TLS afterwards": page}
