"""Log lines for a syslog daemon, here or elsewhere."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from datetime import datetime
from urllib.parse import urlsplit

from pynats_common.go.errno import error_text
from pynats_common.go.quoting import quote

from pynats_server.log.sinks import LogError

SYSLOG_PORT = 514
SYSLOG_RETRY_S = 1.0  # seconds between attempts to reconnect
CUT = b"...\n"  # the end of a line that was too long
CUT_MIN = 256  # bytes that every daemon takes
_FACILITY_DAEMON = 3 << 3
# Of syslog (RFC 5424), as the real server assigns them.
SEVERITIES = {"TRC": 5, "DBG": 7, "INF": 5, "WRN": 4, "ERR": 3, "FTL": 2}
# Where daemons listen, on this and other systems.
_LOCAL_SYSLOG = ("/dev/log", "/var/run/syslog", "/var/run/log")


class SyslogSink:
    """A syslog daemon: that of this machine, or at `udp://host:port`, `tcp://…` or `unix://path`.

    Sending may block, so a thread does it (`queued`); lines that a lost daemon does not take are
    dropped. Raises `LogError` if there is no daemon, or for an address that cannot be used. Over
    UDP nobody can tell.
    """

    decorated = False
    colored = False
    slow = True
    reopens = False

    def __init__(self, address: str, program: str) -> None:
        self._address = _parse_syslog_address(address) if address else None
        self._tag = f"{program}[{os.getpid()}]"
        if address:
            self._tag = f"{socket.gethostname()} {self._tag}"
        try:
            self._socket: socket.socket | None = self._connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: the host name is invalid
            reason = self._why(error)
            raise LogError(f"error connecting to syslog: {quote(reason)}") from None
        self._retry_at = 0.0
        self._lost = 0  # lines that it did not take

    def _why(self, error: OSError | UnicodeError) -> str:
        if self._address is None:
            return str(error)
        network, (host, port) = self._address
        if isinstance(error, (UnicodeError, socket.gaierror)):
            return f"dial {network}: lookup {host}: {error_text(error)}"
        place = host if network == "unix" else f"{host}:{port}"
        return f"dial {network} {place}: connect: {error_text(error)}"

    def _connect(self) -> socket.socket:
        if self._address is None:
            return _connect_here()
        network, target = self._address
        if network == "tcp":
            return socket.create_connection(target, timeout=5)
        if network == "unix":
            return _connect_unix(target[0], socket.SOCK_DGRAM)
        found = socket.getaddrinfo(*target, type=socket.SOCK_DGRAM)
        client = socket.socket(found[0][0], socket.SOCK_DGRAM)
        client.connect(found[0][4])
        return client

    def write(self, data: bytes, level: str) -> None:
        now = datetime.now().astimezone()
        # The daemon of this machine expects what the C library sends.
        stamp = now.isoformat(timespec="seconds") if self._address else f"{now:%b %e %H:%M:%S}"
        head = f"<{_FACILITY_DAEMON | SEVERITIES[level]}>{stamp} {self._tag}: ".encode()
        for line in data.rstrip(b"\n").split(b"\n"):
            if self._lost:
                said = b"%d lines of the log were dropped: syslog did not take them" % self._lost
                if self._send(head + said + b"\n"):
                    self._lost = 0
            if not self._send(head + line + b"\n"):
                self._lost += 1

    def _send(self, line: bytes) -> bool:
        try:
            if self._socket is None:
                if time.monotonic() < self._retry_at:
                    return False
                self._socket = self._connect()
            self._send_at_once(self._socket, line)
        except OSError:
            self._drop_connection()
            return False
        return True

    def _send_at_once(self, client: socket.socket, line: bytes) -> None:
        """A line that is longer than a datagram is cut."""
        while True:
            try:
                client.sendall(line)
            except OSError as error:
                if error.errno != errno.EMSGSIZE or len(line) <= CUT_MIN:
                    raise
                line = line[: len(line) // 2].decode("utf-8", "ignore").encode() + CUT
            else:
                return

    def _drop_connection(self) -> None:
        self._retry_at = time.monotonic() + SYSLOG_RETRY_S
        connectionless = self._address is not None and self._address[0] == "udp"
        if not connectionless and self._socket is not None:
            self._socket.close()
            self._socket = None

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _connect_here() -> socket.socket:
    """A connection to the daemon of this machine; a path may exist without one."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        for path in _LOCAL_SYSLOG:
            with contextlib.suppress(OSError):
                return _connect_unix(path, kind)
    raise OSError("Unix syslog delivery error")


def _connect_unix(path: str, kind: socket.SocketKind) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, kind)
    try:
        client.connect(path)
    except OSError:
        client.close()
        raise
    return client


def _parse_syslog_address(address: str) -> tuple[str, tuple[str, int]]:
    try:
        parts = urlsplit(address)
        port = parts.port or SYSLOG_PORT
    except ValueError:
        raise LogError(f'error connecting to syslog: invalid address "{address}"') from None
    if parts.scheme == "unix" and parts.path:
        return "unix", (parts.path, 0)
    if parts.scheme in ("udp", "tcp") and parts.hostname:
        return parts.scheme, (parts.hostname, port)
    raise LogError(f'error connecting to syslog: invalid network type: "{parts.scheme}"')
