"""Permissions and limits of users, and of roles: flags, and the claims they change."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated
from zoneinfo import available_timezones

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import INTEGER
from pynats_common.jwt.types import UserPermissionLimits
from pynats_common.records import dataclass

from pynats_cli.errors import CliError


@dataclass(kw_only=True)
class PermissionOptions:
    """None is not given."""

    bearer: Annotated[
        bool | None, opt("--bearer/--no-bearer", help="Let bearer tokens connect")
    ] = None
    locale: Annotated[str, opt("--locale", help="Time zone of the client")] = ""
    subscriptions: Annotated[
        int | None, opt("--subscriptions", help="Subscriptions, -1 for no limit", kind=INTEGER)
    ] = None
    pub_allow: Annotated[list[str], opt("--pub-allow", help="Subject that may be published to")] = (
        field(default_factory=list)
    )
    pub_deny: Annotated[
        list[str], opt("--pub-deny", help="Subject that may not be published to")
    ] = field(default_factory=list)
    sub_allow: Annotated[
        list[str], opt("--sub-allow", help="Subject that may be subscribed to")
    ] = field(default_factory=list)
    sub_deny: Annotated[
        list[str], opt("--sub-deny", help="Subject that may not be subscribed to")
    ] = field(default_factory=list)


def apply_permissions(target: UserPermissionLimits, options: PermissionOptions) -> None:
    """Sets what was given; subjects replace those that were there."""
    if options.bearer is not None:
        target.bearer_token = options.bearer
    if options.locale:
        known = available_timezones()  # empty if the machine has no time zone data
        if known and options.locale not in known and options.locale != "Local":
            raise CliError(f"--locale: unknown time zone {options.locale}")
        target.locale = options.locale
    if options.subscriptions is not None:
        target.subs = options.subscriptions
    if options.pub_allow:
        target.pub.allow = list(options.pub_allow)
    if options.pub_deny:
        target.pub.deny = list(options.pub_deny)
    if options.sub_allow:
        target.sub.allow = list(options.sub_allow)
    if options.sub_deny:
        target.sub.deny = list(options.sub_deny)
