"""What a server would refuse of a store: the claims of each JWT, and how they fit together.

Servers know more than one JWT says: which keys an operator and an account have now, who is revoked,
what the other account exports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text
from pynats_common.accounts_store.keystore import KeyStore
from pynats_common.accounts_store.store import Store
from pynats_common.creds import CredsError, extract_jwt
from pynats_common.jwt import Issue, Level
from pynats_common.jwt.types import Import, UserPermissionLimits
from pynats_common.jwt.validation import subject_covers

# In templates of signing keys; a tag's name is in parentheses.
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}")
_PLACEHOLDERS = ("name()", "subject()", "account-name()", "account-subject()")
_TAG = re.compile(r"(tag|account-tag)\((.*)\)\Z", re.IGNORECASE)


@dataclass
class Finding:
    """All issues of one JWT; none means that servers take it."""

    kind: str
    name: str
    issues: list[Issue]

    @property
    def title(self) -> str:
        return f'{self.kind.capitalize()} "{self.name}"' if self.kind != "line" else self.name

    @property
    def bad(self) -> bool:
        return any(issue.level is not Level.WARNING for issue in self.issues)


class Audit:
    """Examines the JWTs of one store; a JWT that cannot be read is a finding, too."""

    def __init__(self, store: Store, keys: KeyStore) -> None:
        self.store = store
        self.keys = keys
        self.accounts: dict[str, tuple[str, jwt.AccountClaims]] = {}
        for name in store.accounts():
            try:
                claims = store.account(name)
            except StoreError:
                continue
            self.accounts.setdefault(claims.sub, (name, claims))

    def operator(self) -> Finding:
        try:
            claims = self.store.operator()
        except StoreError as error:
            return Finding("operator", self.store.name, [_error(str(error))])
        issues, body = jwt.validate(claims), claims.nats
        if claims.iss not in (claims.sub, *body.signing_keys):
            issues.append(_error("it is not signed by its own key or one of its signing keys"))
        if body.strict_signing_key_usage and not body.signing_keys:
            issues.append(_error("signing keys are required, and it has none"))
        if claims.name != self.store.name:
            issues.append(_warning(f'its folder has another name than the JWT ("{claims.name}")'))
        if not self.store.managed:
            if not body.system_account:
                issues.append(_warning("no system account: a NATS resolver needs one"))
            elif body.system_account not in self.accounts:
                issues.append(_warning(f"system account {body.system_account} is not here"))
        return Finding("operator", self.store.name, issues)

    def account(self, name: str) -> Finding:
        try:
            claims = self.store.account(name)
            operator = self.store.operator()
        except StoreError as error:
            return Finding("account", name, [_error(str(error))])
        issues = jwt.validate(claims)
        if not operator.did_sign(claims):
            issues.append(_error(_why_unsigned(operator, claims)))
        first = self.accounts[claims.sub][0]
        if first != name:
            issues.append(_error(f'it has the key of account "{first}"'))
        if claims.name != name:
            issues.append(_warning(f'its file has another name than the JWT ("{claims.name}")'))
        limits = claims.nats.limits
        if claims.sub == operator.nats.system_account and (
            limits.mem_storage or limits.disk_storage or limits.tiered_limits
        ):
            issues.append(_error("the system account cannot have JetStream"))
        for item in claims.nats.imports:
            issues += self._import(claims, item)
        return Finding("account", name, issues)

    def _import(self, importer: jwt.AccountClaims, item: Import) -> list[Issue]:
        """Whether the exporting account, if it is here, grants this import."""
        words = f"import {item.subject!r}"
        if item.account not in self.accounts:
            known = self.store.managed or item.account == importer.sub
            missing = f"{words}: account {item.account} is not here"
            return [] if known else [_warning(missing)]
        name, exporter = self.accounts[item.account]
        exports = [
            export for export in exporter.nats.exports
            if export.type == item.type and subject_covers(export.subject, item.subject)
        ]  # fmt: skip
        if not exports:
            return [_error(f'{words}: account "{name}" does not export it')]
        export = exports[0]
        position = export.account_token_position
        if position and not export.token_req:
            tokens = item.subject.split(".")
            if len(tokens) >= position and tokens[position - 1] != importer.sub:
                return [_error(f"{words}: token {position} is not this account's key")]
        if not export.token_req:
            return []
        if not item.token:
            return [_error(f'{words}: account "{name}" requires an activation token')]
        try:
            token = jwt.decode_as(jwt.ActivationClaims, item.token)
        except jwt.JwtError:
            return []  # the claims' own issues say so
        if token.iss not in (exporter.sub, *exporter.nats.signing_key_ids()):
            return [_error(f'{words}: account "{name}" no longer has the key of its token')]
        if jwt.is_revoked(export.revocations, importer.sub, token.iat):
            return [_error(f'{words}: account "{name}" has revoked its token')]
        return []

    def user(self, account: str, name: str) -> Finding:
        try:
            claims = self.store.user(account, name)
            owner, operator = self.store.account(account), self.store.operator()
        except StoreError as error:
            return Finding("user", name, [_error(str(error))])
        issues, body = jwt.validate(claims), claims.nats
        scope = owner.nats.scope_of(claims.iss)
        if claims.account != owner.sub and claims.iss != owner.sub:
            whose = self.accounts.get(claims.account, (claims.account,))[0]
            issues.append(_error(f"it belongs to another account ({whose})"))
        elif claims.iss not in (owner.sub, *owner.nats.signing_key_ids()):
            issues.append(_error(f"the account no longer has the key that signed it, {claims.iss}"))
        elif claims.iss == owner.sub and operator.nats.strict_signing_key_usage:
            issues.append(_error("it is signed by the account's own key, and the operator requires "
                                 "signing keys"))  # fmt: skip
        if scope is not None and not body.is_clear():
            issues.append(_error("users of a scoped signing key have no permissions or limits"))
        elif scope is not None:
            issues += _template_issues(scope.template, claims, owner)
        effective = scope.template if scope is not None else body
        if effective.bearer_token and owner.nats.limits.disallow_bearer:
            issues.append(_error("the account does not allow bearer tokens"))
        if owner.nats.is_revoked(claims.sub, claims.iat):
            issues.append(_error("the account has revoked it"))
        if claims.name != name:
            issues.append(_warning(f'its file has another name than the JWT ("{claims.name}")'))
        issues += self._creds(account, name)
        return Finding("user", name, issues)

    def _creds(self, account: str, name: str) -> list[Issue]:
        path = self.keys.creds_path(self.store.name, account, name)
        if not path.exists():
            return []
        try:
            same = extract_jwt(read_text(path)) == extract_jwt(
                read_text(self.store.user_path(account, name))
            )
        except (StoreError, CredsError) as error:
            return [_warning(f"creds file: {error}")]
        return [] if same else [_warning("its creds file has another JWT: use generate creds")]


def file_finding(title: str, line: str) -> Finding:
    """A line of a file: a JWT, or its subject, `|` and the JWT, as servers pack them."""
    subject, mark, text = line.rpartition("|")
    try:
        claims = jwt.decode(extract_jwt(text))
    except (jwt.JwtError, CredsError) as error:
        return Finding("line", title, [_error(str(error))])
    issues = jwt.validate(claims)
    if mark and subject.strip() != claims.sub:
        issues.append(_error(f"it is the JWT of {claims.sub}"))
    return Finding("line", title, issues)


def _error(text: str) -> Issue:
    return Issue(Level.ERROR, text)


def _warning(text: str) -> Issue:
    return Issue(Level.WARNING, text)


def _why_unsigned(operator: jwt.OperatorClaims, claims: jwt.AccountClaims) -> str:
    if claims.iss == claims.sub:
        return "it is self-signed: the operator has not signed it"
    if claims.iss == operator.sub:
        return "it is signed by the operator's own key, and the operator requires signing keys"
    return f"it is not signed by the operator, but by {claims.iss}"


def _template_issues(
    template: UserPermissionLimits, user: jwt.UserClaims, owner: jwt.AccountClaims
) -> list[Issue]:
    """Placeholders that a server cannot fill in for this user; it then refuses the user."""
    issues = []
    tags = {"tag": user.nats.tags, "account-tag": owner.nats.tags}
    for subject in (*template.pub.allow, *template.sub.allow, *template.pub.deny,
                    *template.sub.deny):  # fmt: skip
        denies = subject in (*template.pub.deny, *template.sub.deny)
        for operation in map(str.strip, _TEMPLATE.findall(subject)):
            found = _TAG.match(operation)
            if found:
                prefix = f"{found[2].lower()}:"
                known = any(tag.startswith(prefix) for tag in tags[found[1].lower()])
                if denies and not known:
                    issues.append(_error(f"its role denies {subject!r}: no tag {prefix}…"))
            elif operation.lower() not in _PLACEHOLDERS:
                issues.append(_error(f"its role has an unknown placeholder in {subject!r}"))
    return issues
