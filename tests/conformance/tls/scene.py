"""One server with TLS and its clients, as cases play with them; certificates have the same names
for both servers."""

from __future__ import annotations

import re
import ssl
import struct
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.support.authorities import DAY, Authority, Certificate
from tests.support.deadline import wait_until
from tests.support.process import ServerProcess
from tests.support.tls_peer import TlsPeer, client_context

FILES: Final = "@FILES@"  # in configurations: the folder of certificates
CERT: Final = f'cert_file: "{FILES}/server.pem", key_file: "{FILES}/server-key.pem"'
VERIFY: Final = f'ca_file: "{FILES}/ca.pem", verify: true'
_STAMP = re.compile(r"^\[\d+\] \S+ \S+ ", re.MULTILINE)
_FIELDS = ("auth_required", "tls_required", "tls_verify", "tls_available", "max_payload")


class Files:
    """Certificates of servers and clients in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ca, other = Authority(), Authority("Other CA")
        between = Authority("Between", parent=ca)
        self.good = ca.issue("CN=alice,O=Acme", usage=("client",))
        self.second = ca.issue("CN=bob,O=Acme", usage=("client",))
        certificates: dict[str, Certificate] = {
            "server": ca.issue(),
            "renewed": ca.issue("CN=renewed"),
            "rsa": ca.issue("CN=rsa", names=("rsa.example.com", "*.wild.example.com")),
            "good": self.good,
            "second": self.second,
            "chained": between.issue("CN=chained", usage=("client",)),
            "foreign": other.issue("CN=mallory"),
            "expired": ca.issue("CN=old", starts=-10 * DAY, ends=-DAY),
            "server-only": ca.issue("CN=server", usage=("server",)),
            "no-usage": ca.issue("CN=anything", usage=()),
            "no-subject": ca.issue("", names=("alice@example.com",)),
        }
        for name, certificate in certificates.items():
            certificate.write(folder, name)
        (folder / "ca.pem").write_bytes(ca.pem)
        (folder / "other-ca.pem").write_bytes(other.pem)
        (folder / "both-cas.pem").write_bytes(ca.pem + other.pem)

    def filled(self, config: str) -> str:
        """A configuration with the folder and the pin in it."""
        pins = {"@PIN@": self.good.pin, "@PIN IN LARGE LETTERS@": self.good.pin.upper()}
        for name, pin in pins.items():
            config = config.replace(name, pin)
        return config.replace(FILES, str(self.folder))


class Scene:
    """A running server, and what is needed to talk to it."""

    def __init__(self, server: ServerProcess, files: Files) -> None:
        self.server = server
        self.files = files
        self.peers: list[TlsPeer] = []

    def peer(self, port: int = 0) -> TlsPeer:
        self.peers.append(TlsPeer(port or self.server.port))
        return self.peers[-1]

    def context(self, certificate: str = "", **more: Any) -> ssl.SSLContext:
        return client_context(self.files.folder, certificate, **more)

    def secured(self, certificate: str = "", name: str | None = "localhost") -> TlsPeer:
        """A client that has come through the handshake, after INFO."""
        peer = self.peer()
        peer.info()
        reason = peer.secure(self.context(certificate), name)
        assert not reason, reason
        return peer

    def end(self) -> None:
        for peer in self.peers:
            peer.close()

    # -- what the server tells ---------------------------------------------------------------

    def lines(self, peer: TlsPeer, until: str = "Client connection closed") -> list[str]:
        """What the log says of a connection until then, in alphabetical order: some of it is said
        by several threads. The text is `shown`."""
        where = f"127.0.0.1:{peer.own_port} - cid:"

        def found() -> list[str]:
            lines = _STAMP.sub("", self.server.log()).split("\n")
            return [line for line in lines if where in line]

        wait_until(lambda: any(until in line for line in found()), until)
        return sorted(shown(line) for line in found() if "[TRC]" not in line)

    def reload(self, config: str) -> list[str]:
        """Another configuration; what the log says of it, without lines about what is not TLS."""
        before = len(self.server.log())
        self.server.reload(self.files.filled(config))
        text = _STAMP.sub("", self.server.log()[before:])
        wanted = re.compile(r"tls|TLS|pinned|OCSP|timeout|Failed|Disconnect")
        lines = [line for line in text.split("\n") if wanted.search(line)]
        return sorted(masked(line) for line in lines if not line.startswith("[DBG]"))

    def monitoring(self, path: str) -> Any:
        return self.server.monitoring(path)

    def page(self, url: str, context: ssl.SSLContext) -> str:
        """The status of a page over HTTPS, or why there is none."""
        try:
            with urllib.request.urlopen(url, context=context) as reply:
                return str(reply.status)
        except OSError as error:
            return type(getattr(error, "reason", error)).__name__


def masked(text: str) -> str:
    """Without what varies."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "<hash>", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "<address>", text)
    return re.sub(r"/\S*/", "", text)


def shown(line: str) -> str:
    """A line of the log without the connection."""
    return masked(re.sub(r"\S+ - cid:\d+ - ", "", line))


def told(info: dict[str, Any]) -> dict[str, Any]:
    """What INFO says of TLS, in its order."""
    return {key: value for key, value in info.items() if key in _FIELDS}


def old_hello() -> bytes:
    """The first message of a client that knows TLS 1.1 at most."""
    suites = bytes.fromhex("c013c014002f0035")
    body = b"\x03\x02" + bytes(32) + b"\x00" + struct.pack(">H", len(suites)) + suites + b"\x01\x00"
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message
