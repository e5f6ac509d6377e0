"""Reading `permissions` blocks: which subjects a user may publish and subscribe to."""

from __future__ import annotations

import re

from pynats_common.config import ConfigError, Node

from pynats_server.options import Permissions, ResponsePermission, SubjectPermission
from pynats_server.settings.durations import parse_duration
from pynats_server.settings.schema import Reading
from pynats_server.settings.values import go_type, integer, refuse

_PUBLISH = ("pub", "publish", "import")
_SUBSCRIBE = ("sub", "subscribe", "export")
_RESPONSES = ("publish_allow_responses", "allow_responses")
_MAX_MSGS = ("max", "max_msgs", "max_messages", "max_responses")
_EXPIRES = ("expires", "expiration", "ttl")
_WHITE = re.compile(r"[\t\n\f\r ]")


def read_permissions(reading: Reading, node: Node) -> Permissions:
    """A `permissions` block. Raises `ConfigError` if it is no block at all; lesser complaints go
    to `reading`."""
    if not isinstance(node.value, dict):
        refuse(node, f"Expected permissions to be a map/struct, got {go_type(node)}")
    permissions = Permissions()
    for key, item in node.value.items():
        try:
            _read_entry(reading, permissions, key, item)
        except ConfigError as error:
            reading.errors.append(str(error))
    if permissions.responses is not None:
        # Leave to answer takes the leave to publish anywhere away, unless some was given.
        publish = permissions.publish or SubjectPermission()
        publish.allow = publish.allow or []
        permissions.publish = publish
    return permissions


def _read_entry(reading: Reading, permissions: Permissions, key: str, node: Node) -> None:
    name = key.lower()
    if name in _PUBLISH:
        permissions.publish = _read_subject_permission(reading, node, queues=False)
    elif name in _SUBSCRIBE:
        permissions.subscribe = _read_subject_permission(reading, node, queues=True)
    elif name in _RESPONSES:
        permissions.responses = _read_responses(reading, node)
    elif not node.used:
        reading.complain(node, f'Unknown field "{key}" parsing permissions')


def _read_subject_permission(
    reading: Reading, node: Node, *, queues: bool
) -> SubjectPermission | None:
    if not isinstance(node.value, dict):
        return SubjectPermission(allow=_read_subjects(node, queues) or None)
    if not node.value:
        return None
    permission = SubjectPermission()
    for key, item in node.value.items():
        match key.lower():
            case "allow":
                permission.allow = _read_subjects(item, queues) or None
            case "deny":
                permission.deny = _read_subjects(item, queues)
            case _ if not item.used:
                reading.complain(
                    item,
                    f'Unknown field name "{key}" parsing subject permissions, '
                    "only 'allow' or 'deny' are permitted",
                )
    return permission


def _read_subjects(node: Node, queues: bool) -> list[str]:
    """A subject or an array of them. As in the real server an empty array sets nothing."""
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
            f"got {go_type(node)}",
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


def _read_responses(reading: Reading, node: Node) -> ResponsePermission | None:
    if isinstance(node.value, bool):
        return ResponsePermission() if node.value else None
    if not isinstance(node.value, dict):
        refuse(node, "error parsing response permissions, expected a boolean or a map")
    permission = ResponsePermission()
    for key, item in node.value.items():
        name = key.lower()
        if name in _MAX_MSGS:
            permission.max_msgs = integer()(reading, item, key) or permission.max_msgs
        elif name in _EXPIRES:
            if not isinstance(item.value, str):
                refuse(item, "error parsing expires, not a duration string")
            try:
                permission.ttl = parse_duration(item.value) or permission.ttl
            except ValueError as error:
                refuse(item, f"error parsing expires: {error}")
        elif not item.used:
            reading.complain(item, f'Unknown field "{key}" parsing permissions')
    return permission
