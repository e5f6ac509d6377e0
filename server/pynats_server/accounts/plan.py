"""What accounts export and import, checked against each other, before any of it is in force.

The checks and their texts are the real server's; tests compare the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from itertools import count

from pynats_common.go.text import bytes_of, raw_text
from pynats_common.records import dataclass
from pynats_common.subjects import has_wildcard

from pynats_server.accounts.cycles import Edge, ServiceEdges, StreamEdges, TooDeep
from pynats_server.accounts.names import REST, Names, Token
from pynats_server.accounts.offers import Offer, Offers, offers_of
from pynats_server.core.subject import is_valid
from pynats_server.options import (
    AccountOptions,
    Options,
    ServiceExport,
    ServiceImport,
    StreamImport,
)
from pynats_server.subjects.transform import SubjectTransform, TransformError, wildcards_of

_BLANK = re.compile(r"[\t\n\f\r ]")


class PlanError(ValueError):
    """Accounts do not fit together: all that is wrong, a line each."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class StreamLink:
    """Messages that one account takes of another."""

    exporter: str
    names: Names  # of the exporter's subjects, made into local ones
    allow_trace: bool


@dataclass(frozen=True, slots=True)
class ServiceLink:
    """A service of another account."""

    exporter: str
    names: Names  # of local subjects, made into the exporter's
    share: bool
    service: ServiceExport


@dataclass(slots=True)
class Plan:
    """Links by the account that imports."""

    streams: dict[str, list[StreamLink]] = field(default_factory=dict)
    services: dict[str, list[ServiceLink]] = field(default_factory=dict)


def check_accounts(options: Options) -> Plan:
    """What they share. Raises PlanError, at the place of `accounts` in the file, if they do not fit
    together."""
    try:
        return make_plan(options.accounts)
    except PlanError as error:
        place = options.places.get("accounts")
        raise PlanError(*(f"{place}: {e}" if place else e for e in error.faults)) from None


def make_plan(accounts: Mapping[str, AccountOptions]) -> Plan:
    """Raises PlanError. Only accounts that are defined can be named."""
    plan = Plan()
    faults: list[str] = []
    offers = {name: offers_of(account, accounts, faults) for name, account in accounts.items()}
    streams, services = StreamEdges(), ServiceEdges()
    for name, account in accounts.items():
        plan.streams[name] = []
        plan.services[name] = []
        for stream in account.stream_imports:
            try:
                plan.streams[name].append(link_stream(name, stream, offers, streams))
            except PlanError as error:
                faults += error.faults
        for service in account.service_imports:
            try:
                plan.services[name].append(link_service(name, service, offers, services))
            except PlanError as error:
                faults += error.faults
    if faults:
        raise PlanError(*faults)
    return plan


# -- imports ---------------------------------------------------------------------------------------


def _refusal(kind: str, subject: str, reason: str) -> PlanError:
    return PlanError(f'Error adding {kind} import "{subject}": {reason}')


def link_stream(
    importer: str,
    item: StreamImport,
    accounts: Mapping[str, Offers],
    edges: StreamEdges,
    activated: bool = False,
) -> StreamLink:
    """One import, judged after those in `edges`, to which it is added. `activated`: it has a JWT
    for what is exported to the holders of one. Raises PlanError."""
    exporter = accounts.get(item.account)
    if exporter is None:
        raise PlanError(f'"{item.account}" account not defined for stream import')
    subject = item.subject
    if not exporter.streams.open_to(importer, subject, activated):
        raise _refusal("stream", subject, "stream import not authorized")
    if item.prefix and has_wildcard(item.prefix):
        reason = "stream import prefix can not contain wildcard tokens"
        raise _refusal("stream", subject, reason)
    if not is_valid(bytes_of(subject)):
        raise _refusal("stream", subject, "stream import not authorized")
    prefix = f"{item.prefix.removesuffix('.')}." if item.prefix else ""
    local = f"{prefix}{subject}" if prefix else item.to or subject
    if _BLANK.search(local):
        # The real server lets them pass, and breaks the protocol of whoever subscribes.
        raise _refusal("stream", subject, f'blanks in its subject here, "{local}"')
    try:
        names = _names(subject, local)
    except TransformError as error:
        raise _refusal(
            "stream",
            subject,
            f'failed to create mapping transform for stream import subject from "{subject}" to '
            f'"{local}": {error}',
        ) from None
    edge = Edge(item.account, bytes_of(subject), bytes_of(names.pattern))
    _refuse_circle("stream", subject, importer, edge, edges)
    if edges.add(importer, edge) is not None:
        raise _refusal("stream", subject, "stream import already exists")
    return StreamLink(item.account, names, item.allow_trace)


