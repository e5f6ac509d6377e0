"""What an authority says of a certificate that it has issued (OCSP, RFC 6960): asked over HTTP,
checked, and turned into plain data. Everything here blocks: it runs in threads."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final, Literal

from pynats_common.records import dataclass

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.ocsp import OCSPResponse

ANSWER_MAX: Final = 64 * 1024  # bytes of an answer
_TYPE: Final = "application/ocsp-request"
_SCHEMES: Final = ("http://", "https://")

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


def urls_of(certificate: Certificate) -> list[str]:
    """Where its authority can be asked about it, as it says itself."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID as Access

    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, ValueError):
        return []
    found = (
        each.access_location.value
        for each in access.value
        if each.access_method == Access.OCSP
        and isinstance(each.access_location, x509.UniformResourceIdentifier)
    )
    return [url for url in found if url.startswith(_SCHEMES)]


def must_staple(certificate: Certificate) -> bool:
    """Whether clients are to expect an answer about it from the server."""
    from cryptography import x509

    try:
        feature = certificate.extensions.get_extension_for_class(x509.TLSFeature)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return x509.TLSFeatureType.status_request in feature.value


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


def ask(
    certificate: Certificate,
    issuer: Certificate,
    urls: Sequence[str],
    timeout: float,
    clock_skew: float,
) -> Answer:
    """Asks one after the other, as POST and then as GET. Raises OcspError."""
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import ocsp

    # SHA-1 only names the issuer; authorities know no other name of it.
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1())
    request = builder.build().public_bytes(Encoding.DER)
    faults = []
    for url in urls:
        for get in (False, True):
            try:
                return checked(_fetch(url, request, get, timeout), certificate, issuer, clock_skew)
            except OcspError as error:
                faults.append(f"{'Get' if get else 'Post'} {url}: {error}")
    raise OcspError(f"exhausted ocsp servers: {'; '.join(faults)}")


def _fetch(url: str, request: bytes, get: bool, timeout: float) -> bytes:
    # Takes long to load, and few need it.
    import urllib.parse
    import urllib.request

    if not url.startswith(_SCHEMES):
        raise OcspError("only http and https are possible")
    if get:
        text = base64.b64encode(request).decode()
        quoted = urllib.parse.quote(text, safe="")
        asked = urllib.request.Request(f"{url.rstrip('/')}/{quoted}")
    else:
        headers = {"Content-Type": _TYPE}
        asked = urllib.request.Request(url, request, headers)
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as reply:
            data: bytes = reply.read(ANSWER_MAX + 1)
    except (OSError, ValueError) as error:
        raise OcspError(str(getattr(error, "reason", error))) from None
    if len(data) > ANSWER_MAX:
        raise OcspError("the answer is too large")
    return data


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
