"""What /accountz tells of an account's exports, imports and mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from pynats_common.go.text import text_of

from pynats_server.accounts.automatic import EXPORTS
from pynats_server.accounts.plan import ServiceLink, StreamLink
from pynats_server.monitor.json import ITEMS, Pieces, entry, pretty
from pynats_server.monitor.source import AccountView, MonitorSource
from pynats_server.options import (
    GLOBAL_ACCOUNT,
    WHOLE,
    AccountOptions,
    MappingTarget,
    ResponseKind,
    ServiceExport,
    ServiceLatency,
)

JETSTREAM_API = "$JS.API.>"  # which the real server has all accounts import
_RESPONSE = 2  # the real server's type of an import that is an answer
RESPONSE_TYPES: Final[dict[ResponseKind, str]] = {
    "singleton": "Singleton",
    "stream": "Streamed",
    "chunked": "Chunked",
}


class LatencyInfo(msgspec.Struct, kw_only=True):
    """`sampling` is a percentage, or says that headers decide."""

    sampling: int | str
    results: str


class ExportInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    subject: str
    type: str
    response_type: str = ""
    service_latency: LatencyInfo | None = None
    approved_accounts: list[str] = msgspec.field(default_factory=list)


class ImportInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`subject` is the exporter's, `local_subject` and (of services) `to` the importer's."""

    subject: str
    account: str
    to: str = ""
    local_subject: str
    type: str
    invalid: bool
    share: bool
    tracking: bool
    latency: LatencyInfo | None = None


class ResponseInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An answer that another account waits for, in its inbox `subject`."""

    subject: str
    account: str
    to: str
    local_subject: str
    type: int
    invalid: bool
    share: bool
    tracking: bool
    tracking_header: dict[str, list[str]] | None = None
    latency: LatencyInfo | None = None


class TargetInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`weight` is how many per cent go to it or one before it."""

    subject: str
    weight: int
    cluster: str = ""


def options_of(source: MonitorSource, name: str) -> AccountOptions:
    """What is configured of an account."""
    if name == GLOBAL_ACCOUNT:
        return AccountOptions(mappings=source.options.mappings)
    return source.account_options(name) or AccountOptions()


def exports(source: MonitorSource, name: str) -> Iterator[ExportInfo]:
    """What an account offers to others, in the configuration or without that."""
    options = options_of(source, name)
    yield from map(_service_export, options.service_exports)
    if name == source.system_account.name:
        own = {export.subject for export in options.service_exports}
        yield from (_service_export(each) for each in EXPORTS if each.subject not in own)
        if source.options.jetstream.enabled:
            yield _service_export(ServiceExport(JETSTREAM_API))
    for stream in options.stream_exports:
        yield ExportInfo(subject=stream.subject, type="stream", approved_accounts=stream.accounts)


def _service_export(export: ServiceExport) -> ExportInfo:
    return ExportInfo(
        subject=export.subject,
        type="service",
        response_type=RESPONSE_TYPES[export.response],
        service_latency=_latency(export.latency),
        approved_accounts=export.accounts,
    )


def _latency(latency: ServiceLatency | None) -> LatencyInfo | None:
    if latency is None:
        return None
    return LatencyInfo(sampling=latency.sampling or "headers", results=latency.subject)


def imports(source: MonitorSource, name: str) -> Iterator[ImportInfo]:
    """What an account takes of others, in the configuration or without that."""
    streams, services = source.links_of(name)
    yield from map(_stream_import, streams)
    yield from map(_service_import, services)
    system = source.system_account.name
    if source.options.jetstream.enabled and name != system:
        yield ImportInfo(
            subject=JETSTREAM_API, account=system, to=JETSTREAM_API, local_subject=JETSTREAM_API,
            type="service", invalid=False, share=True, tracking=False,
        )  # fmt: skip


def _stream_import(link: StreamLink) -> ImportInfo:
    return ImportInfo(
        subject=".".join(link.names.source),
        account=link.exporter,
        local_subject=link.names.pattern,
        type="stream",
        invalid=False,
        share=False,
        tracking=False,
    )


def _service_import(link: ServiceLink) -> ImportInfo:
    local = ".".join(link.names.source)
    return ImportInfo(
        subject=link.names.pattern,
        account=link.exporter,
        to=local,
        local_subject=local,
        type="service",
        invalid=False,
        share=link.share,
        tracking=False,
        latency=_latency(link.service.latency),
    )


def responses(account: AccountView, depth: int) -> Iterator[Pieces]:
    """The answers that others wait for, by the subjects that they are expected on."""
    awaited = account.awaited
    place: int | None = 0
    while awaited is not None and place is not None:
        listed, place = awaited.listed(place, ITEMS)
        for subject, requester, inbox, share, tracked in listed:
            if tracked is not None:
                subject += tracked.latency.suffix
            name = text_of(subject)
            info = ResponseInfo(
                subject=text_of(inbox), account=requester.name, to=name, local_subject=name,
                type=_RESPONSE, invalid=False, share=share, tracking=tracked is not None,
                tracking_header=tracked.header if tracked is not None else None,
                latency=_latency(tracked.latency.wanted) if tracked is not None else None,
            )  # fmt: skip
            yield iter((entry(name, pretty(info, depth)),))
        yield iter(())


def mappings(source: MonitorSource, name: str) -> dict[str, list[MappingTarget]]:
    """The subjects that an account maps, those of the JetStream domain included."""
    found = options_of(source, name).mappings
    domain = source.options.jetstream.domain if source.options.jetstream.enabled else ""
    if not domain:
        return found
    from pynats_server.jetstream.domains import domain_mappings  # only where JetStream is loaded

    of_domain = domain_mappings(domain, name == source.system_account.name)
    return {there: [MappingTarget(here)] for there, here in of_domain.items()} | found


def targets(subject: str, listed: Iterable[MappingTarget]) -> list[TargetInfo]:
    """Where the messages of a subject go: first outside of the clusters that targets name, then in
    each of those; what is left of the hundred keeps its subject, if that is no target."""
    groups: dict[str, list[tuple[str, int]]] = {"": []}
    for target in listed:
        groups.setdefault(target.cluster, []).append((target.destination, target.weight))
    is_target = any(name == subject for group in groups.values() for name, _ in group)
    shown = []
    for cluster, group in groups.items():
        left = WHOLE - sum(weight for _, weight in group)
        if left > 0 and not is_target:
            group.append((subject, left))
        total = 0
        for name, weight in sorted(group, key=lambda item: item[1]):
            total += weight
            shown.append(TargetInfo(subject=name, weight=total, cluster=cluster))
    return shown
