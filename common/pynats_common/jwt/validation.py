"""Validation of claims: collects issues with a level, instead of raising the first error.

Errors block (the server would refuse the token), warnings do not; expiry and "not yet valid" are
marked as time checks, because they change with time.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pynats_common.go.quoting import quote
from pynats_common.jwt import claims as c
from pynats_common.jwt import types as t
from pynats_common.jwt.errors import JwtError
from pynats_common.jwt.token import decode
from pynats_common.nkeys import Prefix, is_valid_public

UNKNOWN = "unknown"  # the type of what has none
INFO_CHARS_MAX = 8 * 1024
_DAYTIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d:[0-5]\d\Z")
_REFERENCE = re.compile(r"(?<![^.])\$(\d+)(?![^.])")
_VERSION = re.compile(r"\d+\.\d+\.\d+\Z")
_SERVICE_SCHEMES = ("nats", "tls", "ws", "wss")


class Level(enum.StrEnum):
    ERROR = "error"
    WARNING = "warning"
    TIME = "time check"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding."""

    level: Level
    description: str

    @property
    def blocking(self) -> bool:
        """Errors block; warnings and time checks do not."""
        return self.level is Level.ERROR


class _Report:
    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def error(self, text: str) -> None:
        self.issues.append(Issue(Level.ERROR, text))

    def warn(self, text: str) -> None:
        self.issues.append(Issue(Level.WARNING, text))

    def time(self, text: str) -> None:
        self.issues.append(Issue(Level.TIME, text))


def validate(claims: c.Claims, *, now: float | None = None) -> list[Issue]:
    """All issues of these claims, in a fixed order; an empty list means they are fine."""
    report = _Report()
    if claims.is_expired(now):
        report.time("claim is expired")
    if claims.is_not_yet_valid(now):
        report.time("claim is not yet valid")
    if isinstance(claims, c.OperatorClaims):
        _operator(claims, report)
    elif isinstance(claims, c.AccountClaims):
        _account(claims, report, now)
    elif isinstance(claims, c.UserClaims):
        _user(claims, report)
    elif isinstance(claims, c.ActivationClaims):
        _activation(claims, report)
    elif isinstance(claims, c.AuthorizationResponseClaims):
        _authorization_response(claims, report)
    elif isinstance(claims, c.AuthorizationRequestClaims) and not is_valid_public(
        claims.nats.user_nkey, Prefix.USER
    ):
        report.error("user nkey is not a user public key")
    return report.issues


def _operator(claims: c.OperatorClaims, report: _Report) -> None:
    body = claims.nats
    for url in body.account_server_url.split(",") if body.account_server_url else ():
        if not _is_url(url.strip()):
            report.error(f"account server url {url!r} has no scheme or host")
    for url in body.operator_service_urls:
        error = service_url_error(url)
        if error:
            report.error(error)
    for key in body.signing_keys:
        if not is_valid_public(key, Prefix.OPERATOR):
            report.error(f"{key[:60]} is not an operator public key")
    if body.system_account and not is_valid_public(body.system_account, Prefix.ACCOUNT):
        report.error(f"{body.system_account[:60]} is not an account public key")
    if body.assert_server_version and not _VERSION.match(body.assert_server_version):
        report.error("assert server version needs to be of the form major.minor.update")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname)
    except ValueError:
        return False


