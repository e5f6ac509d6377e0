"""`describe` operator, account, user and jwt."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.creds import extract_jwt
from pynats_common.jwt.types import Permissions, UserPermissionLimits

from pynsc.cli import AccountOption, Options, Text, arg, opt
from pynsc.core.errors import NscError
from pynsc.core.files import read_text
from pynsc.core.managed import fetch
from pynsc.core.report import Report
from pynsc.core.session import Session
from pynsc.core.values import format_limit, format_time, short_id

Rows = list[list[str]]


@dataclass
class Describe(Options):
    pos: Annotated[Text, arg(help="name")] = ""
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
    _show(session, options, read_text(store.operator_path()))


def describe_account(session: Session, options: Describe) -> None:
    name = session.account_name(options.pos or options.name)
    _show(session, options, read_text(session.store().account_path(name)))


def describe_user(session: Session, options: DescribeUser) -> None:
    account = session.account_name(options.account)
    name = session.user_name(account, options.pos or options.name)
    _show(session, options, read_text(session.store().user_path(account, name)))


def describe_jwt(session: Session, options: DescribeJwt) -> None:
    source = options.file or options.pos
    if not source:
        raise NscError("a file is required", "use --file")
    is_url = source.startswith(("http://", "https://"))
    _show(session, options, fetch(source) if is_url else read_text(Path(source).expanduser()))


def _show(session: Session, options: Describe, text: str) -> None:
    token = extract_jwt(text)
    claims = jwt.decode(token)
    report = session.report
    if options.raw:
        report.write(token, options.output_file, "JWT")
        return
    if options.json or options.field:
        data: Any = jwt.peek(token)
        if options.field:
            data = _pick(data, options.field)
        report.data = data
        if not options.json or options.output_file not in ("", "--"):
            report.data = None
            report.write(json.dumps(data, indent=1), options.output_file, "JSON")
        return
    describe_claims(session, claims, options.long_ids)
    if options.output_file not in ("", "--"):
        from pynsc.render import render_table

        tables = "\n".join(render_table(table) for table in report.tables)
        report.tables.clear()
        report.write(tables + "\n", options.output_file, "description")


def _pick(data: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            data = data[int(index)] if index else data[name]
        except (KeyError, IndexError, TypeError):
            raise NscError(f'field "{path}" not found') from None
    return data


def describe_claims(session: Session, claims: jwt.Claims, long: bool) -> None:
    """Tables for any kind of claims."""
    report = session.report
    if isinstance(claims, jwt.OperatorClaims):
        _operator(report, claims)
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
    return [
        ["Name", claims.name],
        [words, claims.sub],
        ["Issuer ID", claims.iss],
        ["Issued", format_time(claims.iat)],
        ["Expires", format_time(claims.exp)],
    ]


def _operator(report: Report, claims: jwt.OperatorClaims) -> None:
    body, rows = claims.nats, _standard("Operator ID", claims)
    if body.account_server_url:
        rows.append(["Account JWT Server", body.account_server_url])
    if body.operator_service_urls:
        rows.append(["Operator Service URLs", "\n".join(body.operator_service_urls)])
    if body.system_account:
        rows.append(["System Account", body.system_account])
    rows.append(["Require Signing Keys", str(body.strict_signing_key_usage).lower()])
    if body.tags:
        rows.append(["Tags", "\n".join(body.tags)])
    keys = [["Signing Keys", "\n".join(body.signing_keys)]] if body.signing_keys else []
    report.table("Operator Details", [], rows, keys)


def _account(session: Session, claims: jwt.AccountClaims, long: bool) -> None:
    body, limits, report = claims.nats, claims.nats.limits, session.report
    keys = [["Signing Keys", "\n".join(body.signing_key_ids())]] if body.signing_keys else []
    info = [[w, t] for w, t in (("Description", body.description), ("Info Url", body.info_url),
                                ("Tags", "\n".join(body.tags))) if t]  # fmt: skip
    callout: Rows = []
    if body.authorization.auth_users:
        callout = [["Auth Callout Users", "\n".join(body.authorization.auth_users)],
                   ["Allowed Accounts", "\n".join(body.authorization.allowed_accounts)],
                   ["Encrypt For", body.authorization.xkey]]  # fmt: skip
    main = [
        ["Max Connections", format_limit(limits.conn)],
        ["Max Leaf Node Connections", format_limit(limits.leaf)],
        ["Max Data", format_limit(limits.data)],
        ["Max Exports", format_limit(limits.exports)],
        ["Max Imports", format_limit(limits.imports)],
        ["Max Msg Payload", format_limit(limits.payload)],
        ["Max Subscriptions", format_limit(limits.subs)],
        ["Exports Allows Wildcards", str(limits.wildcards)],
        ["Disallow Bearer Token", str(limits.disallow_bearer)],
        *_permission_rows(body.default_permissions),
    ]
    sharing = [
        [w, "None"] for w, x in (("Imports", body.imports), ("Exports", body.exports)) if not x
    ]
    revoked = [["Revocations", str(len(body.revocations))]] if body.revocations else []
    trace: Rows = []
    if body.trace:
        trace = [["Tracing Context", ""], ["Subject", body.trace.dest],
                 ["Sampling", f"{body.trace.sampling or 100}%"]]  # fmt: skip
    report.table("Account Details", [], _standard("Account ID", claims), keys, info, callout, main,
                 *_jetstream(limits), sharing, revoked, trace)  # fmt: skip
    _sharing_tables(session, claims, long)
    for item in body.signing_keys:
        if not isinstance(item, str):
            rows = [["Key", item.key], ["Role", item.role], ["Description", item.description]]
            report.table("Scoped Signing Key - Details", [], rows, _limit_rows(item.template))


def _jetstream(limits: Any) -> list[Rows]:
    tiers = [("", limits), *sorted(limits.tiered_limits.items())]
    sections: list[Rows] = []
    for name, tier in tiers:
        if not (tier.mem_storage or tier.disk_storage):
            continue
        rows = [["Jetstream", "Enabled"]] if not sections else []
        if name:
            rows.append(["Jetstream Tier", name])
        rows += [
            ["Max Disk Storage", format_limit(tier.disk_storage)],
            ["Max Mem Storage", format_limit(tier.mem_storage)],
            ["Max Streams", format_limit(tier.streams)],
            ["Max Consumers", format_limit(tier.consumer)],
            ["Max Ack Pending", format_limit(tier.max_ack_pending)],
            ["Max Bytes", "required" if tier.max_bytes_required else "optional"],
            ["Max Memory Stream", format_limit(tier.mem_max_stream_bytes)],
            ["Max Disk Stream", format_limit(tier.disk_max_stream_bytes)],
        ]
        sections.append(rows)
    return sections or [[["Jetstream", "Disabled"]]]


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
            rows.append([e.name, e.type.capitalize(), e.subject, position,
                         _yes(not e.token_req), str(len(e.revocations)), tracking,
                         _yes(e.allow_trace) if e.is_service else "N/A"])  # fmt: skip
        report.table("Exports", header, rows)
        described = [[e.name, e.description, e.info_url] for e in body.exports
                     if e.description or e.info_url]  # fmt: skip
        if described:
            report.table("Exports - Descriptions", ["Name", "Description", "Info Url"], described)
    if body.imports:
        header = ["Name", "Type", "Remote", "Local/Prefix", "Expires", "From Account", "Public",
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
             for t in targets] + [["", "", str(sum(t.weight or 100 for t in targets))]]
            for source, targets in sorted(body.mappings.items())
        ])  # fmt: skip


def _token_expiry(token: str) -> str:
    if not token or "://" in token:
        return ""
    try:
        return format_time(jwt.decode(token).exp)
    except jwt.JwtError:
        return "invalid token"


def _account_label(session: Session, public: str, long: bool) -> str:
    try:
        return session.store().account_named(public) or short_id(public, long)
    except NscError:
        return short_id(public, long)


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _permission_rows(permissions: Permissions) -> Rows:
    rows = [
        [words, "\n".join(subjects)]
        for words, subjects in (
            ("Pub Allow", permissions.pub.allow),
            ("Pub Deny", permissions.pub.deny),
            ("Sub Allow", permissions.sub.allow),
            ("Sub Deny", permissions.sub.deny),
        )
        if subjects
    ]
    if permissions.resp is None:
        rows.append(["Response Permissions", "Not Set"])
    else:
        ttl = permissions.resp.ttl / 1e9
        rows.append(["Max Responses", format_limit(permissions.resp.max)])
        rows.append(["Response Permission TTL", f"{ttl:g}s" if ttl else "Unlimited"])
    return rows


def _limit_rows(limits: UserPermissionLimits) -> Rows:
    windows = "\n".join(f"{w.start}-{w.end}" for w in limits.times)
    rows = [
        *_permission_rows(limits),
        ["Max Msg Payload", format_limit(limits.payload)],
        ["Max Data", format_limit(limits.data)],
        ["Max Subs", format_limit(limits.subs)],
        ["Network Src", "\n".join(limits.sources) or "Any"],
        ["Time", f"{windows} {limits.locale}".strip() or "Any"],
        ["Bearer Token", _yes(limits.bearer_token)],
    ]
    if limits.allowed_connection_types:
        rows.append(["Connection Types", "\n".join(limits.allowed_connection_types)])
    return rows


def _user(session: Session, claims: jwt.UserClaims) -> None:
    body, rows = claims.nats, _standard("User ID", claims)
    if body.issuer_account:
        rows.insert(3, ["Issuer Account", body.issuer_account])
    if body.tags:
        rows.append(["Tags", "\n".join(body.tags)])
    scope = None
    try:
        name = session.store().account_named(claims.account)
        scope = session.store().account(name).nats.scope_of(claims.iss) if name else None
    except NscError:
        pass
    rows.append(["Issuer Scoped", f"Yes ({scope.role})" if scope else "No"])
    limits = scope.template if scope else body
    session.report.table("User", [], rows, _limit_rows(limits))
