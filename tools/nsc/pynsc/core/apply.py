"""Applies flag groups to claims: times, tags, permissions, limits. Reports each change."""

from __future__ import annotations

import time as clock
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.jwt.types import (
    CONNECTION_TYPES,
    Export,
    Permissions,
    ResponsePermission,
    TimeRange,
    UserPermissionLimits,
)

from pynsc.core.report import Report
from pynsc.core.values import format_moment, items, parse_duration_ns, parse_number, parse_time

if TYPE_CHECKING:
    from pynats_common.jwt.claims import AccountBody

    from pynsc.cli import PermissionOptions, TimeOptions, UserLimitOptions


def apply_times(claims: jwt.Claims, options: TimeOptions, report: Report) -> None:
    """Sets start and expiry if given."""
    now = int(clock.time())
    if options.start:
        claims.nbf = parse_time(options.start)
        report.planned(
            f"changed jwt valid start to {format_moment(claims.nbf, now)}"
            if claims.nbf
            else "changed jwt start to not have a start date"
        )
    if options.expiry:
        claims.exp = parse_time(options.expiry)
        report.planned(f"changed jwt expiry to {format_moment(claims.exp, now) or 'never expire'}")
    if claims.exp and claims.exp < now:
        # A negative time is intended (tests need expired JWTs); a past date is a mistake.
        if not options.expiry.startswith("-"):
            raise StoreError("expiry is in the past", "give a later --expiry, or 0 for none")
        report.warn("the JWT is expired")
    elif claims.exp and claims.nbf and claims.exp <= claims.nbf:
        raise StoreError("expiry must be after start")


def apply_tags(tags: list[str], add: list[str], remove: list[str], report: Report) -> None:
    """Adds and removes tags; the list stays sorted."""
    for tag in jwt.normalize_tags(add):
        if tag not in tags:
            tags.append(tag)
        report.planned(f'added tag "{tag}"')
    for tag in jwt.normalize_tags(remove):
        discard(tags, tag, f'tag "{tag}"', report)
    if add or remove:
        tags.sort()


def apply_about(
    target: AccountBody | Export, description: str | None, info_url: str | None, report: Report
) -> None:
    """Sets description and info URL of an account or export; an empty text clears, None keeps."""
    if description is not None:
        target.description = description
        report.planned(f'changed description to "{description}"')
    if info_url is not None:
        target.info_url = info_url
        report.planned(f'changed info url to "{info_url}"')


def discard(entries: list[str], entry: str, words: str, report: Report) -> None:
    """Removes an entry; a missing one is not an error, so that scripts can run twice."""
    if entry in entries:
        entries.remove(entry)
        report.planned(f"removed {words}")
    else:
        report.warn(f"{words} is not set")


def apply_permissions(target: Permissions, options: PermissionOptions, report: Report) -> None:
    """Sets response permissions, adds allowed and denied subjects, then removes those of --rm."""
    _apply_response(target, options, report)
    for given, both, entries, text in (
        (options.allow_pub, options.allow_pubsub, target.pub.allow, "pub"),
        (options.deny_pub, options.deny_pubsub, target.pub.deny, "deny pub"),
        (options.allow_sub, options.allow_pubsub, target.sub.allow, "sub"),
        (options.deny_sub, options.deny_pubsub, target.sub.deny, "deny sub"),
    ):
        for subject in [*items(given), *items(both)]:
            if subject not in entries:
                entries.append(subject)
                entries.sort()
            report.planned(f'added {text} "{subject}"')
    for subject in items(getattr(options, "rm", None)):
        found = False
        for entries, text in (
            (target.pub.allow, "pub"), (target.pub.deny, "deny pub"),
            (target.sub.allow, "sub"), (target.sub.deny, "deny sub"),
        ):  # fmt: skip
            if subject in entries:
                found = True
                discard(entries, subject, f'{text} "{subject}"', report)
        if not found:
            report.warn(f'permission "{subject}" is not set')


def _apply_response(target: Permissions, options: PermissionOptions, report: Report) -> None:
    if getattr(options, "rm_response_perms", False):
        target.resp = None
        report.planned("removed response permissions")
    responses = options.allow_pub_response or options.max_responses
    if responses:
        target.resp = target.resp or ResponsePermission(max=1)
        target.resp.max = parse_number(responses)
        report.planned(f"set max responses to {target.resp.max}")
    if options.response_ttl:
        target.resp = target.resp or ResponsePermission(max=1)
        target.resp.ttl = parse_duration_ns(options.response_ttl)
        report.planned(f"set response ttl to {options.response_ttl}")


_USER_LIMITS = (
    ("payload", "max payload"),
    ("data", "max data"),
    ("subs", "max number of subs"),
)


def apply_user_limits(
    target: UserPermissionLimits, options: UserLimitOptions, report: Report
) -> None:
    """Everything of the ULIM flag group."""
    for name, words in _USER_LIMITS:
        text = getattr(options, name)
        if text:
            setattr(target, name, parse_number(text))
            report.planned(f"changed {words} to {getattr(target, name)}")
    if options.bearer is not None:
        value = str(options.bearer).lower()
        if target.bearer_token == options.bearer:
            report.planned(f"ignoring change to bearer - value is already {value}")
        else:
            target.bearer_token = options.bearer
            report.planned(f"changed bearer to {value}")
    _apply_connection_types(target, options, report)
    _apply_networks(target, options, report)
    _apply_windows(target, options, report)
    apply_permissions(target, options, report)


def _apply_windows(target: UserPermissionLimits, options: UserLimitOptions, report: Report) -> None:
    for text in items(options.time):
        start, dash, end = text.partition("-")
        if not dash:
            raise StoreError(f"time range {text!r} is invalid", "use hh:mm:ss-hh:mm:ss")
        target.times.append(TimeRange(start=start, end=end))
        report.planned(f"added time range {text}")
    for text in items(options.rm_time):
        start = text.partition("-")[0]
        if not any(window.start == start for window in target.times):
            report.warn(f"no time range starts at {start}")
        for window in [window for window in target.times if window.start == start]:
            target.times.remove(window)
            report.planned(f"removed time range {window.start}-{window.end}")
    if options.locale:
        known = available_timezones()  # empty if the machine has no time zone data
        if known and options.locale not in known and options.locale != "Local":
            raise StoreError(f"unknown time zone {options.locale}", "use for example Europe/Berlin")
        target.locale = options.locale
        report.planned(f"set locale to {options.locale}")


def _apply_networks(
    target: UserPermissionLimits, options: UserLimitOptions, report: Report
) -> None:
    networks = list(target.sources)
    for network in items(options.source_network):
        if network not in networks:
            networks.append(network)
        report.planned(f"added src network {network}")
    for network in items(options.rm_source_network):
        discard(networks, network, f"src network {network}", report)
    if options.source_network or options.rm_source_network:
        target.src = networks


def _apply_connection_types(
    target: UserPermissionLimits, options: UserLimitOptions, report: Report
) -> None:
    kinds = target.allowed_connection_types
    for kind in (text.upper() for text in items(options.conn_type)):
        if kind not in CONNECTION_TYPES:
            raise StoreError(
                f"unknown connection type {kind}", f"one of {', '.join(CONNECTION_TYPES)}"
            )
        if kind not in kinds:
            kinds.append(kind)
        report.planned(f"added connection type {kind}")
    for kind in (text.upper() for text in items(options.rm_conn_type)):
        discard(kinds, kind, f"connection type {kind}", report)
