"""Reads an account's `msg_trace`: where events of messages go whose headers carry a trace context
(W3C), and how many of them are traced
(docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts)."""

from __future__ import annotations

from pynats_common.config import Node, kind_of
from pynats_common.subjects import is_valid_publish_subject

from pynats_server.options import TraceOptions
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.values import PercentWords, percentage, refuse

SAMPLING = PercentWords(
    unread='Invalid trace destination sampling value "{text}"',
    other='Trace destination sampling field "{key}" should be an integer or a percentage, '
    "got {kind}",
    beyond="Trace destination sampling value {value} is invalid, needs to be [1..100]",
)


def read_trace(reading: Reading, node: Node, key: str) -> TraceOptions | None:
    """A destination, or a block."""
    if isinstance(node.value, str):
        return TraceOptions(_destination(reading, node, key))
    if not isinstance(node.value, dict):
        refuse(
            node,
            f'Expected account message trace "{key}" to be a string or a map/struct, '
            f"got {kind_of(node.value)}",
        )
    trace = TraceOptions()
    unknown = [name for name, each in node.value.items() if not (TRACE.find(name) or each.used)]
    if unknown:
        refuse(
            node.value[unknown[0]],
            f'Unknown field "{unknown[0]}" parsing account message trace map/struct "{key}"',
        )
    seen = TRACE.read(reading, node.value, trace)
    if "sampling" in seen and "dest" not in seen:
        refuse(node, "Trace destination sampling ignored since no destination was set")
    return trace if "dest" in seen else None


def _destination(reading: Reading, node: Node, key: str) -> str:
    if not isinstance(node.value, str):
        refuse(node, f'Field "{key}" should be a string, got {kind_of(node.value)}')
    if not is_valid_publish_subject(node.value):
        refuse(node, f'Trace destination "{node.value}" is not valid')
    return node.value


def _sampling(reading: Reading, node: Node, key: str) -> int:
    return percentage(node, key, 1, SAMPLING)


TRACE = Table(
    TraceOptions,
    Setting("dest", "the subject of the events", _destination),
    Setting("sampling", "per cent of the messages", _sampling),
)
