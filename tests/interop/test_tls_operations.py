"""TLS as operators meet it: files that change, HTTPS, flags, programs that bring options."""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_server import Options, Server, ServerError
from pynats_server.options import TlsOptions
from pynats_server.threaded import ThreadedServer

from tests.support.authorities import DAY, Authority, Certificate
from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.jetstream import connect
from tests.support.process import PYNATS, ServerProcess
from tests.support.tls_peer import TlsPeer, client_context

CA = Authority()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    CA.issue("CN=first").write(tmp_path, "server")
    CA.issue("CN=client", usage=("client",)).write(tmp_path, "client")
    return tmp_path


def options(folder: Path, **more: Any) -> TlsOptions:
    return TlsOptions(cert_file=folder / "server.pem", key_file=folder / "server-key.pem", **more)


class Lines(logging.Handler):
    """What a server logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")

    def has(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in list(self.lines))


@pytest.fixture
def lines() -> Iterator[tuple[logging.Logger, Lines]]:
    handler = Lines()
    logger = logging.Logger("tls", logging.DEBUG)
    logger.addHandler(handler)
    yield logger, handler


def issued_to(port: int, folder: Path) -> str:
    with TlsPeer(port) as peer:
        peer.info()
        reason = peer.secure(client_context(folder))
        assert not reason, reason
        assert isinstance(peer.socket, ssl.SSLSocket)
        shown: Any = peer.socket.getpeercert()
    return str(dict(item for rdn in shown["subject"] for item in rdn)["commonName"])


def replaced(folder: Path, certificate: Certificate, name: str = "server") -> None:
    """As careful tools do: other files that take the places of the old ones."""
    for path, data in (
        (folder / f"{name}.pem", certificate.chain_pem),
        (folder / f"{name}-key.pem", certificate.key_pem),
    ):
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(path)


def test_changed_files_are_used_without_a_signal(
    folder: Path, lines: tuple[logging.Logger, Lines]
) -> None:
    logger, log = lines
    tls = options(folder, watch=0.02)
    with ThreadedServer(log=logger, tls=tls) as server:
        port = server.server.client_port
        with TlsPeer(port) as live:
            live.info()
            assert not live.secure(client_context(folder))
            assert issued_to(port, folder) == "first"
            replaced(folder, CA.issue("CN=second"))
            wait_until(lambda: log.has("TLS files have changed"), "the change")
            assert issued_to(port, folder) == "second"
            assert live.ping() == "PONG"  # who is there stays
            assert sum("TLS files have changed" in line for line in log.lines) == 1

            # A pair that does not fit is not used, and told once.
            (folder / "server-key.pem").write_bytes(CA.issue().key_pem)
            wait_until(lambda: log.has("Changed TLS files are not used"), "the complaint")
            assert log.has("ERROR", "private key does not match public key")
            assert issued_to(port, folder) == "second"
            replaced(folder, CA.issue("CN=third"))
            wait_until(lambda: issued_to(port, folder) == "third", "the good pair")
            assert sum("are not used" in line for line in log.lines) == 1


def test_changed_authorities_count_for_new_clients(folder: Path) -> None:
    other = Authority("Other CA")
    tls = options(folder, watch=0.02, verify=True, ca_file=folder / "ca.pem")
    client = client_context(folder, "client")
    other.issue("CN=other").write(folder, "other")
    with ThreadedServer(tls=tls, log=None) as server:

        def answer(context: ssl.SSLContext) -> str:
            with TlsPeer(server.server.client_port) as peer:
                peer.info()
                return peer.secure(context) or peer.ping()

        assert answer(client) == "PONG"
        (folder / "ca.pem").write_bytes(other.pem)
        wait_until(lambda: answer(client) != "PONG", "the end of the old authority")
        # What the client trusts was read before.
        changed = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        changed.check_hostname, changed.verify_mode = False, ssl.CERT_NONE
        changed.load_cert_chain(folder / "other.pem", folder / "other-key.pem")
        assert answer(changed) == "PONG"


def test_files_are_left_alone_where_nobody_wants_them_watched(
    folder: Path, lines: tuple[logging.Logger, Lines]
) -> None:
    logger, _ = lines
    with ThreadedServer(log=logger, tls=options(folder, watch=0.0)) as server:
        replaced(folder, CA.issue("CN=second"))
        assert issued_to(server.server.client_port, folder) == "first"
        server.call(lambda running: running.reload())  # there is no file to reload
        assert issued_to(server.server.client_port, folder) == "first"


@pytest.mark.parametrize(
    ("ends", "words"),
    [(-1, "has expired: 2"), (3, "expires in 2 days: 2"), (29, "expires in 28 days"), (31, "")],
)
def test_the_log_tells_in_time_that_a_certificate_ends(
    ends: int, words: str, folder: Path, lines: tuple[logging.Logger, Lines]
) -> None:
    logger, log = lines
    CA.issue(starts=-40 * DAY, ends=ends * DAY).write(folder, "server")
    with ThreadedServer(log=logger, tls=options(folder)):
        told = [line for line in log.lines if "TLS certificate" in line]
    assert len(told) == bool(words)
    assert all(line.startswith("WARNING") and words in line for line in told)


# -- HTTPS ------------------------------------------------------------------------------------


def page(url: str, context: ssl.SSLContext) -> int:
    with urllib.request.urlopen(url, context=context, timeout=PATIENCE_S) as reply:
        reply.read()
        return int(reply.status)


def test_monitoring_over_https(folder: Path, lines: tuple[logging.Logger, Lines]) -> None:
    logger, log = lines
    # Clients need a certificate, those who ask for monitoring do not, as in the real server.
    tls = options(folder, verify=True, ca_file=folder / "ca.pem", watch=0.02)
    with ThreadedServer(log=logger, tls=tls, http_port=0, https_port=-1) as server:
        url = server.monitor_url
        assert url.startswith("https://127.0.0.1:")
        context = client_context(folder)
        for path in ("/varz", "/healthz", "/metrics", "/connz"):
            assert page(url + path, context) == 200
        assert log.has("Starting https monitor on ")
        # Who speaks plainly is not understood, and others do not wait for it.
        with TlsPeer(server.server.https_port) as plain, TlsPeer(server.server.https_port) as idle:
            plain.send(b"GET /varz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert plain.hear().end != "open"
            assert page(url + "/varz", context) == 200
            assert idle.socket.fileno() >= 0
        stranger = ssl.create_default_context()
        with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
            page(url + "/varz", stranger)
        replaced(folder, CA.issue("CN=second"))
        wait_until(lambda: log.has("TLS files have changed"), "the change")
        with TlsPeer(server.server.https_port) as peer:
            assert not peer.secure(context)
            assert isinstance(peer.socket, ssl.SSLSocket)
            shown: Any = peer.socket.getpeercert()
            assert shown["subject"] == ((("commonName", "second"),),)


def test_monitoring_over_https_ends_at_once(folder: Path) -> None:
    context = client_context(folder)
    peers: list[TlsPeer] = []
    with ThreadedServer(log=None, tls=options(folder), http_port=0, https_port=-1) as server:
        assert page(server.monitor_url + "/varz", context) == 200
        for _ in range(4):
            peers.append(TlsPeer(server.server.https_port))
        peers[1].send(b"\x16\x03\x01")  # a handshake that does not go on
        for peer in peers[2:]:
            assert not peer.secure(context)
        peers[3].send(b"GET /va")
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE_S / 4
    for peer in peers:
        peer.close()
    gc.collect()  # a future that nobody has looked at would tell


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"https_port": -1, "http_port": 0}, "TLS cert and key required for HTTPS"),
        ({"https_port": -1, "http_port": -1, "tls": TlsOptions()},
         "can't specify both HTTP (-1) and HTTPs (-1) ports"),
    ],
)  # fmt: skip
def test_impossible_monitoring(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ServerError) as refused, ThreadedServer(log=None, **more):
        pass
    assert words in str(refused.value)


# -- how else TLS is configured ---------------------------------------------------------------


def test_flags_alone(folder: Path) -> None:
    flags = ["--tlsverify", "--tlscert", "@FOLDER@/server.pem", "--tlskey",
             "@FOLDER@/server-key.pem", "--tlscacert", "@FOLDER@/ca.pem"]  # fmt: skip
    with ServerProcess(PYNATS, folder, "", flags) as server:
        with TlsPeer(server.port) as peer:
            info = peer.info()
            assert (info["tls_required"], info["tls_verify"]) == (True, True)
            assert not peer.secure(client_context(folder, "client"))
            assert peer.ping() == "PONG"
        with TlsPeer(server.port) as peer:
            peer.info()
            assert peer.secure(client_context(folder)) or peer.hear().end
        with TlsPeer(server.port) as peer:  # CVE-2021-32026
            peer.info()
            weak = client_context(
                folder, "client", most=ssl.TLSVersion.TLSv1_2, ciphers="AES128-SHA:@SECLEVEL=0"
            )
            assert peer.secure(weak)
        assert server.reload("debug: true\n")  # flags hold, whatever the file says
        with TlsPeer(server.port) as peer:
            assert peer.info()["tls_verify"] is True
        assert server.logs("TLS required for client connections")
        assert server.logs("TLS engine: ")


def test_what_a_program_brings_is_checked_at_the_start(folder: Path) -> None:
    faults = {
        "missing 'key_file' in TLS configuration": TlsOptions(cert_file=folder / "server.pem"),
        "missing.pem: no such file or directory": TlsOptions(
            cert_file=folder / "missing.pem", key_file=folder / "server-key.pem"
        ),
        "private key does not match public key": TlsOptions(
            cert_file=folder / "server.pem", key_file=folder / "client-key.pem"
        ),
    }
    for words, tls in faults.items():
        with pytest.raises(ServerError) as refused, ThreadedServer(log=None, tls=tls):
            pass
        assert words in str(refused.value)


def test_revocation_is_not_asked_about_without_certificates() -> None:
    from pynats_server.options import OcspPeerOptions

    tls = TlsOptions(ocsp_peer=OcspPeerOptions(verify=True))
    with pytest.raises(ServerError, match="requires TLS verify"):
        Server(Options(tls=tls), log=None)


def test_a_client_of_a_library(folder: Path) -> None:
    async def talk(url: str) -> None:
        connection = await connect(url, tls=client_context(folder, "client"))
        subscription = await connection.subscribe("a")
        await connection.publish("a", b"x" * 100_000)
        message = await subscription.next_msg(PATIENCE_S)
        assert message.data == b"x" * 100_000
        await connection.close()

    tls = options(folder, verify=True, ca_file=folder / "ca.pem")
    with ThreadedServer(log=None, tls=tls) as server:
        assert server.client_url.startswith("tls://")
        asyncio.run(talk(server.client_url))


def test_both_lines_of_a_handshake_that_takes_too_long(
    folder: Path, lines: tuple[logging.Logger, Lines]
) -> None:
    logger, log = lines
    with ThreadedServer(log=logger, tls=options(folder, timeout=0.1)) as server:
        with TlsPeer(server.server.client_port) as peer:
            peer.info()
            began = time.monotonic()
            assert peer.hear().data == b""
            assert time.monotonic() - began >= 0.09
        wait_until(lambda: log.has("DEBUG", "TLS handshake timeout"), "its end")
        assert log.has("DEBUG", "TLS handshake error: read tcp", "i/o timeout")


def test_many_who_do_not_go_on_are_forgotten(folder: Path) -> None:
    with ThreadedServer(log=None, tls=options(folder, timeout=0.1), allow_non_tls=True) as server:
        peers = [TlsPeer(server.server.client_port) for _ in range(30)]
        for number, peer in enumerate(peers):
            peer.info()
            peer.send(b"\x16\x03" if number % 2 else b"PI")
        for peer in peers[::3]:
            peer.close()
        arrivals = server.server.handler.arrivals
        wait_until(lambda: not server.call(lambda _: len(arrivals.waiting)), "their end")
        for peer in peers:
            peer.close()
