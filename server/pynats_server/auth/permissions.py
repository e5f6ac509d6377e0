"""Configured permissions in the form that the data plane checks."""

from __future__ import annotations

from pynats_common.go.text import bytes_of

from pynats_server import options as config
from pynats_server.core.permissions import Permissions


def compile_permissions(source: config.Permissions | None) -> Permissions | None:
    """The data plane's form of configured permissions; None stays None (unrestricted)."""
    if source is None:
        return None
    publish = source.publish or config.SubjectPermission()
    subscribe = source.subscribe or config.SubjectPermission()
    responses = source.responses
    # Users that are granted replies only may not publish anything else.
    only_replies = responses is not None and source.publish is None
    return Permissions(
        publish_allow=() if only_replies else _encode(publish.allow),
        publish_deny=_encode(publish.deny) or (),
        subscribe_allow=_encode(subscribe.allow),
        subscribe_deny=_encode(subscribe.deny) or (),
        responses=responses is not None,
        response_max=responses.max_msgs if responses else 1,
        response_ttl_ns=_ttl_ns(responses.ttl) if responses else 0,
    )


def barring(rights: config.Permissions | None, subject: str) -> config.Permissions:
    """The same permissions, without the one to publish to a subject."""
    found = config.Permissions() if rights is None else rights
    publish = found.publish
    if publish is None:  # whoever may only answer may publish nothing else
        publish = config.SubjectPermission([] if found.responses is not None else None)
    denied = config.SubjectPermission(publish.allow, [*publish.deny, subject])
    return config.Permissions(denied, found.subscribe, found.responses)


def _encode(subjects: list[str] | None) -> list[bytes] | None:
    if subjects is None:
        return None
    # A configured subject may hold any bytes, like one on the wire.
    return [bytes_of(subject) for subject in subjects]


TTL_MAX_NS = 2**63 - 1  # a JWT may say so


def _ttl_ns(seconds: float) -> int:
    return -1 if seconds < 0 else min(int(seconds * 1e9), TTL_MAX_NS)
