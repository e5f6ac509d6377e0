"""What a user JWT may say, and from where, when and how its user may connect."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from pynats_common.go.text import bytes_of

from pynats_server.auth.jwt.tokens import Body, Window, is_account_key
from pynats_server.core.subject import is_valid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
KINDS: Final = frozenset(
    ("STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS")
)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:[.,][0-9]+)?\Z", re.ASCII)
_BLANKS = re.compile(r"[\t\n\f\r ]")


class RuleError(ValueError):
    """The JWT is not good, or not for this connection; the text says why."""


class OutsideError(RuleError):
    """It is good, but not for here and now: its user should know better, or somebody has it who is
    not its user."""


# -- subjects --------------------------------------------------------------------------------------


def check_permissions(body: Body) -> None:
    """Raises RuleError where something is no subject, or in the wrong place."""
    for subject in (*body.pub.allow, *body.pub.deny):
        if not is_subject(subject):
            raise RuleError(f"subject {subject[:80]!r} is not valid")
    for entry in (*body.sub.allow, *body.sub.deny):
        if not is_subscription(entry):
            raise RuleError(f"subject {entry[:80]!r} is not valid")


def is_subject(text: str) -> bool:
    """Whether it is a subject, wildcards allowed."""
    return is_valid(bytes_of(text)) and not _BLANKS.search(text)


def is_subscription(text: str) -> bool:
    """The same, perhaps with a queue."""
    subject, blank, queue = text.partition(" ")
    return is_subject(subject) and (not blank or is_subject(queue))


# -- kinds of connections --------------------------------------------------------------------------


def check_kind(allowed: Sequence[str], kind: str) -> None:
    """Raises RuleError unless this kind of connection is among the allowed ones, if there are any.
    Kinds that nobody knows do not count, but do not mean all, either."""
    if allowed and kind not in {each.upper() for each in allowed} & KINDS:
        raise RuleError("Connection type not allowed")


# -- networks --------------------------------------------------------------------------------------


def check_source(source: list[str] | str, host: str) -> None:
    """Raises RuleError unless the address is in one of the networks, if there are any."""
    networks = check_networks(source)
    if not networks:
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise OutsideError("Bad src Ip: its address is not known") from None
    if not any(_within(address, network) for network in networks):
        raise OutsideError(f"Bad src Ip {host}")


@functools.lru_cache(1024)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(_network, texts))


def _network(text: str) -> Network:
    address, slash, bits = text.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()) or "%" in address:
        raise RuleError(f"invalid cidr {text[:60]!r} in user src limits")
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise RuleError(f"invalid cidr {text[:60]!r} in user src limits") from None
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen >= 96:
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:  # IPv4 in the form of IPv6
            return ipaddress.ip_network(f"{mapped}/{found.prefixlen - 96}")
    return found


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: Network) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version == network.version and address in network


# -- times -----------------------------------------------------------------------------------------


def window_end(windows: Iterable[Window], location: str, now: float) -> float:
    """When the user must leave again, in seconds since 1970; of several windows that are open now
    the last end counts. Raises RuleError if none is."""
    zone = zone_of(location)
    here = datetime.fromtimestamp(now, zone)
    latest = 0.0
    for window in windows:
        start, end = _clock(window.start), _clock(window.end)
        # One that goes over midnight may have begun yesterday.
        for day in (here.date(), here.date() - timedelta(days=1)):
            over_midnight = timedelta(days=1) if start > end else timedelta()
            opens = datetime.combine(day, start, zone)
            closes = datetime.combine(day + over_midnight, end, zone)
            if opens.timestamp() < now < closes.timestamp():
                latest = max(latest, closes.timestamp())
    if not latest:
        raise OutsideError("Outside connect times")
    return latest


def check_windows(windows: Iterable[Window], location: str) -> None:
    """Raises RuleError where a window is none, or the place is unknown."""
    zone_of(location)
    for window in windows:
        _clock(window.start)
        _clock(window.end)


def _clock(text: str) -> time:
    match = _CLOCK.match(text)
    if match is None:
        raise RuleError(f"{text[:32]!r} is no time of the form hh:mm:ss")
    return time(int(match[1]), int(match[2]), int(match[3]))


@functools.lru_cache(64)
def zone_of(location: str) -> tzinfo | None:
    """None = the time of this machine. Raises RuleError."""
    if location in ("", "Local"):
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(location)
    except (ValueError, OSError, KeyError):  # no name of a zone, or of a folder of them
        raise RuleError(f"unknown time zone {location[:60]!r}") from None


# -- all that can be said without knowing the connection -------------------------------------------


def check_body(body: Body) -> None:
    """Raises RuleError where the JWT says what it may not say."""
    check_permissions(body)
    if body.src:
        check_networks(body.src)
    if body.times or body.locale:
        check_windows(body.times, body.locale)
    if body.issuer_account and not is_account_key(body.issuer_account):
        raise RuleError("account_id is not an account public key")


def check_networks(source: list[str] | str) -> tuple[Network, ...]:
    """The networks. Raises RuleError where something is none."""
    if isinstance(source, str):  # as older JWTs have them
        return _networks(tuple(text for each in source.split(",") if (text := each.strip())))
    return _networks(tuple(source))
