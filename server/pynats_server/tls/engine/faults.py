"""Why a handshake failed, in the real server's words."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from pynats_server.tls.subjects import subject_text

# OpenSSL's reasons.
REASONS = {
    "peer did not return a certificate": "tls: client didn't provide a certificate",
    "unsupported protocol": "tls: client offered only unsupported versions",
    "version too low": "tls: client offered only unsupported versions",
    "no shared cipher": "tls: no cipher suite supported by both client and server",
    "wrong version number": "tls: first record does not look like a TLS handshake",
    "http request": "tls: first record does not look like a TLS handshake",
    "bad record type": "tls: first record does not look like a TLS handshake",
    "unexpected eof while reading": "unexpected EOF",
}
# Alerts of the peer that Go calls otherwise than OpenSSL.
ALERTS = {
    "unexpected message": "unexpected message",
    "certificate expired": "expired certificate",
    "certificate revoked": "revoked certificate",
    "certificate unknown": "unknown certificate",
    "unknown ca": "unknown certificate authority",
    "illegal parameter": "illegal parameter",
    "decode error": "error decoding message",
    "decrypt error": "error decrypting message",
    "protocol version": "protocol version not supported",
    "insufficient security": "insufficient security level",
    "missing extension": "missing extension",
    "bad record mac": "bad record MAC",
    "record overflow": "record overflow",
}
ALERT = re.compile(r"(?:(?:sslv3|tlsv1|tlsv13|ssl/tls) (?:alert )?|tls alert )(.+)")

UNABLE_TO_GET_ISSUER, NOT_YET_VALID, EXPIRED, INVALID_PURPOSE = 2, 9, 10, 26
UNKNOWN = (UNABLE_TO_GET_ISSUER, 18, 19, 20, 21, 27)


def reason_text(reason: str) -> str:
    """For a reason that OpenSSL gives."""
    if text := REASONS.get(reason):
        return text
    if alert := ALERT.fullmatch(reason):
        return f"remote error: tls: {ALERTS.get(alert[1], alert[1])}"
    return f"tls: {reason or 'handshake failed'}"


def verdict_text(verdict: int, reason: str, chain: Sequence[bytes]) -> str:
    """For certificates that were not accepted: an X509 error, and OpenSSL's words for it."""
    if verdict in UNKNOWN:
        what = "certificate signed by unknown authority"
    elif verdict in (NOT_YET_VALID, EXPIRED):
        what = f"certificate has expired or is not yet valid: {_times(verdict, chain)}"
    elif verdict == INVALID_PURPOSE:
        what = "certificate specifies an incompatible key usage"
    else:
        what = reason
    text = f"tls: failed to verify certificate: x509: {what}"
    return f"{text} ({'; '.join(map(_shown, chain))})" if chain else text


def _shown(der: bytes) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    certificate = x509.load_der_x509_certificate(der)
    return f"{subject_text(certificate.subject)} SHA-256: {certificate.fingerprint(SHA256()).hex()}"


def _times(verdict: int, chain: Sequence[bytes]) -> str:
    from cryptography import x509

    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    leaf = x509.load_der_x509_certificate(chain[0]) if chain else None
    if leaf is None:
        return f"current time {now}"
    if verdict == EXPIRED:
        return f"current time {now} is after {leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    return f"current time {now} is before {leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
