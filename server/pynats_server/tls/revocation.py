"""Whether the authorities of a client's certificate still vouch for it (`ocsp_peer`), with a memory
of what they have said. Blocks: it runs in threads, several at once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pynats_common.ocsp import Answer, OcspError

from pynats_server.tls.ocsp import ask, urls_of
from pynats_server.tls.options import OcspPeerOptions

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

REMEMBERED: Final = 10_000  # answers


@dataclass(slots=True)
class Judgement:
    """Whether a chain holds. `notes` are for the log."""

    valid: bool
    notes: list[str] = field(default_factory=list)


class Memory:
    """Answers that still count, by certificate; the oldest go when there are too many."""

    def __init__(self, most: int = REMEMBERED, preserve_revoked: bool = False) -> None:
        self._most = most
        self._preserve_revoked = preserve_revoked
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[Answer, float]] = OrderedDict()

    def get(self, key: str, now: float) -> Answer | None:
        """What was said of a certificate, while it counts."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            answer, until = found
            if now <= until or (self._preserve_revoked and answer.status == "revoked"):
                return answer
            return None

    def put(self, key: str, answer: Answer, until: float) -> None:
        with self._lock:
            self._answers[key] = answer, until
            self._answers.move_to_end(key)
            if len(self._answers) > self._most:
                self._answers.popitem(last=False)


def judge(chain: Sequence[bytes], options: OcspPeerOptions, memory: Memory | None) -> Judgement:
    """Asks about each certificate of a chain (DER, the client's first, the authority that we trust
    last) that says where. One that says nothing of that is not asked about."""
    from cryptography import x509

    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    judgement = Judgement(True)
    eligible = [
        (certificate, issuer, urls)
        for certificate, issuer in pairwise(certificates)
        if (urls := urls_of(certificate))
    ]
    if not eligible:
        judgement.notes.append("Chain [0] has no OCSP eligible links, thus peer is valid")
    for certificate, issuer, urls in eligible:
        if not _holds(certificate, issuer, urls, options, memory, judgement):
            judgement.valid = False
            break
    if not judgement.valid and options.warn_only:
        judgement.valid = True
        judgement.notes.append("OCSP peer is not valid, and accepted because of warn_only")
    return judgement


def _holds(
    certificate: Certificate,
    issuer: Certificate,
    urls: list[str],
    options: OcspPeerOptions,
    memory: Memory | None,
    judgement: Judgement,
) -> bool:
    from cryptography.hazmat.primitives.serialization import Encoding

    now = time.time()
    key = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    answer = memory.get(key, now) if memory is not None else None
    if answer is None:
        try:
            answer = ask(certificate, issuer, urls, options.ca_timeout, options.allowed_clockskew)
        except OcspError as error:
            judgement.notes.append(f"OCSP peer check of {key}: {error}")
            return options.allow_when_ca_unreachable
        if memory is not None:
            lasting = options.cache_ttl_when_next_update_unset
            memory.put(key, answer, answer.ends or answer.since + lasting)
    judgement.notes.append(f"OCSP peer check of {key}: {answer.status}")
    return answer.status == "good" or (answer.status == "unknown" and options.unknown_is_good)
