"""What `account tls --ocsp` tells of the answer that a server staples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pynats_common.ocsp import OcspError, Status, checked

_CLOCK_SKEW_S = 30.0
_NUMBERS: dict[Status, int] = {"good": 0, "revoked": 1, "unknown": 2}
_NEVER = "0001-01-01 00:00:00 +0000 UTC"


@dataclass(frozen=True)
class Stapled:
    """An answer that was checked: about the certificate, signed by its authority, not too old; or
    why there is none: `absent`, for a chain of one certificate `unchecked`, or `invalid`."""

    status: Status | Literal["absent", "unchecked", "invalid"]
    fault: str = ""
    serial: int = 0
    produced: datetime | None = None
    since: datetime | None = None
    ends: datetime | None = None
    revoked: datetime | None = None

    def data(self) -> dict[str, Any]:
        """For programs."""
        moments = {
            "produced_at": self.produced, "this_update": self.since, "next_update": self.ends,
            "revoked_at": self.revoked,
        }  # fmt: skip
        found: dict[str, Any] = {"status": self.status}
        found |= {"error": self.fault} if self.fault else {}
        found |= {"serial": str(self.serial)} if self.serial else {}
        return found | {
            name: value.isoformat().replace("+00:00", "Z")
            for name, value in moments.items()
            if value is not None
        }

    def line(self) -> str:
        """For people; "" when there is no answer."""
        if self.status == "good":
            return (
                f"# OCSP: GOOD status=0 sn={self.serial} producedAt=({moment(self.produced)}) "
                f"thisUpdate=({moment(self.since)}) nextUpdate=({moment(self.ends)})"
            )
        if self.status == "revoked":
            return f"# OCSP: REVOKED status=1 RevokedAt=({moment(self.revoked)})"
        if self.status == "unknown":
            return f"# OCSP: BAD status=2 sn={self.serial}"
        if self.status == "unchecked":
            return "# Skipping OCSP verification for solo end-entity cert chain"
        return f"# {self.fault}" if self.fault else ""

    def error(self) -> str:
        """Why the command fails; "" when it does not."""
        if self.status in _NUMBERS and self.status != "good":
            return f"OCSP: the certificate is {self.status}: sn={self.serial}"
        return self.fault


def read_staple(answer: bytes, chain: Sequence[bytes]) -> Stapled:
    """`chain` are certificates in DER, the server's own first."""
    from cryptography import x509
    from cryptography.x509 import ocsp

    if not answer:
        return Stapled("absent")
    if len(chain) < 2:
        return Stapled("unchecked")
    leaf, issuer = (x509.load_der_x509_certificate(each) for each in chain[:2])
    try:
        status = checked(answer, leaf, issuer, _CLOCK_SKEW_S).status
    except OcspError as error:
        names = f'"{leaf.subject.rfc4514_string()}" from "{issuer.subject.rfc4514_string()}"'
        return Stapled("invalid", f"OCSP response invalid for chain 1's {names}: {error}")
    response = ocsp.load_der_ocsp_response(answer)
    number = leaf.serial_number
    said = next(each for each in response.responses if each.serial_number == number)
    return Stapled(
        status,
        serial=number,
        produced=response.produced_at_utc,
        since=said.this_update_utc,
        ends=said.next_update_utc,
        revoked=said.revocation_time_utc,
    )


def moment(time: datetime | None) -> str:
    """As Go prints it."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC") if time else _NEVER