def service_url_error(text: str) -> str | None:
    """Why `text` is no operator service URL, or None when it is one."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return f"invalid url {text!r}"
    if parts.scheme not in _SERVICE_SCHEMES:
        return f"operator service url {text!r}: scheme must be one of {', '.join(_SERVICE_SCHEMES)}"
    if not parts.hostname:
        return f"operator service url {text!r} has no host"
    if parts.username or parts.password:
        return "operator service url must not contain credentials"
    if parts.path not in ("", "/"):
        return f"operator service url {text!r} must not have a path"
    return None


def _subject_error(subject: str, *, wildcards: bool = True) -> str | None:
    if not subject:
        return "subject cannot be empty"
    if " " in subject or "\t" in subject or "\r" in subject or "\n" in subject:
        return f"subject {quote(subject)} cannot have spaces"
    tokens = subject.split(".")
    if not tokens[0] or not tokens[-1]:
        return f"subject {quote(subject)} cannot start or end with a `.`"
    if "" in tokens:
        return f"subject {quote(subject)} cannot contain consecutive `.`"
    if ">" in tokens[:-1]:
        return f"subject {quote(subject)}: > must be the last token"
    if not wildcards and ("*" in tokens or ">" in tokens):
        return f"subject {quote(subject)} cannot have wildcards"
    return None


def _permissions(permissions: t.Permissions, report: _Report) -> None:
    for kind, permission in (("pub", permissions.pub), ("sub", permissions.sub)):
        for subject in (*permission.allow, *permission.deny):
            if "{{" in subject:
                continue  # a template, of which the server makes a subject at log-in
            bare = subject
            if kind == "sub" and subject.count(" ") == 1:
                bare, queue = subject.split(" ")
                if not queue:
                    report.error(f"permission {subject!r} has an empty queue")
            error = _subject_error(bare)
            if error:
                report.error(error)
    if permissions.resp is not None and permissions.resp.max < -1:
        report.error("response permission: max must be -1 or more")


def _user(claims: c.UserClaims, report: _Report) -> None:
    _user_limits(claims.nats, report)
    issuer_account = claims.nats.issuer_account
    if issuer_account and not is_valid_public(issuer_account, Prefix.ACCOUNT):
        report.error("account_id is not an account public key")


def _user_limits(limits: t.UserPermissionLimits, report: _Report) -> None:
    _permissions(limits, report)
    for network in limits.sources:
        if not is_cidr(network):
            report.error(f"invalid cidr {network!r} in user src limits")
    for window in limits.times:
        for text in (window.start, window.end):
            if not _DAYTIME.match(text):
                report.error(f"time {text!r} in time range is invalid: use hh:mm:ss")
    if limits.locale and not _is_time_zone(limits.locale):
        report.error(f"unknown time zone {limits.locale!r}")
    for kind in limits.allowed_connection_types:
        if kind.upper() not in t.CONNECTION_TYPES:
            report.error(f"unknown connection type {kind!r}")


def is_cidr(text: str) -> bool:
    """Whether this is an address with the length of its prefix, such as 10.0.0.0/8."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return text.partition("/")[2].isdigit()  # Python takes bare addresses and netmasks too


def _is_time_zone(name: str) -> bool:
    from zoneinfo import available_timezones

    known = available_timezones()  # empty if the machine has no time zone data
    return not known or name in known or name in ("Local", "UTC")


def _activation(claims: c.ActivationClaims, report: _Report) -> None:
    body = claims.nats
    if body.import_kind not in (t.STREAM, t.SERVICE):
        report.error(f"invalid import type: {body.import_kind!r}")
    error = _subject_error(body.subject)
    if error:
        report.error(error)
    if body.issuer_account and not is_valid_public(body.issuer_account, Prefix.ACCOUNT):
        report.error("account_id is not an account public key")


def _authorization_response(claims: c.AuthorizationResponseClaims, report: _Report) -> None:
    if bool(claims.nats.jwt) == bool(claims.nats.error):
        report.error("exactly one of jwt and error must be set")
    if not is_valid_public(claims.aud, Prefix.SERVER):
        report.error("audience must be a server public key")


def _account(claims: c.AccountClaims, report: _Report, now: float | None) -> None:
    body = claims.nats
    _imports(claims, report, now)
    _exports(body, report)
    _limits(claims, report)
    _permissions(body.default_permissions, report)
    _mappings(body, report)
    _authorization(body.authorization, report)
    _trace(body.trace, report)
    _signing_keys(body, report)
    for name, text in (("Description", body.description), ("Info URL", body.info_url)):
        if len(text) > INFO_CHARS_MAX:
            report.error(f"{name} is too long")
    if body.info_url and not _is_url(body.info_url):
        report.error(f"info url {body.info_url[:80]!r} has no scheme or host")
    if body.cluster_traffic not in ("", "system", "owner"):
        report.error(f"unknown cluster traffic option: {quote(body.cluster_traffic[:32])}")


def _limits(claims: c.AccountClaims, report: _Report) -> None:
    limits = claims.nats.limits
    flat = t.JetStreamLimits(
        **{name: getattr(limits, name) for name in t.JetStreamLimits.__annotations__}
    )
    if limits.tiered_limits:
        if not flat.is_unset():
            report.error("JetStream limits and tiered JetStream limits are mutually exclusive")
        if "" in limits.tiered_limits:
            report.error("a JetStream tier needs a name")
    if (
        claims.iss == claims.sub
        and limits != t.AccountLimits.unlimited()
        and limits != t.AccountLimits()
    ):
        report.warn("the issuer of a self-signed account with limits is not an operator")
    for name, count, used in (
        ("imports", limits.imports, len(claims.nats.imports)),
        ("exports", limits.exports, len(claims.nats.exports)),
    ):
        if count != t.NO_LIMIT and count < used:
            report.error(f"the account contains more {name} than allowed by the operator")
    if (
        not limits.wildcards
        and limits.exports != t.NO_LIMIT
        and any(
            "*" in export.subject.split(".") or export.subject.endswith(">")
            for export in claims.nats.exports
        )
    ):
        report.error("the account contains wildcard exports that are not allowed by the operator")


