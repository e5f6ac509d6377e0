"""Every kind of event: its title, its rows, and its one line. One row of the table each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pynats_cli.servers.events import jetstream, servers
from pynats_cli.servers.events.event import Event
from pynats_cli.servers.events.rows import Rows

ADVISORY = "io.nats.jetstream.advisory.v1."
SERVER = "io.nats.server.advisory.v1."


@dataclass(frozen=True)
class Kind:
    """How events of a type are shown."""

    title: Callable[[Event], str]
    rows: Callable[[Event], Rows]
    line: Callable[[Event], str]


def _titled(title: str, rows: Callable[[Event], Rows], line: Callable[[Event], str]) -> Kind:
    return Kind(lambda _event: title, rows, line)


KINDS: dict[str, Kind] = {
    ADVISORY + "api_audit": _titled(
        "JetStream API Access", jetstream.api_rows, jetstream.api_line
    ),
    ADVISORY + "consumer_action": Kind(
        lambda event: f"Consumer {event.text('action').title()} Action",
        jetstream.action_rows, jetstream.consumer_action_line,
    ),
    ADVISORY + "stream_action": Kind(
        lambda event: f"Stream {event.text('action').title()} Action",
        jetstream.action_rows, jetstream.stream_action_line,
    ),
    ADVISORY + "consumer_group_pinned": _titled(
        "Grouped Consumer Pinned a Client", jetstream.pinned_rows, jetstream.pinned_line
    ),
    ADVISORY + "consumer_group_unpinned": _titled(
        "Grouped Consumer Un-Pinned a Client", jetstream.unpinned_rows, jetstream.unpinned_line
    ),
    ADVISORY + "consumer_pause": _titled(
        "Consumer Pause", jetstream.pause_rows, jetstream.pause_line
    ),
    ADVISORY + "consumer_leader_elected": _titled(
        "Consumer Leader Election", jetstream.election_rows, jetstream.consumer_election_line
    ),
    ADVISORY + "consumer_quorum_lost": _titled(
        "Consumer Quorum Lost", jetstream.election_rows, jetstream.consumer_quorum_line
    ),
    ADVISORY + "stream_leader_elected": _titled(
        "Stream Leader Election", jetstream.election_rows, jetstream.stream_election_line
    ),
    ADVISORY + "stream_quorum_lost": _titled(
        "Stream Quorum Lost", jetstream.election_rows, jetstream.stream_quorum_line
    ),
    ADVISORY + "domain_leader_elected": _titled(
        "Domain Leader Election", jetstream.election_rows, jetstream.domain_line
    ),
    ADVISORY + "max_deliver": _titled(
        "Delivery Attempts Exceeded", jetstream.delivery_rows,
        lambda event: jetstream.delivery_line(event, "JS Max Deliveries"),
    ),
    ADVISORY + "nak": _titled(
        "Delivery NAKed", jetstream.delivery_rows,
        lambda event: jetstream.delivery_line(event, "JS Delivery NAKed"),
    ),
    ADVISORY + "terminated": _titled(
        "Delivery Terminated", jetstream.delivery_rows,
        lambda event: jetstream.delivery_line(event, "JS Delivery Terminated"),
    ),
    ADVISORY + "restore_create": _titled(
        "Stream Restore Created", jetstream.transfer_rows, jetstream.restore_create_line
    ),
    ADVISORY + "restore_complete": _titled(
        "Stream Restore Completed", jetstream.transfer_rows, jetstream.restore_line
    ),
    ADVISORY + "snapshot_create": _titled(
        "Stream Snapshot Created", jetstream.snapshot_rows, jetstream.snapshot_create_line
    ),
    ADVISORY + "snapshot_complete": Kind(
        lambda event: f"Stream Snapshot {jetstream.outcome(event)}",
        jetstream.transfer_rows, jetstream.snapshot_line,
    ),
    ADVISORY + "server_out_of_space": _titled(
        "Out of Disk Space", jetstream.server_rows,
        lambda event: jetstream.server_line(event, "Out of Space", "ran out of disk space"),
    ),
    ADVISORY + "server_removed": _titled(
        "Server Removed", jetstream.server_rows,
        lambda event: jetstream.server_line(event, "Server Removed", "was removed"),
    ),
    ADVISORY + "stream_batch_abandoned": _titled(
        "Publish Batch Abandoned", jetstream.batch_rows, jetstream.batch_line
    ),
    "io.nats.jetstream.metric.v1.consumer_ack": _titled(
        "Acknowledgment Sample", jetstream.ack_rows, jetstream.ack_line
    ),
    SERVER + "account_connections": _titled(
        "Account Status", servers.account_rows, servers.account_line
    ),
    SERVER + "client_connect": _titled(
        "Client Connection", servers.connect_rows, servers.connect_line
    ),
    SERVER + "client_disconnect": _titled(
        "Client Disconnection", servers.disconnect_rows, servers.disconnect_line
    ),
    "io.nats.server.metric.v1.service_latency": Kind(
        servers.latency_title, servers.latency_rows, servers.latency_line
    ),
}  # fmt: skip
KNOWN = frozenset(KINDS)
