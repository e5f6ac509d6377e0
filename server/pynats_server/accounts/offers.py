"""What an account exports: what its configuration says of one subject in several places is one
offer.

Checks and texts are the real server's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pynats_common.go.text import bytes_of
from pynats_common.records import dataclass
from pynats_common.subjects import has_wildcard, is_valid_publish_subject

from pynats_server.core.subject import covers, first_nested
from pynats_server.options import (
    AccountOptions,
    ResponseKind,
    ServiceExport,
    ServiceLatency,
    StreamExport,
)


@dataclass(slots=True)
class Offer:
    """One subject, for all accounts unless some are named or the subject names them."""

    subject: str
    accounts: set[str] = field(default_factory=set)
    position: int = 0  # of the token, from 1, that is the importer; 0 = none
    response: ResponseKind = "singleton"
    threshold: float = 0.0
    latency: ServiceLatency | None = None
    allow_trace: bool = False
    by_token: bool = False
    _service: ServiceExport | None = None

    def is_open(self, importer: str, subject: str, activated: bool = False) -> bool:
        """Whether it is for that importer, which has an activation JWT or not. The token of the
        subject alone decides where there is one."""
        if self.position:
            return subject.split(".")[self.position - 1] == importer
        if self.by_token:
            return activated
        return not self.accounts or importer in self.accounts

    def service(self) -> ServiceExport:
        """What holds for requests of it; one for all importers, once the offer is complete."""
        if self._service is None:
            self._service = ServiceExport(
                self.subject,
                sorted(self.accounts),
                self.position,
                self.response,
                self.threshold,
                self.latency,
                self.allow_trace,
                self.by_token,
            )
        return self._service


class OffersOfKind:
    """The streams or the services of one account. Only those with wildcards are searched."""

    def __init__(self) -> None:
        self._by_subject: dict[str, Offer] = {}
        self._wild: list[Offer] = []
        self._patterns: list[bytes] = []

    def of(self, subject: str) -> Offer:
        """The offer of a subject, made if there is none."""
        offer = self._by_subject.get(subject)
        if offer is None:
            offer = self._by_subject[subject] = Offer(subject)
            if has_wildcard(subject):
                self._wild.append(offer)
                self._patterns.append(bytes_of(subject))
        return offer

    def covering(self, subject: str) -> list[Offer]:
        """Those that cover the subject. One of exactly this subject stands for all of them."""
        exact = self._by_subject.get(subject)
        if exact is not None:
            return [exact]
        wanted, count = bytes_of(subject), len(self._patterns)
        found = []
        place = first_nested(wanted, self._patterns, 0, count)
        while place >= 0:
            if covers(self._patterns[place], wanted):
                found.append(self._wild[place])
            place = first_nested(wanted, self._patterns, place + 1, count)
        return found

    def open_to(self, importer: str, subject: str, activated: bool = False) -> list[Offer]:
        """Those that cover the subject and are for the importer. One of exactly this subject
        decides alone; the real server asks any of the others."""
        covering = self.covering(subject)
        return [each for each in covering if each.is_open(importer, subject, activated)]


@dataclass(slots=True)
class Offers:
    """Of one account."""

    streams: OffersOfKind = field(default_factory=OffersOfKind)
    services: OffersOfKind = field(default_factory=OffersOfKind)


def offers_of(
    account: AccountOptions, accounts: Mapping[str, AccountOptions], faults: list[str]
) -> Offers:
    """What is wrong with it goes to `faults`; the rest is offered, as far as that makes sense."""
    offers = Offers()
    for stream in account.stream_exports:
        _offer(stream, "stream", offers.streams, accounts, faults)
    for service in account.service_exports:
        offer = _offer(service, "service", offers.services, accounts, faults)
        if offer is None:
            continue
        if service.response != "singleton":
            offer.response = service.response
        offer.threshold = service.threshold or offer.threshold
        offer.allow_trace = service.allow_trace
        if service.latency is not None:
            fault = _fault_of_latency(service.latency.subject, offer, offers)
            if fault:
                faults.append(
                    f'Error adding service latency sampling for "{offer.subject}" on subject '
                    f'"{service.latency.subject}": {fault}'
                )
            else:
                offer.latency = service.latency
    return offers


def _offer(
    export: StreamExport | ServiceExport,
    kind: str,
    offers: OffersOfKind,
    accounts: Mapping[str, AccountOptions],
    faults: list[str],
) -> Offer | None:
    for name in export.accounts:
        if name not in accounts:
            faults.append(f'"{name}" account not defined for {kind} export')
    position = export.account_token_position
    tokens = export.subject.split(".")
    if position and not (position <= len(tokens) and tokens[position - 1] == "*"):
        faults.append(f'Error adding {kind} export "{export.subject}": sublist: invalid subject')
        return None
    offer = offers.of(export.subject)
    offer.accounts.update(name for name in export.accounts if name in accounts)
    offer.position = position or offer.position
    offer.by_token = export.by_token
    return offer


def _fault_of_latency(subject: str, offer: Offer, offers: Offers) -> str:
    """Metrics must not be requests."""
    if offer.response != "singleton":
        return "bad service response type"
    if not is_valid_publish_subject(subject) or offers.services.covering(subject):
        return "invalid publish subject"
    return ""