def _exports(body: c.AccountBody, report: _Report) -> None:
    for kind in (t.STREAM, t.SERVICE):
        seen = [export.subject for export in body.exports if export.type == kind]
        for i, one in enumerate(seen):
            for other in seen[i + 1 :]:
                if subject_covers(one, other) or subject_covers(other, one):
                    report.error(
                        f"{kind} export subject {quote(one)} already exports {quote(other)}"
                    )
    for export in body.exports:
        _export(export, report)


def _export(export: t.Export, report: _Report) -> None:
    if export.type not in (t.STREAM, t.SERVICE):
        report.error(f"invalid export type: {quote(export.type[:32] or UNKNOWN)}")
    error = _subject_error(export.subject)
    if error:
        report.error(error)
    if export.is_service:
        if export.response_type not in ("", "Singleton", "Stream", "Chunked"):
            report.error(f"unrecognized response type: {export.response_type[:32]!r}")
    elif (
        export.response_type
        or export.latency
        or export.allow_trace
        or export.response_threshold > 0
    ):
        report.error(f"stream export {export.subject!r} has settings that only services have")
    if export.latency is not None:
        sampling = export.latency.sampling
        if isinstance(sampling, str):
            if sampling != t.SAMPLING_HEADERS:
                report.error("latency sampling must be 1 to 100 or headers")
        elif not 0 <= sampling <= 100:
            report.error("latency sampling must be 1 to 100 or headers")
        error = _subject_error(export.latency.results, wildcards=False)
        if error:
            report.error(f"latency results: {error}")
    if export.response_threshold < 0:
        report.error("negative response threshold is invalid")
    position = export.account_token_position
    if position:
        tokens = export.subject.split(".")
        if not 0 < position <= len(tokens) or tokens[position - 1] != "*":
            report.error(f"account token position {position} is not at a * of {export.subject!r}")
    if export.info_url and not _is_url(export.info_url):
        report.error(f"info url {export.info_url[:80]!r} has no scheme or host")


def _imports(claims: c.AccountClaims, report: _Report, now: float | None) -> None:
    services: dict[str, list[str]] = {}  # local subjects by exporting account
    for item in claims.nats.imports:
        if item.type not in (t.STREAM, t.SERVICE):
            report.error(f"invalid import type: {quote(item.type[:32] or UNKNOWN)}")
        if not is_valid_public(item.account, Prefix.ACCOUNT):
            report.error(f"import {item.subject!r}: account is not an account public key")
        elif item.account == claims.sub:
            report.warn(f"import {item.subject!r} is from the account itself")
        error = _subject_error(item.subject)
        if error:
            report.error(error)
        if item.to:
            report.warn(f"import {item.subject!r}: field `to` is deprecated, use local_subject")
            if item.local_subject:
                report.error(f"import {item.subject!r}: only one of to and local_subject")
        if item.local_subject:
            _renaming(item.subject, item.local_subject, report)
        if item.share and not item.is_service:
            report.error(f"sharing information is only for services: {item.subject!r}")
        if item.allow_trace and item.is_service:
            report.error(f"allow trace is only for stream imports: {item.subject!r}")
        if item.is_service:
            local = item.to or _REFERENCE.sub("*", item.local_subject) or item.subject
            taken = services.setdefault(item.account, [])
            for other in taken:
                if subject_covers(local, other) or subject_covers(other, local):
                    report.error(
                        f"overlapping subject namespace for {quote(local)} and {quote(other)} in "
                        f"same account {quote(item.account)}"
                    )
            taken.append(local)
        if item.token:
            _import_token(claims, item, report, now)


def _renaming(subject: str, local: str, report: _Report) -> None:
    """A local subject stands for the imported one, wildcard by wildcard."""
    words = f"local subject {local!r} of import {subject!r}"
    error = _subject_error(local)
    if error:
        report.error(f"{words}: {error}")
    if (subject.split(".")[-1] == ">") != (local.split(".")[-1] == ">"):
        report.error(f"{words}: both end in > or none does")
    wildcards = subject.split(".").count("*")
    numbers = [int(number) for number in _REFERENCE.findall(local)]
    if any(number > wildcards for number in numbers):
        report.error(f"{words}: it refers to a * that does not exist")
    elif local.split(".").count("*") + len(numbers) != wildcards:
        report.error(f"{words}: every * needs a * or its number, such as $1")


