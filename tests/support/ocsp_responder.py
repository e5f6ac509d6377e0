"""An authority's OCSP responder on this machine, that says what a test wants."""

from __future__ import annotations

import base64
import datetime
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests.support.authorities import Authority, Certificate

HOUR = datetime.timedelta(hours=1)
STATES = {
    "good": ocsp.OCSPCertStatus.GOOD,
    "revoked": ocsp.OCSPCertStatus.REVOKED,
    "unknown": ocsp.OCSPCertStatus.UNKNOWN,
}


def response(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    signer: Certificate,
    status: str = "good",
    since: datetime.timedelta = -HOUR,
    ends: datetime.timedelta | None = HOUR,
) -> bytes:
    """An answer about a certificate, signed by `signer`; times count from now."""
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=issuer,
        algorithm=hashes.SHA1(),
        cert_status=STATES[status],
        this_update=now + since,
        next_update=None if ends is None else now + ends,
        revocation_time=now - HOUR if status == "revoked" else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if signer.certificate != issuer:
        builder = builder.certificates([signer.certificate])
    key = signer.key
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]


class Responder:
    """Answers at `url`, about all certificates of an authority that it is told of. `status` says
    what, `requests` counts; with `answer`, that is what it says."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.status = "good"
        self.signer = authority.root
        self.ends: datetime.timedelta | None = HOUR
        self.posts_fail = False
        self.answer: Callable[[], bytes] | None = None
        self.requests: list[str] = []
        self._known: dict[int, x509.Certificate] = {}
        responder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                responder.requests.append("POST")
                if responder.posts_fail:
                    self.send_error(405)
                else:
                    self._reply(body)

            def do_GET(self) -> None:
                responder.requests.append("GET")
                self._reply(base64.b64decode(urllib.parse.unquote(self.path[1:])))

            def _reply(self, request: bytes) -> None:
                data = responder.answer_to(request)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def knows(self, *certificates: Certificate) -> None:
        for each in certificates:
            self._known[each.certificate.serial_number] = each.certificate

    def answer_to(self, request: bytes) -> bytes:
        if self.answer is not None:
            return self.answer()
        number = ocsp.load_der_ocsp_request(request).serial_number
        certificate = self._known[number]
        issuer = self.authority.root.certificate
        return response(certificate, issuer, self.signer, self.status, ends=self.ends)

    def __enter__(self) -> Responder:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self._server.shutdown()
        self._server.server_close()
