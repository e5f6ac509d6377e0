"""Reads limits of publishing: what one may publish in a second, and what happens to the rest."""

from __future__ import annotations

from pynats_common.config import Node, kind_of

from pynats_server.options import RATE_MAX, PublishLimits
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.values import choice, integer, refuse

_whole = integer(high=RATE_MAX)


def _rate(reading: Reading, node: Node, key: str) -> int:
    value: int = _whole(reading, node, key)
    if value == 0:
        refuse(node, f"{key} must be above zero; negative = no limit")
    return value


def rate_settings(path: str = "") -> tuple[Setting, ...]:
    """The keys, for a block that keeps them under `path`."""
    return (
        Setting(
            "max_publish_rate",
            "messages published in a second, and at once",
            _rate,
            field=path + "max_publish_rate",
            ours=True,
        ),
        Setting(
            "max_publish_bytes",
            "bytes of messages published in a second, and at once",
            _rate,
            field=path + "max_publish_bytes",
            ours=True,
        ),
        Setting(
            "publish_limit_action",
            "what is beyond these two: throttle (it waits) or refuse",
            choice("throttle", "refuse"),
            field=path + "publish_limit_action",
            ours=True,
        ),
    )


RATES = Table(
    PublishLimits, *rate_settings(), unknown='Unknown field "{key}" parsing limits of a user'
)


def read_publish_limits(reading: Reading, node: Node, key: str) -> PublishLimits:
    """The `limits` of a user, or those of users without their own."""
    if not isinstance(node.value, dict):
        refuse(node, f"Expected {key} to be a map, got {kind_of(node.value)}")
    limits = PublishLimits()
    RATES.read(reading, node.value, limits)
    return limits
