"""`describe` operator, account, user and jwt."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text
from pynats_common.commandline.declare import arg, opt
from pynats_common.creds import CredsError, decorate_jwt, extract_jwt
from pynats_common.go.durations import format_duration_ns
from pynats_common.jwt.types import Permissions, ScopedSigner, UserPermissionLimits

from pynsc.cli import AccountOption, Options, Text
from pynsc.core.managed import fetch
from pynsc.core.report import Report
from pynsc.core.session import Session
from pynsc.core.values import format_bytes, format_limit, format_time, short_id

Rows = list[list[str]]


@dataclass
class Describe(Options):
    pos: Annotated[Text, arg(help="name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="name")] = ""
    long_ids: Annotated[bool, opt("--long-ids", "-W", help="do not shorten account ids")] = False
    raw: Annotated[bool, opt("--raw", "-R", help="print the JWT itself")] = False
    field: Annotated[Text, opt("--field", "-F", help="JSON path such as nats.limits.subs")] = ""
    output_file: Annotated[Text, opt("--output-file", "-o", help="file, -- is stdout")] = "--"


@dataclass
class DescribeUser(Describe, AccountOption):
    pass


@dataclass
class DescribeJwt(Describe):
    file: Annotated[Text, opt("--file", "-f", help="file or url", ask="file or url")] = ""


def describe_operator(session: Session, options: Describe) -> None:
    store = session.store(options.pos or options.name)
    _show_file(session, options, store.operator_path())


def describe_account(session: Session, options: Describe) -> None:
    name = session.account_name(options.pos or options.name)
    _show_file(session, options, session.store().account_path(name))


def describe_user(session: Session, options: DescribeUser) -> None:
    account = session.account_name(options.account)
    name = session.user_name(account, options.pos or options.name)
    _show_file(session, options, session.store().user_path(account, name))


def describe_jwt(session: Session, options: DescribeJwt) -> None:
    source = options.file or options.pos
    if not source:
        raise StoreError("a file is required", "use --file")
    is_url = source.startswith(("http://", "https://"))
    _show(session, options, fetch(source) if is_url else read_text(Path(source).expanduser()))


def _show_file(session: Session, options: Describe, path: Path) -> None:
    try:
        _show(session, options, read_text(path))
    except (CredsError, jwt.JwtError) as error:
        raise StoreError(f"{path}: {error}", "restore it, or import it again") from None


def _show(session: Session, options: Describe, text: str) -> None:
    token = extract_jwt(text)
    claims = jwt.decode(token)
    report, kind = session.report, claims.claim_type or "generic"
    to_file = options.output_file not in ("", "--")
    if options.raw:
        # The file is for others to import, so it begins with lines that describe it.
        shown = decorate_jwt(token, kind) if to_file else token
        report.write(shown, options.output_file, f"{kind} jwt")
        return
    if options.json or options.field:
        data: Any = jwt.peek(token)
        if options.field:
            data = _pick(data, options.field)
        if options.json and not to_file:
            report.data = data
            return
        indent, separators = (None, (",", ":")) if options.field else (1, (",", ": "))
        shown = json.dumps(data, ensure_ascii=False, indent=indent, separators=separators)
        report.write(shown, options.output_file, f"{kind} description")
        return
    describe_claims(session, claims, options.long_ids)
    if to_file:
        from pynsc.render import render_table

        tables = "\n".join(render_table(table) for table in report.tables)
        report.tables.clear()
        report.write(tables + "\n", options.output_file, f"{kind} description")


def _pick(data: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            data = data[int(index)] if index else data[name]
        except (KeyError, IndexError, TypeError):
            raise StoreError(f'field "{path}" not found') from None
    return data


def describe_claims(session: Session, claims: jwt.Claims, long: bool) -> None:
    """Tables for any kind of claims."""
    report = session.report
    if isinstance(claims, jwt.OperatorClaims):
        _operator(session, claims)
    elif isinstance(claims, jwt.AccountClaims):
        _account(session, claims, long)
    elif isinstance(claims, jwt.UserClaims):
        _user(session, claims)
    elif isinstance(claims, jwt.ActivationClaims):
        kind = [["Hash ID", claims.hash_id()]]
        body = [["Import Type", claims.nats.import_kind.capitalize()],
                ["Import Subject", claims.nats.subject]]  # fmt: skip
        report.table("Activation", [], _standard("Account ID", claims), kind, body)
    else:
        body = [["Body", json.dumps(claims.to_json().get("nats", {}))]]
        report.table("Generic", [], _standard("Subject", claims), body)


def _standard(words: str, claims: jwt.Claims) -> Rows:
    body = getattr(claims, "nats", None)
    issuer = getattr(body, "issuer_account", "")
    tags = getattr(body, "tags", None)
    return [
        *([["Name", claims.name]] if claims.name else []),
        [words, claims.sub],
        ["Issuer ID", claims.iss],
        *([["Issuer Account", issuer]] if issuer else []),
        ["Issued", format_time(claims.iat)],
        ["Expires", format_time(claims.exp)],
        *([["Tags", "\n".join(tags)]] if tags else []),
    ]


def _operator(session: Session, claims: jwt.OperatorClaims) -> None:
    body, rows = claims.nats, _standard("Operator ID", claims)
    if body.account_server_url:
        rows.append(["Account JWT Server", body.account_server_url])
    if body.operator_service_urls:
        rows.append(["Operator Service URLs", "\n".join(body.operator_service_urls)])
    if body.system_account:
        name = _account_name(session, body.system_account)
        rows.append(["System Account", f"{body.system_account}{f' / {name}' if name else ''}"])
    rows.append(["Require Signing Keys", str(body.strict_signing_key_usage).lower()])
    keys = [["Signing Keys", "\n".join(body.signing_keys)]] if body.signing_keys else []
    session.report.table("Operator Details", [], rows, keys)


def _account(session: Session, claims: jwt.AccountClaims, long: bool) -> None:
    body, limits, report = claims.nats, claims.nats.limits, session.report
    info = [
        [words, text.replace("\n", " ")]
        for words, text in (("Description", body.description), ("Info Url", body.info_url))
        if text
    ]
    keys = [["Signing Keys", "\n".join(body.signing_key_ids())]] if body.signing_keys else []
    callout = [
        [words, text]
        for words, text in (
            ("Auth Callout Users", "\n".join(body.authorization.auth_users)),
            ("Allowed Accounts", "\n".join(body.authorization.allowed_accounts)),
            ("Encrypt For", body.authorization.xkey),
        )
        if text
    ]
    main = [
        ["Max Connections", format_limit(limits.conn)],
        ["Max Leaf Node Connections", format_limit(limits.leaf) if limits.leaf else "Not Allowed"],
        ["Max Data", format_bytes(limits.data)],
        ["Max Exports", format_limit(limits.exports)],
        ["Max Imports", format_limit(limits.imports)],
        ["Max Msg Payload", format_bytes(limits.payload)],
        ["Max Subscriptions", format_limit(limits.subs)],
        ["Exports Allows Wildcards", str(limits.wildcards)],
        ["Disallow Bearer Token", str(limits.disallow_bearer)],
    ]
    subjects, responses = _permission_rows(body.default_permissions)
    if not subjects:  # a separate section only with subjects
        main += responses
        responses = []
    sharing = [
        [w, "None"] for w, x in (("Imports", body.imports), ("Exports", body.exports)) if not x
    ]
    revoked = [["Revocations", str(len(body.revocations))]] if body.revocations else []
    trace = [["Tracing Context", "Enabled" if body.trace else "Disabled"]]
    if body.trace:
        trace += [["Subject", body.trace.dest], ["Sampling", f"{body.trace.sampling or 100}%"]]
    report.table("Account Details", [], _standard("Account ID", claims), info, keys, callout, main,
                 subjects + responses, *_jetstream(limits), sharing, revoked, trace)  # fmt: skip
    _sharing_tables(session, claims, long)
    for item in body.signing_keys:
        if not isinstance(item, str):
            _scope_table(report, item)


def _scope_table(report: Report, scope: ScopedSigner) -> None:
    rows = [["Key", scope.key], ["Role", scope.role], ["Description", scope.description]]
    template = scope.template
    subjects, responses = _permission_rows(template)
    report.table(
        "Scoped Signing Key - Details", [], rows + ([] if subjects else responses),
        subjects + responses if subjects else [],
        [*_limit_rows(template), ["Bearer Token", _yes(template.bearer_token)]],
        _connection_rows(template),
    )  # fmt: skip


def _jetstream(limits: Any) -> list[Rows]:
    """One section per tier, or one that says whether JetStream is enabled."""
    tiers = sorted(limits.tiered_limits.items())
    if tiers:
        return [[["Jetstream Tier", name], *_jetstream_rows(tier)] for name, tier in tiers]
    if not (limits.mem_storage or limits.disk_storage):
        return [[["Jetstream", "Disabled"]]]
    return [[["Jetstream", "Enabled"], *_jetstream_rows(limits)]]


def _jetstream_rows(tier: Any) -> Rows:
    """Limits of one tier. For servers 0 means unlimited, except for storage: none at all."""

    def storage(value: int) -> str:
        return format_bytes(value) if value else "Disabled"

    return [
        ["Max Disk Storage", storage(tier.disk_storage)],
        ["Max Mem Storage", storage(tier.mem_storage)],
        ["Max Streams", format_limit(tier.streams or -1)],
        ["Max Consumers", format_limit(tier.consumer or -1)],
        ["Max Ack Pending", str(tier.max_ack_pending) if tier.max_ack_pending > 0
         else "Consumer Setting"],
        ["Max Bytes", f"{'required' if tier.max_bytes_required else 'optional'} (Stream setting)"],
        ["Max Memory Stream", format_bytes(tier.mem_max_stream_bytes or -1)],
        ["Max Disk Stream", format_bytes(tier.disk_max_stream_bytes or -1)],
    ]  # fmt: skip


def _sharing_tables(session: Session, claims: jwt.AccountClaims, long: bool) -> None:
    body, report = claims.nats, session.report
    if body.exports:
        header = ["Name", "Type", "Subject", "Account Token Position", "Public", "Revocations",
                  "Tracking", "Allow Trace"]  # fmt: skip
        rows = []
        for e in body.exports:
            tracking = "N/A" if not e.is_service else "-"
            if e.latency:
                sampling = e.latency.sampling
                tracking = (
                    f"{e.latency.results} ({sampling}{'%' if isinstance(sampling, int) else ''})"
                )
            position = str(e.account_token_position or "-")
            kind = e.type.capitalize()
            if e.is_service and e.response_type in ("Stream", "Chunked"):
                kind += f" [{e.response_type}]"
            rows.append([e.name, kind, e.subject, position,
                         _yes(not e.token_req), str(len(e.revocations)), tracking,
                         _yes(e.allow_trace) if e.is_service else "N/A"])  # fmt: skip
        report.table("Exports", header, rows)
        described = [[e.name, e.description.replace("\n", " "), e.info_url] for e in body.exports
                     if e.description or e.info_url]  # fmt: skip
        if described:
            report.table("Exports - Descriptions", ["Name", "Description", "Info Url"], described)
    if body.imports:
        header = ["Name", "Type", "Remote", "Local", "Expires", "From Account", "Public",
                  "Allow Trace"]  # fmt: skip
        report.table("Imports", header, [
            [i.name, i.type.capitalize(), i.subject, i.local, _token_expiry(i.token),
             _account_label(session, i.account, long), _yes(not i.token),
             _yes(i.allow_trace) if not i.is_service else "N/A"]
            for i in body.imports
        ])  # fmt: skip
    if body.mappings:
        report.table("Mappings", ["From", "To", "Weight (%)"], *[
            [[source, t.subject + (f" ({t.cluster})" if t.cluster else ""), str(t.weight or 100)]
             for t in targets] + [["", "", f"sum={sum(t.weight or 100 for t in targets)}"]]
            for source, targets in sorted(body.mappings.items())
        ])  # fmt: skip


def _token_expiry(token: str) -> str:
    if not token or "://" in token:
        return ""
    try:
        return format_time(jwt.decode(token).exp)
    except jwt.JwtError:
        return "invalid token"


def _account_name(session: Session, public: str) -> str:
    """Name of an account in the store, or empty."""
    try:
        return session.store().account_named(public)
    except StoreError:
        return ""


def _account_label(session: Session, public: str, long: bool) -> str:
    return public if long else _account_name(session, public) or short_id(public, long)


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _permission_rows(permissions: Permissions) -> tuple[Rows, Rows]:
    """Allowed and denied subjects, and the rows about responses."""
    subjects = [
        [words, "\n".join(entries)]
        for words, entries in (
            ("Pub Allow", permissions.pub.allow),
            ("Pub Deny", permissions.pub.deny),
            ("Sub Allow", permissions.sub.allow),
            ("Sub Deny", permissions.sub.deny),
        )
        if entries
    ]
    if permissions.resp is None:
        return subjects, [["Response Permissions", "Not Set"]]
    return subjects, [
        ["Max Responses", format_limit(permissions.resp.max)],
        ["Response Permission TTL", format_duration_ns(permissions.resp.ttl)],
    ]


def _limit_rows(limits: UserPermissionLimits) -> Rows:
    windows = "\n".join(f"{w.start}-{w.end}" for w in limits.times)
    return [
        ["Max Msg Payload", format_bytes(limits.payload or -1)],
        ["Max Data", format_bytes(limits.data or -1)],
        ["Max Subs", format_limit(limits.subs or -1)],
        ["Network Src", "\n".join(limits.sources) or "Any"],
        ["Time", f"{windows} {limits.locale}".strip() if windows else "Any"],
    ]


def _connection_rows(limits: UserPermissionLimits) -> Rows:
    kinds = "\n".join(limits.allowed_connection_types)
    return [["Allowed Connection Types", kinds]] if kinds else []


def _user(session: Session, claims: jwt.UserClaims) -> None:
    body, rows = claims.nats, _standard("User ID", claims)
    scope = None
    name = _account_name(session, claims.account)
    if name:
        scope = session.store().account(name).nats.scope_of(claims.iss)
    if scope is not None or body.is_clear():
        rows.append(["Issuer Scoped", "Yes"])
        session.report.table("User", [], rows)
        if scope is not None:
            _scope_table(session.report, scope)
        return
    rows.append(["Bearer Token", _yes(body.bearer_token)])
    subjects, responses = _permission_rows(body)
    if not subjects:
        rows += responses
        responses = []
    session.report.table("User", [], rows, subjects + responses, _limit_rows(body),
                         _connection_rows(body))  # fmt: skip
