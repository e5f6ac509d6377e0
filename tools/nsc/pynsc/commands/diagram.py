"""`generate diagram`: PlantUML texts of exports and imports, and of signatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.commandline.declare import opt
from pynats_common.jwt.validation import subject_covers

from pynsc.cli import Options, Text
from pynsc.core.session import Session
from pynsc.core.values import format_limit, format_time, short_id


@dataclass
class Component(Options):
    detail: Annotated[bool, opt("--detail", help="descriptions and links too")] = False
    output_file: Annotated[Text, opt("--output-file", "-o", help="file, -- is stdout")] = "--"


@dataclass
class Objects(Component):
    show_keys: Annotated[bool, opt("--show-keys", help="show public keys")] = False
    users: Annotated[bool, opt("--users", help="show users")] = False


def _quoted(text: str) -> str:
    """A quoted text; names come from JWTs and must not end the line or the quotes."""
    return '"' + " ".join(text.split()).replace('"', "'") + '"'


def component(session: Session, options: Component) -> None:
    """Accounts as components, exports as interfaces, imports as arrows to them."""
    store = session.store()
    accounts = {name: store.account(name) for name in store.accounts()}
    lines = ["@startuml", f"title Component Diagram of Accounts - Operator {store.name}"]
    exports: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, account in accounts.items():
        lines.append(f"component {_quoted(name)} as {account.sub} <<account>>")
        for number, export in enumerate(account.nats.exports):
            alias = f"{account.sub}_{number}"
            exports.setdefault((account.sub, export.type), []).append((export.subject, alias))
            kind = f"{'private' if export.token_req else 'public'} {export.type}"
            lines += [
                f"interface {_quoted(export.name or export.subject)} <<{kind}>> as {alias}",
                f"{alias} -- {account.sub} : {_quoted(export.subject)}",
            ]
            if options.detail and (export.description or export.info_url):
                lines += [f"note right of {alias}", " ".join(export.description.split())]
                lines += [f"[[{export.info_url} info]]"] if export.info_url else []
                lines.append("end note")
    missing: dict[str, str] = {}
    for account in accounts.values():
        lines += list(_imports(account, exports, missing))
    lines += ["legend", "a text at the tail of an arrow is the subject in the importing account",
              "end legend", "@enduml", ""]  # fmt: skip
    session.report.write("\n".join(lines), options.output_file, "diagram")


def _imports(
    account: jwt.AccountClaims, exports: dict[tuple[str, str], list[tuple[str, str]]],
    missing: dict[str, str],
) -> Iterator[str]:  # fmt: skip
    for item in account.nats.imports:
        found = [alias for subject, alias in exports.get((item.account, item.type), [])
                 if subject_covers(subject, item.subject)]  # fmt: skip
        if found:
            target = found[0]
        else:
            # The exporting account is not in the store, or no longer has the export: show that.
            where = f"{item.account} {item.type} {item.subject}"
            target = missing.get(where, f"missing_{len(missing)}")
            if where not in missing:
                missing[where] = target
                text = f"{item.subject} of {short_id(item.account, False)}"
                yield f"interface {_quoted(text)} <<not found {item.type}>> as {target} #red"
        tail = f"{_quoted(item.local)} " if item.local and item.local != item.subject else ""
        yield f"{account.sub} {tail}..> {target} : {_quoted(item.subject)}"


def objects(session: Session, options: Objects) -> None:
    """Operator, accounts and users with their settings, and which key signed which."""
    store = session.store()
    operator = store.operator()
    system = operator.nats.system_account
    lines = ["@startuml", f"title Object Diagram - Operator {store.name}"]
    lines += _object(session, options, store.name, "operator", operator)
    lines += _signing_keys(session, options, operator.sub, operator.nats.signing_keys)
    for name in store.accounts():
        account = store.account(name)
        kind = "system account" if account.sub == system else "account"
        lines += _object(session, options, name, kind, account)
        lines += _signing_keys(session, options, account.sub, account.nats.signing_key_ids())
        lines.append(_signed(options, operator.sub, operator.nats.signing_keys, account))
        for user in store.users(name) if options.users else []:
            claims = store.user(name, user)
            lines += _object(session, options, user, "user", claims)
            lines.append(_signed(options, account.sub, account.nats.signing_key_ids(), claims))
    session.report.write("\n".join([*lines, "@enduml", ""]), options.output_file, "diagram")


def _object(session: Session, options: Objects, name: str, kind: str, claims: Any) -> list[str]:
    rows = []
    if options.show_keys:
        rows += [f"Identity Key = {claims.sub}",
                 f"Identity Key Present = {str(session.keys.has(claims.sub)).lower()}"]  # fmt: skip
    if claims.nats.tags:
        rows.append(f"Tags = {', '.join(claims.nats.tags)}")
    rows.append(f"Issued At = {format_time(claims.iat)}")
    if claims.nbf:
        rows.append(f"Valid From = {format_time(claims.nbf)}")
    if claims.exp:
        rows.append(f"Expires = {format_time(claims.exp)}")
    if isinstance(claims, jwt.OperatorClaims):
        strict = str(claims.nats.strict_signing_key_usage).lower()
        rows.append(f"Strict signing key usage = {strict}")
    if isinstance(claims, jwt.UserClaims):
        rows.append(f"Bearer Token = {str(claims.nats.bearer_token).lower()}")
    if options.detail:
        rows += _details(claims)
    return [f"object {_quoted(name)} as {claims.sub} <<{kind}>> {{", *rows, "}"]


def _details(claims: Any) -> list[str]:
    rows: list[str] = []
    if isinstance(claims, jwt.OperatorClaims):
        rows.append(f"Account server = {claims.nats.account_server_url or 'not set'}")
        rows += [f"Service URL = {url}" for url in claims.nats.operator_service_urls]
    if isinstance(claims, jwt.AccountClaims):
        limits = claims.nats.limits
        rows += ["--- Limits ---"]
        rows += [f"{words} = {format_limit(value)}" for words, value in (
            ("Max Exports", limits.exports), ("Max Imports", limits.imports),
            ("Max Client Connections", limits.conn), ("Max Leaf Node Connections", limits.leaf),
            ("Max Payload", limits.payload), ("Max Subscriptions", limits.subs),
            ("Max Data", limits.data),
        )]  # fmt: skip
        tiers: dict[str, Any] = {**limits.tiered_limits} or {"": limits}
        for name, tier in sorted(tiers.items()):
            rows.append(f"--- JetStream {name or 'Limits'} ---")
            rows += [f"Max Memory Storage = {format_limit(tier.mem_storage)}",
                     f"Max Disk Storage = {format_limit(tier.disk_storage)}",
                     f"Max Streams = {format_limit(tier.streams)}",
                     f"Max Consumers = {format_limit(tier.consumer)}"]  # fmt: skip
    if isinstance(claims, jwt.UserClaims) and not claims.nats.is_clear():
        rows += ["--- Limits ---", f"Max Payload = {format_limit(claims.nats.payload)}",
                 f"Max Subscriptions = {format_limit(claims.nats.subs)}",
                 f"Max Data = {format_limit(claims.nats.data)}",
                 f"Networks = {', '.join(claims.nats.sources) or 'any'}"]  # fmt: skip
    issues = [" ".join(issue.description.split()) for issue in jwt.validate(claims)]
    rows.append("--- Validation ---")
    return rows + (issues or ["no issues found"])


def _signing_keys(session: Session, options: Objects, owner: str, keys: list[str]) -> list[str]:
    if not (options.show_keys and keys):
        return []
    rows = [f"{key} => {str(session.keys.has(key)).lower()}" for key in keys]
    return [f'map "signing keys" as {owner}_sk {{', "key => stored", *rows, "}",
            f"{owner} *-- {owner}_sk"]  # fmt: skip


def _signed(options: Objects, owner: str, keys: list[str], claims: Any) -> str:
    by_key = options.show_keys and claims.iss in keys
    source = f"{owner}_sk::{claims.iss}" if by_key else owner
    return f'{source} -- {claims.sub} : "signed >"'
