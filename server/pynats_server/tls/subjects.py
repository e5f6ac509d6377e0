"""The subject of a certificate as text, as Go writes it: the known attributes in an order of its
own, those of a kind together, the others behind them by their numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, Name

# By their numbers, and whether several of a kind are all shown; otherwise the last one is.
_KNOWN: Final = {
    "2.5.4.5": ("SERIALNUMBER", False),
    "2.5.4.3": ("CN", False),
    "2.5.4.17": ("POSTALCODE", True),
    "2.5.4.9": ("STREET", True),
    "2.5.4.7": ("L", True),
    "2.5.4.8": ("ST", True),
    "2.5.4.11": ("OU", True),
    "2.5.4.10": ("O", True),
    "2.5.4.6": ("C", True),
}
_SPECIAL: Final = re.compile(r'([,+"\\<>;])')


def subject_text(name: Name) -> str:
    """`CN=alice,OU=Dev+OU=Ops,O=Acme`."""
    return attributes_text((each.oid.dotted_string, str(each.value)) for each in name)


def attributes_text(attributes: Iterable[tuple[str, str]]) -> str:
    """The same of the numbers and values of attributes."""
    known: dict[str, list[str]] = {}
    others: list[str] = []
    for number, value in attributes:
        if number in _KNOWN:
            label, many = _KNOWN[number]
            values = known.setdefault(number, [])
            if not many:
                values.clear()
            values.append(f"{label}={_escaped(value)}")
        else:
            others.append(f"{number}={_escaped(value)}")
    parts = ["+".join(known[number]) for number in _KNOWN if number in known]
    return ",".join([*parts, *reversed(others)])


def key_hash(certificate: Certificate) -> str:
    """SHA-256 of its public key, in hex, as `pinned_certs` has it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = certificate.public_key()
    return hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def _escaped(value: str) -> str:
    text = _SPECIAL.sub(r"\\\1", value)
    if text[:1] in ("#", " "):
        text = "\\" + text
    if len(value) > 1 and value.endswith(" "):
        text = text[:-1] + "\\ "
    return text
