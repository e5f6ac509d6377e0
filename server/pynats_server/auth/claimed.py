"""Permissions and limits of JWTs in the form in which configured users have them."""

from __future__ import annotations

from typing import Final, Protocol

from pynats_server.auth.base import UNLIMITED
from pynats_server.options import Permissions, ResponsePermission, SubjectPermission

RESPONSE_TTL_S: Final = 120.0  # without another


class Lists(Protocol):
    """Subjects of one kind."""

    @property
    def allow(self) -> list[str]: ...
    @property
    def deny(self) -> list[str]: ...


class Responses(Protocol):
    """How often and how long somebody may answer; 0 = as usual."""

    @property
    def max(self) -> int: ...
    @property
    def ttl(self) -> int:
        """ns"""


class Claimed(Protocol):
    """The part of a JWT."""

    @property
    def pub(self) -> Lists: ...
    @property
    def sub(self) -> Lists: ...
    @property
    def resp(self) -> Responses | None: ...


def permissions_of(claimed: Claimed) -> Permissions | None:
    """None without any."""
    found = Permissions(_subjects(claimed.pub), _subjects(claimed.sub))
    if claimed.resp is not None:
        ttl = claimed.resp.ttl / 1e9 or RESPONSE_TTL_S
        found.responses = ResponsePermission(claimed.resp.max or 1, ttl)
        # Who may answer and is allowed nothing else may publish nothing else.
        publish = found.publish or SubjectPermission()
        found.publish = SubjectPermission(publish.allow or [], publish.deny)
    return found if found.publish is not None or found.subscribe is not None else None


def _subjects(lists: Lists) -> SubjectPermission | None:
    if not lists.allow and not lists.deny:
        return None
    return SubjectPermission(lists.allow or None, lists.deny)


def limit_of(value: int) -> int:
    """A limit as ours: below -1, which is none, nothing is allowed."""
    return value if value >= UNLIMITED else 0
