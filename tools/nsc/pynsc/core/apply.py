"""Flag groups applied to claims: times, tags, permissions, limits. Each change is reported."""

from __future__ import annotations

import time as clock
from typing import TYPE_CHECKING

from pynats_common import jwt
from pynats_common.jwt.types import (
    CONNECTION_TYPES,
    Permissions,
    ResponsePermission,
    TimeRange,
    UserPermissionLimits,
)

from pynsc.core.errors import NscError
from pynsc.core.report import Report
from pynsc.core.values import items, parse_duration, parse_number, parse_time

if TYPE_CHECKING:
    from pynsc.cli import PermissionOptions, TimeOptions, UserLimitOptions


def apply_times(claims: jwt.Claims, options: TimeOptions, report: Report) -> None:
    """Set start and expiry when they were given."""
    if options.start:
        claims.nbf = parse_time(options.start)
        report.ok(f"changed start to {options.start}")
    if options.expiry:
        claims.exp = parse_time(options.expiry)
        report.ok(f"changed expiry to {options.expiry}")
    if claims.exp and claims.exp < clock.time():
        raise NscError("expiry is in the past", "give a later --expiry, or 0 for none")
    if claims.exp and claims.nbf and claims.exp <= claims.nbf:
        raise NscError("expiry must be after start")


def apply_tags(tags: list[str], add: list[str], remove: list[str], report: Report) -> None:
    for tag in jwt.normalize_tags(add):
        if tag not in tags:
            tags.append(tag)
            report.ok(f'added tag "{tag}"')
    for tag in jwt.normalize_tags(remove):
        if tag not in tags:
            raise NscError(f'tag "{tag}" is not set')
        tags.remove(tag)
        report.ok(f'removed tag "{tag}"')


def apply_permissions(target: Permissions, options: PermissionOptions, report: Report) -> None:
    """Add allowed and denied subjects and response permissions, then remove with --rm."""
    for subjects, lists, text in (
        (items(options.allow_pub), [target.pub.allow], "added pub"),
        (items(options.deny_pub), [target.pub.deny], "added deny pub"),
        (items(options.allow_sub), [target.sub.allow], "added sub"),
        (items(options.deny_sub), [target.sub.deny], "added deny sub"),
        (items(options.allow_pubsub), [target.pub.allow, target.sub.allow], "added pub and sub"),
        (items(options.deny_pubsub), [target.pub.deny, target.sub.deny], "added deny pub and sub"),
    ):
        for subject in subjects:
            for entries in lists:
                if subject not in entries:
                    entries.append(subject)
                    entries.sort()
            report.ok(f'{text} "{subject}"')
    _apply_response(target, options, report)
    for subject in items(getattr(options, "rm", None)):
        lists = [target.pub.allow, target.pub.deny, target.sub.allow, target.sub.deny]
        if not any(subject in entries for entries in lists):
            raise NscError(f'permission "{subject}" is not set')
        for entries in lists:
            if subject in entries:
                entries.remove(subject)
        report.ok(f'removed "{subject}" from permissions')


def _apply_response(target: Permissions, options: PermissionOptions, report: Report) -> None:
    if getattr(options, "rm_response_perms", False):
        target.resp = None
        report.ok("removed response permissions")
    if options.allow_pub_response:
        target.resp = target.resp or ResponsePermission(max=1)
        target.resp.max = parse_number(options.allow_pub_response)
        report.ok(f"set max responses to {target.resp.max}")
    if options.response_ttl:
        target.resp = target.resp or ResponsePermission(max=1)
        target.resp.ttl = parse_duration(options.response_ttl)
        report.ok(f"set response ttl to {options.response_ttl}")


def apply_user_limits(
    target: UserPermissionLimits, options: UserLimitOptions, report: Report
) -> None:
    """Everything of the ULIM flag group."""
    apply_permissions(target, options, report)
    for name in ("subs", "data", "payload"):
        text = getattr(options, name)
        if text:
            setattr(target, name, parse_number(text))
            report.ok(f"set max {name} to {getattr(target, name)}")
    if options.bearer is not None:
        target.bearer_token = options.bearer
        report.ok(f"changed bearer to {str(options.bearer).lower()}")
    _apply_networks(target, options, report)
    for text in items(options.time):
        start, dash, end = text.partition("-")
        if not dash:
            raise NscError(f"time range {text!r} is invalid", "use hh:mm:ss-hh:mm:ss")
        target.times.append(TimeRange(start=start, end=end))
        report.ok(f"added time range {start} - {end}")
    for text in items(options.rm_time):
        kept = [window for window in target.times if window.start != text.partition("-")[0]]
        if len(kept) == len(target.times):
            raise NscError(f"no time range starts at {text}")
        target.times = kept
        report.ok(f"removed time range {text}")
    if options.locale:
        target.locale = options.locale
        report.ok(f"set locale to {options.locale}")
    _apply_connection_types(target, options, report)


def _apply_networks(
    target: UserPermissionLimits, options: UserLimitOptions, report: Report
) -> None:
    networks = target.sources
    for network in items(options.source_network):
        if network not in networks:
            networks = [*networks, network]
        report.ok(f"added src network {network}")
    for network in items(options.rm_source_network):
        if network not in networks:
            raise NscError(f"src network {network} is not set")
        networks = [item for item in networks if item != network]
        report.ok(f"removed src network {network}")
    if options.source_network or options.rm_source_network:
        target.src = networks


def _apply_connection_types(
    target: UserPermissionLimits, options: UserLimitOptions, report: Report
) -> None:
    kinds = target.allowed_connection_types
    for kind in (text.upper() for text in items(options.conn_type)):
        if kind not in CONNECTION_TYPES:
            raise NscError(
                f"unknown connection type {kind}", f"one of {', '.join(CONNECTION_TYPES)}"
            )
        if kind not in kinds:
            kinds.append(kind)
        report.ok(f"added connection type {kind}")
    for kind in (text.upper() for text in items(options.rm_conn_type)):
        if kind not in kinds:
            raise NscError(f"connection type {kind} is not set")
        kinds.remove(kind)
        report.ok(f"removed connection type {kind}")
