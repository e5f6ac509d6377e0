"""What accounts export and import, checked against each other, before any of it is in force.

The checks and their texts are the real server's; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pynats_common.subjects import has_wildcard, is_valid_subject

from pynats_server.accounts.cycles import Edge, ServiceEdges, StreamEdges
from pynats_server.accounts.names import REST, Names, Token
from pynats_server.core.subject import covers
from pynats_server.options import (
    GLOBAL_ACCOUNT,
    AccountOptions,
    Options,
    ServiceExport,
    ServiceImport,
    StreamExport,
    StreamImport,
)
from pynats_server.subjects.transform import SubjectTransform, TransformError, wildcards_of


class PlanError(ValueError):
    """Accounts do not fit together."""


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


def check_accounts(options: Options) -> None:
    """Raises PlanError, at the place of `accounts` in the file, if they do not fit together."""
    try:
        plan_of(options)
    except PlanError as error:
        place = options.places.get("accounts")
        raise PlanError(f"{place}: {error}" if place else str(error)) from None


def plan_of(options: Options) -> Plan:
    """What the accounts of a configuration share. Raises PlanError."""
    accounts = {GLOBAL_ACCOUNT: AccountOptions()}
    if options.has_system_account:
        accounts[options.system_account_name] = AccountOptions()
    return make_plan(accounts | options.accounts)


def make_plan(accounts: Mapping[str, AccountOptions]) -> Plan:
    """Raises PlanError, which names the first fault."""
    for account in accounts.values():
        _check_exports(account, accounts)
    plan = Plan()
    streams, services = StreamEdges(), ServiceEdges()
    for name, account in accounts.items():
        plan.streams[name] = [
            _link_stream(name, item, accounts, streams) for item in account.stream_imports
        ]
        plan.services[name] = [
            _link_service(name, item, accounts, services) for item in account.service_imports
        ]
    return plan


# -- exports ---------------------------------------------------------------------------------------


def _check_exports(account: AccountOptions, accounts: Mapping[str, AccountOptions]) -> None:
    exports: list[StreamExport | ServiceExport] = [
        *account.stream_exports,
        *account.service_exports,
    ]
    for export in exports:
        kind = "stream" if isinstance(export, StreamExport) else "service"
        for name in export.accounts:
            if name not in accounts:
                raise PlanError(f'"{name}" account not defined for {kind} export')
        position = export.account_token_position
        if position:
            tokens = export.subject.split(".")
            if not (position <= len(tokens) and tokens[position - 1] == "*"):
                raise PlanError(
                    f'Error adding {kind} export "{export.subject}": sublist: invalid subject'
                )
        if isinstance(export, ServiceExport) and export.latency is not None:
            _check_latency(export)


def _check_latency(export: ServiceExport) -> None:
    assert export.latency is not None
    subject = export.latency.subject
    fault = ""
    if export.response != "singleton":
        fault = "bad service response type"
    elif not is_valid_subject(subject) or has_wildcard(subject):
        fault = "invalid publish subject"
    if fault:
        raise PlanError(
            f'Error adding service latency sampling for "{export.subject}" on subject '
            f'"{subject}": {fault}'
        )


def _is_open(export: StreamExport | ServiceExport, importer: str, subject: str) -> bool:
    """Whether an export that has this subject is for that importer."""
    if export.accounts and importer not in export.accounts:
        return False
    position = export.account_token_position
    return not position or subject.split(".")[position - 1] == importer


def _covers(export: StreamExport | ServiceExport, subject: str) -> bool:
    return covers(
        export.subject.encode("utf-8", "surrogateescape"),
        subject.encode("utf-8", "surrogateescape"),
    )


# -- imports ---------------------------------------------------------------------------------------


def _refusal(kind: str, subject: str, reason: str) -> PlanError:
    return PlanError(f'Error adding {kind} import "{subject}": {reason}')


def _link_stream(
    importer: str, item: StreamImport, accounts: Mapping[str, AccountOptions], edges: StreamEdges
) -> StreamLink:
    exporter = accounts.get(item.account)
    if exporter is None:
        raise PlanError(f'"{item.account}" account not defined for stream import')
    subject = item.subject
    exports = {each.subject: each for each in exporter.stream_exports}
    if not any(_covers(e, subject) and _is_open(e, importer, subject) for e in exports.values()):
        raise _refusal("stream", subject, "stream import not authorized")
    if item.prefix and has_wildcard(item.prefix):
        reason = "stream import prefix can not contain wildcard tokens"
        raise _refusal("stream", subject, reason)
    if not is_valid_subject(subject):
        raise _refusal("stream", subject, "stream import not authorized")
    prefix = item.prefix.removesuffix(".")
    local = item.to or subject
    try:
        names = _names(subject, local)
    except TransformError as error:
        raise _refusal(
            "stream",
            subject,
            f'failed to create mapping transform for stream import subject from "{subject}" to '
            f'"{local}": {error}',
        ) from None
    if prefix:
        names = Names(names.source, (*prefix.split("."), *names.made))
    edge = Edge(item.account, subject, names.pattern)
    if edges.close_with(importer, edge):
        raise _refusal("stream", subject, "import forms a cycle")
    known = edges.by_importer[importer]
    if any(each.exporter == item.account and each.remote == subject for each in known):
        raise _refusal("stream", subject, "stream import already exists")
    known.append(edge)
    return StreamLink(item.account, names, item.allow_trace)


def _link_service(
    importer: str, item: ServiceImport, accounts: Mapping[str, AccountOptions], edges: ServiceEdges
) -> ServiceLink:
    exporter = accounts.get(item.account)
    if exporter is None:
        raise PlanError(f'"{item.account}" account not defined for service import')
    subject = item.subject
    exports = {each.subject: each for each in exporter.service_exports}
    fitting = [
        e for e in exports.values() if _covers(e, subject) and _is_open(e, importer, subject)
    ]
    if not fitting:
        raise _refusal("service", subject, "service import not authorized")
    local = item.to or subject
    try:
        names = _names(subject, local)
    except TransformError as error:
        raise _refusal(
            "service",
            subject,
            f'failed to create mapping transform for service import subject from "{local}" to '
            f'"{subject}": {error}',
        ) from None
    edge = Edge(item.account, subject, names.pattern)
    if edges.close_with(importer, edge):
        raise _refusal("service", subject, "import forms a cycle")
    if not is_valid_subject(names.pattern):
        raise _refusal("service", subject, "sublist: invalid subject")
    edges.by_importer[importer].append(edge)
    # The narrowest export counts: of those that cover one subject, the one with the most tokens.
    service = max(fitting, key=lambda e: (e.subject == subject, _narrowness(e.subject)))
    return ServiceLink(item.account, names.turned(), item.share, service)


def _narrowness(subject: str) -> tuple[int, int]:
    tokens = subject.split(".")
    return len(tokens), sum(token not in ("*", REST) for token in tokens)


def _names(subject: str, local: str) -> Names:
    """What `subject` is called here, where stars stand for wildcards in their order. Raises
    TransformError."""
    tokens = tuple(subject.split("."))
    if not has_wildcard(subject):
        return Names(tokens, tuple(local.split(".")))
    count = 0
    numbered = []
    for token in local.split("."):
        count += token == "*"
        numbered.append(f"${count}" if token == "*" else token)
    dest = ".".join(numbered)
    SubjectTransform.compile(subject, dest, strict=True)
    made: list[Token] = [
        token if number is None else max(number - 1, 0)
        for token, number in zip(numbered, wildcards_of(dest), strict=True)
    ]
    return Names(tokens, tuple(made))
