"""From the claims of a token to what its bearer may do.

Claims never become more than one token of a subject: no dots, no wildcards, no blanks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from pynats_server.auth.base import Verdict
from pynats_server.auth.oidc.tokens import TokenError
from pynats_server.auth.permissions import compile_permissions
from pynats_server.options import OidcIssuer, Permissions, SubjectPermission

METHOD: Final = "oidc"
USER_MAX: Final = 256  # characters of a name
SUBJECTS_MAX: Final = 256  # that one list may come to
TEMPLATE: Final = re.compile(r"\{\{\s*claim\(\s*([^(){}\s]+)\s*\)\s*\}\}")
_SAFE = re.compile(r"[^\s.*>\x00-\x1f\x7f-\x9f{}\"'\\\ud800-\udfff]{1,128}\Z")
_MISSING: Final = object()


def verdict_of(claims: dict[str, Any], settings: OidcIssuer, accounts: Collection[str]) -> Verdict:
    """Who the bearer is. `accounts` are those that a claim may name. Raises TokenError."""
    _check_required(claims, settings)
    account = settings.account
    if settings.account_claim:
        named = claim(claims, settings.account_claim)
        if not isinstance(named, str) or named not in accounts:
            raise TokenError(f"its claim {settings.account_claim} names no account")
        account = named
    user = claim(claims, settings.user_claim)
    if not isinstance(user, str) or not user or len(user) > USER_MAX or not user.isprintable():
        raise TokenError(f"its claim {settings.user_claim} is no user's name")
    try:
        expires = float(claims["exp"]) + settings.leeway  # until then it lets in
    except OverflowError:  # integers of JSON have no end
        raise TokenError("its exp is no time") from None
    rights = _rights(claims, settings)
    return Verdict(
        account,
        compile_permissions(rights),
        user,
        method=METHOD,
        rights=rights,
        expires=expires,
    )


def claim(claims: dict[str, Any], path: str) -> Any:
    """The claim of that name; with dots, also one within others (`realm_access.roles`)."""
    found = claims.get(path, _MISSING)
    if found is not _MISSING:
        return found
    place: Any = claims
    for name in path.split("."):
        if not isinstance(place, dict) or name not in place:
            return None
        place = place[name]
    return place


def _check_required(claims: dict[str, Any], settings: OidcIssuer) -> None:
    for path, wanted in settings.required_claims.items():
        found = claim(claims, path)
        have = [_text(each) for each in (found if isinstance(found, list) else [found])]
        if not any(each in wanted for each in have if each is not None):
            raise TokenError(f"its claim {path} is not what is required")


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else None


def _rights(claims: dict[str, Any], settings: OidcIssuer) -> Permissions | None:
    """Those of the first role that it has, or else the usual ones."""
    source = settings.permissions
    if settings.roles:
        found = claim(claims, settings.roles_claim)
        have = found if isinstance(found, list) else [found]
        role = next((role for role in settings.roles if role in have), None)
        if role is not None:
            source = settings.roles[role]
        elif source is None:
            raise TokenError(f"its claim {settings.roles_claim} names no role")
    if source is None:
        return None
    return Permissions(
        _filled(source.publish, claims), _filled(source.subscribe, claims), source.responses
    )


def _filled(source: SubjectPermission | None, claims: dict[str, Any]) -> SubjectPermission | None:
    """With claims in their places. An allowed subject whose claim is missing is left out; without a
    denied one nobody comes in."""
    if source is None:
        return None
    allow = None if source.allow is None else list(_subjects(source.allow, claims, denied=False))
    return SubjectPermission(allow, list(_subjects(source.deny, claims, denied=True)))


def _subjects(subjects: list[str], claims: dict[str, Any], denied: bool) -> Iterator[str]:
    made = 0
    for subject in subjects:
        for each in _expanded(subject, claims, denied):
            made += 1
            if made > SUBJECTS_MAX:
                raise TokenError("its claims make too many subjects")
            yield each


def _expanded(subject: str, claims: dict[str, Any], denied: bool) -> Iterator[str]:
    found = TEMPLATE.search(subject)
    if found is None:
        yield subject
        return
    value = claim(claims, found[1])
    values = value if isinstance(value, list) else [] if value is None else [value]
    if denied and not values:
        raise TokenError(f"its claim {found[1]} is missing")
    for each in values:
        text = _text(each)
        if text is None or not _SAFE.match(text):
            raise TokenError(f"its claim {found[1]} has no place in a subject")
        rest = _expanded(subject[found.end() :], claims, denied)
        yield from (subject[: found.start()] + text + tail for tail in rest)
