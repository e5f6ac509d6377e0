"""What the authority says of the server's own certificate, which clients get in the handshake
(`ocsp`). Blocks: it runs in threads."""

from __future__ import annotations

from typing import Final

from pynats_common.ocsp import Answer, OcspError, issuer_among

from pynats_server.tls.errors import PlanError
from pynats_server.tls.ocsp import ask, must_staple, urls_of
from pynats_server.tls.options import OcspOptions
from pynats_server.tls.plan import CertificateAndKey, ContextPlan

ASKING_S: Final = 10.0  # for an answer
AGAIN_S: Final = 120.0  # after a failure, or when the answer has ended
DAY_S: Final = 86400.0  # between questions, where an answer has no end
FATAL: Final = ("always", "must")  # modes in which a server with a revoked certificate ends


class Revoked(PlanError):
    """The server's own certificate has been revoked, and must not be used any more."""


def staple_for(plan: ContextPlan, ocsp: OcspOptions | None) -> Answer | None:
    """The answer for a context; None if none is wanted. Raises PlanError."""
    from cryptography import x509

    mode = ocsp.mode if ocsp is not None else "auto"
    if mode == "never" or not plan.certificates:
        return None
    first = plan.certificates[0]
    leaf = x509.load_der_x509_certificate(first.chain[0])
    if mode != "always" and not must_staple(leaf):
        return None
    if len(plan.certificates) > 1:
        raise PlanError("OCSP stapling is possible with one certificate only, not with 'certs'")
    known = [*first.chain[1:], *(plan.authorities or ())]
    issuer = issuer_among(leaf, map(x509.load_der_x509_certificate, known))
    if issuer is None:
        raise PlanError("no issuers found")
    urls = ocsp.urls if ocsp is not None and ocsp.urls else urls_of(leaf)
    if not urls:
        raise PlanError(_bad(first, "no available ocsp servers"))
    try:
        answer = ask(leaf, issuer, urls, ASKING_S, 0.0)
    except OcspError as error:
        raise PlanError(_bad(first, str(error))) from None
    if answer.status == "revoked" and mode in FATAL:
        raise Revoked(_bad(first, "it was revoked"))
    return answer


def _bad(certificate: CertificateAndKey, why: str) -> str:
    return f"bad OCSP status update for certificate at '{certificate.file}': {why}"


def next_question(answer: Answer, now: float) -> float:
    """Seconds until it is time to ask again: when half of the time to the answer's end is over."""
    if not answer.ends:
        return DAY_S
    left = answer.ends - now
    return left / 2 if left > 0 else AGAIN_S
