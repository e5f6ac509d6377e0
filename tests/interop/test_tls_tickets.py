"""Sessions of one listener at another one of the same server."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path

import pytest
from pynats_server.options import TlsOptions
from pynats_server.threaded import ThreadedServer

from tests.support.authorities import Authority
from tests.support.tls_peer import TlsPeer, client_context, reason_of

CA = Authority()


@pytest.mark.parametrize("most", [None, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])
def test_a_session_of_monitoring_does_not_replace_a_certificate(
    most: ssl.TLSVersion | None, tmp_path: Path
) -> None:
    """CVE-2025-68121: monitoring asks for no certificate, clients of the protocol must show one."""
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    CA.issue("CN=server").write(tmp_path, "server")
    tls = TlsOptions(
        cert_file=tmp_path / "server.pem", key_file=tmp_path / "server-key.pem", verify=True,
        ca_file=tmp_path / "ca.pem",
    )  # fmt: skip
    context = client_context(tmp_path, most=most)
    with ThreadedServer(log=None, tls=tls, http_port=0, https_port=-1) as server:
        with TlsPeer(server.server.https_port) as page:
            assert not page.secure(context)
            assert isinstance(page.socket, ssl.SSLSocket)
            page.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert b"200" in page.line()
            session = page.socket.session
        assert session is not None
        with TlsPeer(server.server.client_port) as client:
            client.info()
            try:
                client.socket = context.wrap_socket(
                    client.socket, server_hostname="localhost", session=session
                )
                answer = client.ping()
            except OSError as error:
                answer = reason_of(error)
            assert answer != "PONG"
        urllib.request.urlopen(server.monitor_url + "/healthz", context=context).close()
