"""Reads `permissions` blocks: the subjects a user may publish and subscribe to."""

from __future__ import annotations

import re

from pynats_common.config import Node, kind_of
from pynats_common.go.durations import parse_duration_s

from pynats_server.options import Permissions, ResponsePermission, SubjectPermission
from pynats_server.settings.schema import Reader, Reading, Setting, Table
from pynats_server.settings.values import integer, refuse

_WHITE = re.compile(r"[\t\n\f\r ]")


def read_permissions(reading: Reading, node: Node, key: str) -> Permissions:
    """A `permissions` block. Raises `ConfigError` if it is not a block; smaller complaints go to
    `reading`."""
    if not isinstance(node.value, dict):
        refuse(node, f"Expected permissions to be a map, got {kind_of(node.value)}")
    permissions = Permissions()
    PERMISSIONS.gather(reading, node.value, permissions)
    if permissions.responses is not None:
        # A user with `allow_responses` and no allowed subjects may only send replies.
        publish = permissions.publish or SubjectPermission()
        publish.allow = publish.allow or []
        permissions.publish = publish
    return permissions


def _subject_permission(table: Table) -> Reader:
    """A list of allowed subjects, or a block of `allow` and `deny`."""

    def read(reading: Reading, node: Node, key: str) -> SubjectPermission | None:
        permission = SubjectPermission()
        if not isinstance(node.value, dict):
            table.read(reading, {"allow": node}, permission)
        elif node.value:
            table.read(reading, node.value, permission)
        else:
            return None
        return permission

    return read


def _subjects(*, queues: bool) -> Reader:
    """A subject or an array of subjects. As in the real server, an empty array sets nothing."""

    def read(reading: Reading, node: Node, key: str) -> list[str]:
        return _read_subjects(node, queues)

    return read


def _store_allow(permission: SubjectPermission, subjects: list[str]) -> None:
    permission.allow = subjects or None


def _read_subjects(node: Node, queues: bool) -> list[str]:
    subjects: list[str] = []
    if isinstance(node.value, str):
        subjects.append(node.value)
    elif isinstance(node.value, list):
        for item in node.value:
            if not isinstance(item.value, str):
                refuse(item, "Subject in permissions array cannot be cast to string")
            subjects.append(item.value)
    else:
        refuse(
            node,
            "Expected subject permissions to be a subject, or array of subjects, "
            f"got {kind_of(node.value)}",
        )
    for subject in subjects:
        _check_subject(node, subject, queues)
    return subjects


def _check_subject(node: Node, subject: str, queues: bool) -> None:
    if is_subject_pattern(subject):
        return
    words = subject.split()
    if not queues or len(words) != 2:
        refuse(node, f'subject "{subject}" is not a valid subject')
    if not is_subject_pattern(words[0]):
        refuse(node, f'subject "{words[0]}" is not a valid subject')
    if not is_subject_pattern(words[1]):
        refuse(node, f'queue "{words[1]}" is not a valid queue')


def is_subject_pattern(text: str) -> bool:
    """Whether `text` is a subject, wildcards allowed."""
    tokens = text.split(".")
    return all(tokens) and ">" not in tokens[:-1] and not _WHITE.search(text)


def _read_responses(reading: Reading, node: Node, key: str) -> ResponsePermission | None:
    if isinstance(node.value, bool):
        return ResponsePermission() if node.value else None
    if not isinstance(node.value, dict):
        refuse(node, "error parsing response permissions, expected a boolean or a map")
    permission = ResponsePermission()
    RESPONSES.read(reading, node.value, permission)
    return permission


def _read_expires(reading: Reading, node: Node, key: str) -> float:
    if not isinstance(node.value, str):
        refuse(node, "error parsing expires, not a duration string")
    try:
        return parse_duration_s(node.value)
    except ValueError as error:
        refuse(node, f"error parsing expires: {error}")


_UNKNOWN = 'Unknown field "{key}" parsing permissions'
_UNKNOWN_LIST = (
    "Unknown field name \"{key}\" parsing subject permissions, only 'allow' or 'deny' are permitted"
)
PUBLISH = Table(
    SubjectPermission,
    Setting("allow", "subjects", _subjects(queues=False), store=_store_allow),
    Setting("deny", "subjects, even where allowed", _subjects(queues=False)),
    unknown=_UNKNOWN_LIST,
)
SUBSCRIBE = Table(
    SubjectPermission,
    Setting("allow", 'subjects, or "subject queue"', _subjects(queues=True), store=_store_allow),
    Setting("deny", 'subjects, or "subject queue", even where allowed', _subjects(queues=True)),
    unknown=_UNKNOWN_LIST,
)
RESPONSES = Table(
    ResponsePermission,
    Setting(
        "max_msgs",
        "replies to one request, negative = any number",
        integer(),
        ("max", "max_messages", "max_responses"),
        zero_is_default=True,
    ),
    Setting(
        "ttl",
        "time in which they may be sent, negative = any",
        _read_expires,
        ("expires", "expiration"),
        zero_is_default=True,
    ),
    unknown=_UNKNOWN,
)
PERMISSIONS = Table(
    Permissions,
    Setting(
        "publish",
        "subjects it may publish to: a list, or a block",
        _subject_permission(PUBLISH),
        ("pub", "import"),
        block=PUBLISH,
    ),
    Setting(
        "subscribe",
        "subjects it may subscribe to: a list, or a block",
        _subject_permission(SUBSCRIBE),
        ("sub", "export"),
        block=SUBSCRIBE,
    ),
    Setting(
        "allow_responses",
        "replying to requests that it received: true, or a block",
        _read_responses,
        ("publish_allow_responses",),
        field="responses",
        block=RESPONSES,
    ),
    unknown=_UNKNOWN,
)
