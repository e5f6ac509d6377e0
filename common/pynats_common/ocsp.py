"""What an authority says of a certificate that it has issued (OCSP, RFC 6960): the checks, without
which an answer counts for nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from pynats_common.records import dataclass

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.ocsp import OCSPResponse

Status = Literal["good", "revoked", "unknown"]


class OcspError(Exception):
    """There is no answer that counts; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Times are seconds since 1970; `ends` 0 = the authority does not say."""

    status: Status
    since: float
    ends: float
    der: bytes = field(repr=False)


def issuer_among(certificate: Certificate, candidates: Iterable[Certificate]) -> Certificate | None:
    """The first that has signed it."""
    for each in candidates:
        if each.subject == certificate.issuer:
            try:
                certificate.verify_directly_issued_by(each)
            except Exception:  # whatever kind of key it has, it is not the one
                continue
            return each
    return None


def checked(
    der: bytes,
    certificate: Certificate,
    issuer: Certificate,
    clock_skew: float,
    now: float | None = None,
) -> Answer:
    """An answer that is about this certificate, signed by its authority or by whom that has
    appointed, and holds now. Raises OcspError."""
    from cryptography.x509 import ocsp

    now = time.time() if now is None else now
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise OcspError(f"the authority says {response.response_status.name.lower()}")
        number = certificate.serial_number
        single = next((each for each in response.responses if each.serial_number == number), None)
    except ValueError:
        raise OcspError("the answer cannot be read") from None
    if single is None:
        raise OcspError("the answer is about another certificate")
    _check_issuer(single, issuer)
    _check_signature(response, issuer, now)
    since = single.this_update_utc.timestamp()
    ends = single.next_update_utc.timestamp() if single.next_update_utc is not None else 0.0
    if since > now + clock_skew:
        raise OcspError("the answer is of the future")
    if ends and ends < now - clock_skew:
        raise OcspError("the answer is too old")
    status: Status = "unknown"
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        status = "good"
    elif single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        status = "revoked"
    return Answer(status, since, ends, der)


def _check_issuer(single: object, issuer: Certificate) -> None:
    from cryptography.hazmat.primitives.hashes import Hash

    algorithm = single.hash_algorithm  # type: ignore[attr-defined]
    name = Hash(algorithm)
    name.update(issuer.subject.public_bytes())
    if name.finalize() != single.issuer_name_hash:  # type: ignore[attr-defined]
        raise OcspError("the answer is about another authority's certificate")


def _check_signature(response: OCSPResponse, issuer: Certificate, now: float) -> None:
    """By the authority, or by a certificate that it has issued for that."""
    for signer in (issuer, *response.certificates):
        if signer is not issuer and not _is_appointed(signer, issuer, now):
            continue
        if _has_signed(signer, response):
            return
    raise OcspError("the answer is not signed by the authority")


def _is_appointed(signer: Certificate, issuer: Certificate, now: float) -> bool:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    begins, ends = signer.not_valid_before_utc, signer.not_valid_after_utc
    if not begins.timestamp() <= now <= ends.timestamp():
        return False
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage and issuer_among(signer, [issuer]) is not None


def _has_signed(signer: Certificate, response: OCSPResponse) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    key = signer.public_key()
    signature, signed = response.signature, response.tbs_response_bytes
    algorithm = response.signature_hash_algorithm
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True
