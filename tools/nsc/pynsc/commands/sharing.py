"""Exports, imports, mappings and activations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text
from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import INTEGER, in_range
from pynats_common.creds import decorate_jwt, extract_jwt
from pynats_common.jwt.types import Export, Import, ServiceLatency, WeightedMapping
from pynats_common.jwt.validation import activation_error, subject_covers
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.cli import AccountOption, Maybe, Text, TimeOptions, require_change
from pynsc.core.apply import apply_about, apply_times
from pynsc.core.managed import account_servers, are_http, fetch, fetch_first
from pynsc.core.session import Session
from pynsc.core.values import parse_duration_ns

_RESPONSE_TYPES = {"singleton": "Singleton", "stream": "Stream", "chunked": "Chunked"}


@dataclass
class ExportSettings(AccountOption):
    name: Annotated[Text, opt("--name", "-n", help="export name")] = ""
    subject: Annotated[Text, opt("--subject", "-s", help="subject")] = ""
    service: Annotated[
        bool | None,
        opt("--service/--no-service", "-r", help="export is a service"),
    ] = None
    private: Annotated[
        bool | None,
        opt("--private/--public", "-p", help="imports need a token"),
    ] = None
    latency: Annotated[Text, opt("--latency", help="subject for latency results")] = ""
    sampling: Annotated[Text, opt("--sampling", help="1-100 or header")] = ""
    response_threshold: Annotated[
        Text, opt("--response-threshold", help="time in which a response is due")
    ] = ""
    response_type: Annotated[Text, opt("--response-type", help="Singleton, Stream or Chunked")] = ""
    allow_trace: Annotated[
        bool | None, opt("--allow-trace/--no-allow-trace", help="allow message tracing")
    ] = None
    description: Annotated[Maybe, opt("--description", help="description")] = None
    info_url: Annotated[Maybe, opt("--info-url", help="link to more")] = None


@dataclass
class AddExport(ExportSettings):
    account_token_position: Annotated[
        int, opt("--account-token-position", help="subject position of the importing account")
    ] = 0
    advertise: Annotated[bool, opt("--advertise", hidden=True)] = False


def add_export(session: Session, options: AddExport) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    if not options.subject:
        raise StoreError("a subject is required", "use --subject")
    export = Export(
        name=options.name or options.subject,
        subject=options.subject,
        type="service" if options.service else "stream",
        account_token_position=options.account_token_position,
        advertise=options.advertise,
    )
    if options.service:
        export.response_type = "Singleton"
    _apply_export(session, export, options)
    session.report.lines.clear()  # a new export needs only one line
    if any(e.subject == export.subject and e.type == export.type for e in claims.nats.exports):
        raise StoreError(f'export "{export.subject}" already exists', "use edit export")
    claims.nats.exports.append(export)
    session.save_account(claims, account)
    visibility = "private" if export.token_req else "public"
    session.report.ok(f'added {visibility} {export.type} export "{export.name}"')


def _apply_export(session: Session, export: Export, options: ExportSettings) -> None:
    report = session.report
    if options.private is not None:
        export.token_req = options.private
    if options.response_type:
        kind = _RESPONSE_TYPES.get(options.response_type.lower())
        if kind is None:
            raise StoreError("unknown response type", "use Singleton, Stream or Chunked")
        export.response_type = kind
        report.planned(f"changed response type to {kind}")
    if options.response_threshold:
        export.response_threshold = parse_duration_ns(options.response_threshold)
        report.planned(f"changed response threshold to {options.response_threshold}")
    if options.latency or options.sampling:
        latency = export.latency or ServiceLatency(sampling=100)
        latency.results = options.latency or latency.results
        if options.sampling:
            latency.sampling = _sampling(options.sampling)
        export.latency = latency
        percent = "%" if isinstance(latency.sampling, int) else ""
        report.planned(f"changed service latency to {latency.sampling}{percent}")
    if options.allow_trace is not None:
        export.allow_trace = options.allow_trace
        report.planned(f"changed allow trace to {str(options.allow_trace).lower()}")
    apply_about(export, options.description, options.info_url, report)


def _sampling(text: str) -> int | str:
    if text.lower() in ("header", "headers"):
        return "headers"
    if text.isdigit() and 1 <= int(text) <= 100:
        return int(text)
    raise StoreError(f"sampling {text!r} is invalid", "use 1 to 100, or header")


def find_export(claims: jwt.AccountClaims, subject: str) -> Export:
    """The export of this subject, or the only export."""
    exports = claims.nats.exports
    if not subject and len(exports) == 1:
        return exports[0]
    for export in exports:
        if export.subject == subject:
            return export
    raise StoreError(
        f'no export "{subject}"' if subject else "a subject is required",
        f"exports: {', '.join(sorted(e.subject for e in exports)) or 'none'}",
    )


@dataclass
class EditExport(ExportSettings):
    rm_latency_sampling: Annotated[
        bool, opt("--rm-latency-sampling", help="stop tracking latency")
    ] = False


def edit_export(session: Session, options: EditExport) -> None:
    require_change(options, "account", "subject")
    account = session.account_name(options.account)
    claims = session.store().account(account)
    export = find_export(claims, options.subject)
    report = session.report
    if options.name:
        export.name = options.name
        report.planned(f"changed export name to {options.name}")
    if options.service is not None and options.service != export.is_service:
        export.type = "service" if options.service else "stream"
        export.response_type = "Singleton" if options.service else ""
        if not options.service:
            export.latency, export.response_threshold, export.allow_trace = None, 0, False
        report.warn(f"changed export type to {export.type} - this will break importers")
    if options.private is not None and options.private != export.token_req:
        if options.private:
            report.warn("changed export to be private - this will break importers")
        else:
            report.planned("changed export to be public")
    _apply_export(session, export, options)
    if options.rm_latency_sampling:
        export.latency = None
        report.planned("removed latency tracking")
    session.save_account(claims, account)
    report.ok(f'edited {export.type} export "{export.name}"')


@dataclass
class SubjectOption(AccountOption):
    subject: Annotated[Text, opt("--subject", "-s", help="subject")] = ""


def delete_export(session: Session, options: SubjectOption) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    export = find_export(claims, options.subject)
    claims.nats.exports.remove(export)
    session.save_account(claims, account)
    session.report.ok(f'deleted {export.type} export "{export.name}"')


@dataclass
class AddImport(AccountOption):
    token: Annotated[Text, opt("--token", "-u", help="activation token: path or url")] = ""
    name: Annotated[Text, opt("--name", "-n", help="import name")] = ""
    local_subject: Annotated[Text, opt("--local-subject", "-s", help="subject in this account")] = (
        ""
    )
    src_account: Annotated[
        Text,
        opt("--src-account", help="exporting account"),
    ] = ""
    remote_subject: Annotated[
        Text,
        opt("--remote-subject", help="exported subject"),
    ] = ""
    service: Annotated[bool, opt("--service", help="import a service")] = False
    share: Annotated[bool, opt("--share", help="share connection information")] = False
    allow_trace: Annotated[bool, opt("--allow-trace", help="allow message tracing")] = False


def add_import(session: Session, options: AddImport) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    item = (
        _import_from_token(options, claims) if options.token else _public_import(session, options)
    )
    item.name = options.name or item.subject
    item.local_subject = options.local_subject
    item.share, item.allow_trace = options.share, options.allow_trace
    if item.account == claims.sub:
        raise StoreError("an account cannot import from itself", "choose another source account")
    if any((i.account, i.subject, i.type) == (item.account, item.subject, item.type)
           for i in claims.nats.imports):  # fmt: skip
        raise StoreError(f'import of "{item.subject}" already exists', "delete it first")
    claims.nats.imports.append(item)
    claims.nats.imports.sort(key=lambda i: i.subject)
    session.save_account(claims, account)
    session.report.ok(f'added {item.type} import "{item.subject}"')


def _public_import(session: Session, options: AddImport) -> Import:
    source = options.src_account
    if source and not is_valid_public(source, Prefix.ACCOUNT):
        source = session.store().account(source).sub
    if not source or not options.remote_subject:
        raise StoreError("--src-account and --remote-subject are required", "or give a --token")
    return Import(
        subject=options.remote_subject,
        account=source,
        type="service" if options.service else "stream",
    )


def _import_from_token(options: AddImport, claims: jwt.AccountClaims) -> Import:
    is_url = options.token.startswith(("http://", "https://"))
    text = fetch(options.token) if is_url else read_text(Path(options.token).expanduser())
    token = extract_jwt(text)
    activation = jwt.decode_as(jwt.ActivationClaims, token)
    item = Import(
        subject=options.remote_subject or activation.nats.subject,
        account=activation.nats.issuer_account or activation.iss,
        type=activation.nats.import_kind,
        token=options.token if is_url else token,
    )
    problem = activation_error(activation, claims.sub, item)
    if problem:
        raise StoreError(problem, "ask the exporting account for a token for this account")
    if activation.is_expired():
        raise StoreError("activation token is expired", "ask for a new one")
    return item


@dataclass
class DeleteImport(SubjectOption):
    src_account: Annotated[Text, opt("--src-account", help="exporting account")] = ""


def delete_import(session: Session, options: DeleteImport) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    source = options.src_account
    if source and not is_valid_public(source, Prefix.ACCOUNT):
        source = session.store().account(source).sub
    found = [
        i for i in claims.nats.imports
        if options.subject in ("", i.subject) and source in ("", i.account)
    ]  # fmt: skip
    if not found:
        raise StoreError(f'no import matching "{options.subject}"', "see describe account")
    if len(found) > 1:
        raise StoreError(f"{len(found)} imports match", "use --subject and --src-account")
    claims.nats.imports.remove(found[0])
    session.save_account(claims, account)
    session.report.ok(f'deleted {found[0].type} import "{found[0].subject}"')


@dataclass
class Mapping(AccountOption):
    source: Annotated[Text, opt("--from", "-f", help="mapped subject", ask="from")] = ""
    to: Annotated[Text, opt("--to", "-t", help="destination subject", ask="to")] = ""
    weight: Annotated[
        int, opt("--weight", help="percent, 0 is 100", kind=in_range(INTEGER, 0, 100))
    ] = 0
    cluster: Annotated[Text, opt("--cluster", help="only in this cluster")] = ""


def add_mapping(session: Session, options: Mapping) -> None:
    if not options.source or not options.to:
        raise StoreError("--from and --to are required")
    account = session.account_name(options.account)
    claims = session.store().account(account)
    targets = claims.nats.mappings.setdefault(options.source, [])
    targets[:] = [t for t in targets if (t.subject, t.cluster) != (options.to, options.cluster)]
    targets.append(
        WeightedMapping(subject=options.to, weight=options.weight, cluster=options.cluster)
    )
    session.save_account(claims, account)
    session.report.ok(
        f"added mapping {options.source} -> {options.to}, weight {options.weight or 100}%"
    )


def delete_mapping(session: Session, options: Mapping) -> None:
    """One target of a mapping (with the given cluster or none), or the whole mapping."""
    if not options.source:
        raise StoreError("--from is required")
    account = session.account_name(options.account)
    claims = session.store().account(account)
    targets = claims.nats.mappings.get(options.source, [])
    kept = [
        t for t in targets
        if options.to and (t.subject, t.cluster) != (options.to, options.cluster)
    ]  # fmt: skip
    words = f"{options.source} -> {options.to}" if options.to else options.source
    if len(kept) == len(targets):
        session.report.warn(f"mapping {words} is not set")
        return
    if kept:
        claims.nats.mappings[options.source] = kept
    else:
        del claims.nats.mappings[options.source]
    session.save_account(claims, account)
    session.report.ok(f"deleted {'' if options.to else 'all '}mapping {words}")


@dataclass
class GenerateActivation(TimeOptions, AccountOption):
    subject: Annotated[Text, opt("--subject", "-s", help="export subject, or narrower")] = ""
    target_account: Annotated[
        Text,
        opt("--target-account", "-t", help="importing account"),
    ] = ""
    output_file: Annotated[Text, opt("--output-file", "-o", help="file, -- is stdout")] = "--"
    push: Annotated[bool, opt("--push", help="store on the account server")] = False


def generate_activation(session: Session, options: GenerateActivation) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    subject = options.subject
    exports = [e for e in claims.nats.exports if e.token_req and
               (not subject or subject_covers(e.subject, subject))]  # fmt: skip
    if not exports:
        raise StoreError(f'no private export covers "{subject}"', "see describe account")
    export = exports[0]
    target = options.target_account
    if target and not is_valid_public(target, Prefix.ACCOUNT):
        target = session.store().account(target).sub
    if not target:
        raise StoreError("a target account is required", "use --target-account")
    signer = session.account_signer(account)
    if claims.nats.scope_of(signer.public_key) is not None:
        raise StoreError("a scoped signing key cannot issue activations", "use another key with -K")
    token = jwt.ActivationClaims(sub=target, name=subject or export.subject)
    token.nats.subject = subject or export.subject
    token.nats.import_kind = export.type
    if signer.public_key != claims.sub:
        token.nats.issuer_account = claims.sub
    apply_times(token, options, session.report)
    session.check(token)
    text = jwt.encode(token, signer)
    session.report.ok(f'generated "{export.subject}" activation for account "{target}"')
    if options.push:
        urls = account_servers(session.store().operator().nats.account_server_url)
        if not are_http(urls):
            raise StoreError("--push needs an account server with an http url",
                             "set it with edit operator --account-jwt-server-url")  # fmt: skip
        fetch_first(urls, "activations", text.encode())
        session.report.ok(f"pushed activation: {urls[0]}/activations/{token.hash_id()}")
    session.report.write(decorate_jwt(text, "activation"), options.output_file, "activation token")
