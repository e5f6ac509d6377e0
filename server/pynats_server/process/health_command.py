"""`pynats-server healthcheck [URL]`: asks a running server's /healthz, for container engines and
other supervisors in images that have neither a shell nor curl.

It is run every few seconds beside the server, so it loads next to nothing: a client library for
HTTP takes longer to import than all the rest.
"""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

from pynats_common.records import dataclass

TYPE_CHECKING = False  # `typing` takes milliseconds
if TYPE_CHECKING:
    from collections.abc import Sequence

URL = "http://127.0.0.1:8222/healthz"
TIMEOUT_S = 5.0
_ANSWER_MAX = 4096
USAGE = f"""\
Usage: {{program}} healthcheck [URL]

Asks a running server whether it is healthy: exits with 0 if it is, with 1 if not, with 2 after
wrong arguments. URL is {URL} unless given; of https the certificate is not checked, because it is
made for another name than this machine's own. Nothing secret is sent: where http_auth protects
monitoring, set healthz_open.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is printed, and the exit code."""

    code: int
    stdout: str = ""
    stderr: str = ""


def run(program: str, words: Sequence[str], timeout_s: float = TIMEOUT_S) -> Outcome:
    """The command with these arguments."""
    if any(word in ("-h", "--help", "-help") for word in words):
        return Outcome(0, stdout=USAGE.format(program=program))
    if len(words) > 1 or any(word.startswith("-") for word in words):
        return _bad(program, "healthcheck takes one URL")
    try:
        parts = urlsplit(words[0] if words else URL)
        default = {"http": 80, "https": 443}[parts.scheme]
        host, port = parts.hostname, parts.port or default
    except (KeyError, ValueError):
        host = None
    if not host:
        return _bad(program, "healthcheck needs a URL such as " + URL)
    if parts.username or parts.password:
        return _bad(
            program, "healthcheck sends no credentials: set http_auth { healthz_open: true }"
        )
    target = (parts.path or "/healthz") + (f"?{parts.query}" if parts.query else "")
    try:
        status, body = _ask(host, port, target, parts.scheme == "https", timeout_s)
    except (OSError, ValueError) as error:
        return Outcome(1, stderr=f"{program}: not healthy: {host}:{port}: {error}\n")
    if status == 200:
        return Outcome(0, stdout=body + "\n")
    return Outcome(1, stderr=f"{program}: not healthy: status {status}: {body}\n")


def _bad(program: str, text: str) -> Outcome:
    return Outcome(2, stderr=f"{program}: {text}\n")


def _ask(host: str, port: int, target: str, secure: bool, timeout_s: float) -> tuple[int, str]:
    """Status and the beginning of the body. Raises OSError and ValueError."""
    name = f"[{host}]" if ":" in host else host
    request = f"GET {target} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"
    ends_at = time.monotonic() + timeout_s
    with _connected(host, port, ends_at) as plain:
        if secure:
            with _wrapped(plain, ends_at) as wrapped:
                answer = _read(wrapped, request, ends_at)
        else:
            answer = _read(plain, request, ends_at)
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("this is no HTTP server")
    return int(words[1]), body.decode("utf-8", "replace").strip()


def _connected(host: str, port: int, ends_at: float) -> socket.socket:
    """To the first of its addresses that answers."""
    failed: OSError = TimeoutError("timed out")
    for family, kind, number, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        plain = socket.socket(family, kind, number)
        try:
            _limit(plain, ends_at)
            plain.connect(address)
        except OSError as error:
            plain.close()
            failed = error
        else:
            return plain
    raise failed


def _wrapped(plain: socket.socket, ends_at: float) -> socket.socket:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _limit(plain, ends_at)
    return context.wrap_socket(plain)


def _limit(connection: socket.socket, ends_at: float) -> None:
    """One limit for the whole: a timeout alone is a new one for each part. Raises TimeoutError."""
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(left_s)


def _read(connection: socket.socket, request: str, ends_at: float) -> bytes:
    connection.sendall(request.encode("ascii"))
    answer = b""
    while len(answer) < _ANSWER_MAX:
        _limit(connection, ends_at)
        part = connection.recv(_ANSWER_MAX - len(answer))
        if not part:
            break
        answer += part
    return answer


def main() -> int:
    """The program `pynats-server`, called with `healthcheck` as its first argument."""
    import sys

    outcome = run("pynats-server", sys.argv[2:])
    sys.stdout.write(outcome.stdout)
    sys.stderr.write(outcome.stderr)
    return outcome.code