def _import_token(
    claims: c.AccountClaims, item: t.Import, report: _Report, now: float | None
) -> None:
    try:
        activation = decode(item.token)
    except JwtError:  # a URL, too: nobody fetches what it names
        report.error(f"import {quote(item.subject)} contains an invalid activation token")
        return
    problem = activation_error(activation, claims.sub, item)
    if problem:
        report.error(problem)
    elif activation.is_expired(now):
        report.time(f"activation token of import {item.subject!r} is expired")
    elif activation.is_not_yet_valid(now):
        report.time(f"activation token of import {item.subject!r} is not yet valid")


def activation_error(token: c.Claims, importer: str, item: t.Import) -> str | None:
    """Why this token does not entitle `importer` to `item`, or None when it does.

    Expiry and revocation are separate questions: see `Claims.is_expired` and `is_revoked`.
    """
    subject = quote(item.subject)
    if not isinstance(token, c.ActivationClaims):
        return f"import {subject} contains an invalid activation token"
    if token.sub != importer:
        return f"activation token doesn't match account it is being included in, {subject}"
    if (token.nats.issuer_account or token.iss) != item.account:
        return f"activation token doesn't match account for import {subject}"
    if token.nats.import_kind != item.type:
        return (
            f"mismatch between token import type {token.nats.import_kind} "
            f"and type of import {item.type}"
        )
    if not subject_covers(token.nats.subject, item.subject):
        return (
            f"activation token import subject {quote(token.nats.subject)} "
            f"doesn't match import {subject}"
        )
    return None


def _mappings(body: c.AccountBody, report: _Report) -> None:
    for source, targets in body.mappings.items():
        error = _subject_error(source)
        if error:
            report.error(error)
        totals: dict[str, int] = {}
        for target in targets:
            error = _subject_error(target.subject.replace(" ", ""))
            if error:
                report.error(error)
            if not 0 <= target.weight <= 100:
                report.error(
                    f"Mapping {quote(source)} has a weight {target.weight} that exceeds 100"
                )
            totals[target.cluster] = totals.get(target.cluster, 0) + (target.weight or 100)
        for cluster, total in totals.items():
            if total > 100:
                where = f" in cluster {quote(cluster)}" if cluster else ""
                report.error(
                    f"Mapping {quote(source)} exceeds 100% among all of it's weighted to "
                    f"mappings{where}"
                )


def _authorization(authorization: t.ExternalAuthorization, report: _Report) -> None:
    for user in authorization.auth_users:
        if not is_valid_public(user, Prefix.USER):
            report.error(f"AuthUser {quote(user[:60])} is not a valid user public key")
    accounts = authorization.allowed_accounts
    if accounts and not authorization.auth_users:
        report.error("External authorization cannot have accounts without users specified")
    if "*" in accounts and len(accounts) > 1:
        report.error("auth callout: * must be the only allowed account")
    for account in accounts:
        if account != "*" and not is_valid_public(account, Prefix.ACCOUNT):
            report.error(f"Account {quote(account[:60])} is not a valid account public key")
    if authorization.xkey and not is_valid_public(authorization.xkey, Prefix.CURVE):
        report.error(f"XKey {quote(authorization.xkey[:60])} is not a valid public xkey")


def _trace(trace: t.MsgTrace | None, report: _Report) -> None:
    if trace is None:
        return
    error = _subject_error(trace.dest, wildcards=False)
    if error:
        report.error(f"the account Trace.Destination {error}")
    if not 0 <= trace.sampling <= 100:
        report.error(
            f"the account Trace.Sampling value '{trace.sampling}' is not valid, should be in the "
            "range [1..100]"
        )


def _signing_keys(body: c.AccountBody, report: _Report) -> None:
    roles: set[str] = set()
    for item in body.signing_keys:
        public = item if isinstance(item, str) else item.key
        if not is_valid_public(public, Prefix.ACCOUNT):
            report.error(f"{quote(public[:60])} is not a valid account signing key")
        if isinstance(item, t.ScopedSigner):
            if item.kind != "user_scope":
                report.error(f"signing key {public}: unknown kind of scope")
            # What its template makes is looked at when a user logs in.
            if item.role and item.role in roles:
                report.warn(f"role {item.role!r} is used by more than one signing key")
            roles.add(item.role)


def subject_covers(pattern: str, subject: str) -> bool:
    """True when `pattern` matches every subject that `subject` (may have wildcards) matches."""
    theirs = subject.split(".")
    for index, token in enumerate(pattern.split(".")):
        if token == ">":
            return len(theirs) > index
        if index >= len(theirs) or theirs[index] == ">":
            return False
        if token not in ("*", theirs[index]):
            return False
    return len(theirs) == len(pattern.split("."))
