"""What a certificate says of its owner, as names that users may have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cryptography import x509

from pynats_server.auth.certificates.dn import Dn

_KINDS: Final = {
    "2.5.4.3": "CN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.17": "POSTALCODE",
    "0.9.2342.19200300.100.1.25": "DC",
}
# Those that the text form shows, in its order; of the first two only the last value.
_SHOWN: Final = ("SERIALNUMBER", "CN", "OU", "O", "POSTALCODE", "STREET", "L", "ST", "C")
_SINGLE: Final = ("SERIALNUMBER", "CN")


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """Its alternative names; its subject, None if that has attributes that names do not have; the
    subject as text without its domain components; and with them, if it has any."""

    emails: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    subject: Dn | None = ()
    text: str = ""
    domain_text: str = ""

    @property
    def any(self) -> bool:
        """Whether there is a name at all."""
        return bool(self.emails or self.hosts or self.uris or self.subject != ())


@lru_cache(maxsize=1024)
def names_of(der: bytes) -> CertificateNames:
    """The names in a certificate. Raises ValueError if it cannot be read."""
    certificate = x509.load_der_x509_certificate(der)
    attributes = [
        [(_KINDS.get(each.oid.dotted_string), each.value) for each in rdn]
        for rdn in certificate.subject.rdns
    ]
    flat = [each for rdn in attributes for each in rdn]
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        others: Iterable[Any] = extension.value
    except x509.ExtensionNotFound:
        others = ()
    emails, hosts, uris = (
        tuple(name.value for name in others if isinstance(name, kind))
        for kind in (x509.RFC822Name, x509.DNSName, x509.UniformResourceIdentifier)
    )
    return CertificateNames(
        emails, hosts, tuple(map(_as_parsed, uris)), _dn(attributes), *_texts(flat)
    )


def _dn(attributes: list[list[tuple[str | None, str | bytes]]]) -> Dn | None:
    found = []
    for rdn in attributes:
        known = [(kind, value) for kind, value in rdn if kind and isinstance(value, str)]
        if len(known) != len(rdn):
            return None
        found.append(tuple(known))
    return tuple(found)


def _texts(flat: list[tuple[str | None, str | bytes]]) -> tuple[str, str]:
    """Without domain components, and with them. Many values of a type stand together, whatever the
    order in the certificate."""
    parts = []
    for kind in _SHOWN:
        values = [value for each, value in flat if each == kind and isinstance(value, str)]
        if kind in _SINGLE:
            values = values[-1:]
        if any(values):
            parts.append("+".join(f"{kind}={_escaped(value)}" for value in values))
    text = ",".join(parts)
    domain = [f"DC={value!s}" for kind, value in flat if kind == "DC"]
    return text, ",".join([text, *domain]) if domain else ""


def _escaped(value: str) -> str:
    """As in RFC 2253."""
    found = "".join("\\" + char if char in ',+"\\<>;' else char for char in value)
    if found.startswith(("#", " ")):
        found = "\\" + found
    if value.endswith(" ") and len(value) > 1:
        found = found[:-1] + "\\ "
    return found


def _as_parsed(uri: str) -> str:
    """Schemes are in lower case."""
    scheme, colon, rest = uri.partition(":")
    return scheme.lower() + colon + rest
