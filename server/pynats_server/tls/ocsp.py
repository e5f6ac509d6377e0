"""Asks an authority over HTTP about a certificate that it has issued (OCSP, RFC 6960). Everything
here blocks: it runs in threads."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pynats_common.ocsp import Answer, OcspError, checked

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

ANSWER_MAX: Final = 64 * 1024  # bytes of an answer
_TYPE: Final = "application/ocsp-request"
_SCHEMES: Final = ("http://", "https://")


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