def link_service(
    importer: str,
    item: ServiceImport,
    accounts: Mapping[str, Offers],
    edges: ServiceEdges,
    activated: bool = False,
) -> ServiceLink:
    """One import, judged after those in `edges`, to which it is added. `activated`: it has a JWT
    for what is exported to the holders of one. Raises PlanError."""
    exporter = accounts.get(item.account)
    if exporter is None:
        raise PlanError(f'"{item.account}" account not defined for service import')
    subject = item.subject
    local = item.to or subject
    if not (is_valid(bytes_of(subject)) and is_valid(bytes_of(local))):
        raise _refusal("service", subject, "sublist: invalid subject")
    fitting = exporter.services.open_to(importer, subject, activated)
    if not fitting:
        raise _refusal("service", subject, "service import not authorized")
    try:
        names = _names(subject, local)
    except TransformError as error:
        raise _refusal(
            "service",
            subject,
            f'failed to create mapping transform for service import subject from "{local}" to '
            f'"{subject}": {error}',
        ) from None
    edge = Edge(item.account, bytes_of(subject), bytes_of(names.pattern))
    _refuse_circle("service", subject, importer, edge, edges)
    known = edges.add(importer, edge)
    if known is not None:
        raise _refusal(
            "service",
            subject,
            f'duplicate service import subject "{names.pattern}", previously used in import for '
            f'account "{known.exporter}", subject "{raw_text(known.remote)}"',
        )
    # Of those that cover one subject, the one with the most tokens is the narrowest.
    offer = max(fitting, key=_narrowness) if len(fitting) > 1 else fitting[0]
    return ServiceLink(item.account, names.turned(), item.share, offer.service())


def _refuse_circle(
    kind: str, subject: str, importer: str, edge: Edge, edges: StreamEdges | ServiceEdges
) -> None:
    try:
        closes = edges.close_with(importer, edge)
    except TooDeep:
        raise _refusal(kind, subject, "search cycle depth exhausted") from None
    if closes:
        raise _refusal(kind, subject, "import forms a cycle")


def _narrowness(offer: Offer) -> tuple[int, int]:
    tokens = offer.subject.split(".")
    return len(tokens), sum(token not in ("*", REST) for token in tokens)


def _names(subject: str, local: str) -> Names:
    """What `subject` is called here, where stars stand for wildcards in their order. Raises
    TransformError."""
    tokens = tuple(subject.split("."))
    if "*" not in tokens and REST not in tokens:
        return Names(tokens, tuple(local.split(".")))
    if local == subject and "$" not in subject and "{{" not in subject:  # and so no references
        stars = count()
        return Names(tokens, tuple(next(stars) if token == "*" else token for token in tokens))
    star = 0
    numbered = []
    for token in local.split("."):
        star += token == "*"
        numbered.append(f"${star}" if token == "*" else token)
    dest = ".".join(numbered)
    SubjectTransform.compile(subject, dest, strict=True)
    made: list[Token] = [
        token if number is None else max(number - 1, 0)
        for token, number in zip(numbered, wildcards_of(dest), strict=True)
    ]
    return Names(tokens, tuple(made))
