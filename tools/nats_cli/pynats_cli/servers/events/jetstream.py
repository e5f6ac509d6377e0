"""What JetStream's advisories and metrics say, as rows and in a line."""

from __future__ import annotations

from pynats_cli.screen.human import bytes_text, local_time, thousands
from pynats_cli.servers.events.event import Event, instant_ns
from pynats_cli.servers.events.rows import Rows, add_client, add_replicas, clock, span, time_of_day


def _asset_rows(event: Event) -> Rows:
    rows = Rows()
    rows.add("Stream", event.text("stream"))
    rows.add("Consumer", event.text("consumer"))
    return rows


def _asset(event: Event) -> str:
    stream, consumer = event.text("stream"), event.text("consumer")
    return f"{stream} > {consumer}" if consumer else stream


def api_rows(event: Event) -> Rows:
    rows = Rows()
    rows.add("Server", event.text("server"))
    rows.add("Subject", event.text("subject"))
    rows.add("Domain", event.text("domain"))
    add_client(rows, event.fields.get("client"))
    rows.section("Request")
    rows.text(event.text("request") or "Empty Request")
    rows.section("Response")
    rows.text(event.text("response") or "Empty Response")
    return rows


def api_line(event: Event) -> str:
    who = f"{event.text('client', 'user')} @ {event.text('client', 'acc')}"
    return f"[JS API] {event.text('subject')} {who}"


def action_rows(event: Event) -> Rows:
    rows = _asset_rows(event)
    rows.add("Template", event.text("template"))
    rows.add("Domain", event.text("domain"))
    return rows


def consumer_action_line(event: Event) -> str:
    return f"[Consumer {event.text('action').title()}] {_asset(event)}"


def stream_action_line(event: Event) -> str:
    return f"[Stream {event.text('action').title()}] {_asset(event)}"


def pinned_rows(event: Event) -> Rows:
    rows = _asset_rows(event)
    rows.add("Group", event.text("group"))
    rows.add("Domain", event.text("domain"))
    rows.add("Pinned Client", event.text("pinned_id"))
    return rows


def pinned_line(event: Event) -> str:
    return (
        f"[PINNED] Consumer {_asset(event)} pinned client {event.text('pinned_id')} "
        f"for group {event.text('group')}"
    )


def unpinned_rows(event: Event) -> Rows:
    rows = _asset_rows(event)
    rows.add("Group", event.text("group"))
    rows.add("Domain", event.text("domain"))
    rows.add("Reason", event.text("reason"))
    return rows


def unpinned_line(event: Event) -> str:
    return (
        f"[UNPINNED] Consumer {_asset(event)} unpinned client for group {event.text('group')}: "
        f"{event.text('reason')}"
    )


def _paused_until(event: Event) -> str:
    until = event.text("pause_until")
    return local_time(until) if instant_ns(until) else ""


def pause_rows(event: Event) -> Rows:
    rows = _asset_rows(event)
    rows.add("Paused", "true" if event.fields.get("paused") else "false")
    rows.add("Until", _paused_until(event))
    rows.add("Domain", event.text("domain"))
    return rows


def pause_line(event: Event) -> str:
    paused = "true" if event.fields.get("paused") else "false"
    until = _paused_until(event)
    return f"[Consumer Pause] Consumer: {_asset(event)} Paused: {paused}" + (
        f" until {until}" if until else ""
    )


def election_rows(event: Event) -> Rows:
    rows = _asset_rows(event)
    rows.add("Leader", event.text("leader"))
    rows.add("Cluster", event.text("cluster"))
    rows.add("Domain", event.text("domain"))
    add_replicas(rows, event)
    return rows


def _peers(event: Event) -> str:
    return f"of {len(event.items('replicas'))} peers"


def consumer_election_line(event: Event) -> str:
    return f"[RAFT] Consumer {_asset(event)} elected {event.text('leader')} {_peers(event)}"


def stream_election_line(event: Event) -> str:
    return f"[RAFT] Stream {_asset(event)} elected {event.text('leader')} {_peers(event)}"


def consumer_quorum_line(event: Event) -> str:
    return f"[RAFT] Consumer {_asset(event)} lost quorum {_peers(event)}"


def stream_quorum_line(event: Event) -> str:
    return f"[RAFT] Stream {_asset(event)} lost quorum {_peers(event)}"


def domain_line(event: Event) -> str:
    return (
        f"[RAFT] Domain leader elected {event.text('leader')} in cluster {event.text('cluster')} "
        f"leader {_peers(event)}"
    )


def delivery_rows(event: Event) -> Rows:
    rows = Rows()
    rows.add("Consumer", _asset(event))
    rows.add("Stream Sequence", event.text("stream_seq"))
    rows.add("Deliveries", event.text("deliveries"))
    rows.add("Reason", event.text("reason"))
    rows.add("Domain", event.text("domain"))
    return rows


def delivery_line(event: Event, what: str) -> str:
    line = (
        f"[{what}] {event.text('stream')} ({event.text('stream_seq')}) > "
        f"{event.text('consumer')}: {event.text('deliveries')} deliveries"
    )
    return f"{line}: {event.text('reason')}" if event.text("reason") else line


def outcome(event: Event) -> str:
    """How a transfer ended."""
    return "Failed" if event.text("error") else "Completed"


def transfer_rows(event: Event) -> Rows:
    rows = _asset_rows(event)
    rows.add("Error", event.text("error"))
    rows.add("Start", clock(event.fields.get("start")))
    rows.add("End", clock(event.fields.get("end")))
    if event.number("bytes"):
        rows.add("Bytes", bytes_text(event.number("bytes")))
    rows.add("Domain", event.text("domain"))
    add_client(rows, event.fields.get("client"))
    return rows


def snapshot_rows(event: Event) -> Rows:
    rows = _asset_rows(event)
    rows.add("Messages", thousands(event.number("state", "messages")))
    rows.add("Bytes", bytes_text(event.number("state", "bytes")))
    first, last = event.number("state", "first_seq"), event.number("state", "last_seq")
    rows.add("Sequences", f"{thousands(first)} - {thousands(last)}")
    rows.add("Domain", event.text("domain"))
    add_client(rows, event.fields.get("client"))
    return rows


def restore_create_line(event: Event) -> str:
    return f"[Restore Create] {_asset(event)}"


def restore_line(event: Event) -> str:
    return (
        f"[Restore Complete] {_asset(event)} restored {bytes_text(event.number('bytes'))} "
        f"{_from_to(event)}"
    )


def snapshot_create_line(event: Event) -> str:
    state = (
        f"{event.number('state', 'messages')} messages {bytes_text(event.number('state', 'bytes'))}"
    )
    return f"[Snapshot Create] {_asset(event)} {state}"


def snapshot_line(event: Event) -> str:
    error = event.text("error")
    what = "Snapshot Failed" if error else "Snapshot Complete"
    return f"[{what}] {_asset(event)} {_from_to(event)}" + (f": {error}" if error else "")


def _from_to(event: Event) -> str:
    start, end = (time_of_day(instant_ns(event.fields.get(name))) for name in ("start", "end"))
    return f"started {start} ended {end}"


def server_rows(event: Event) -> Rows:
    rows = Rows()
    rows.add("Server", f"{event.text('server')} - {event.text('server_id')}")
    rows.add("Cluster", event.text("cluster"))
    rows.add("Stream", event.text("stream"))
    rows.add("Domain", event.text("domain"))
    return rows


def server_line(event: Event, what: str, happened: str) -> str:
    where = f"{event.text('server')} ({event.text('server_id')}) in cluster {event.text('cluster')}"
    return f"[{what}] {where} {happened}"


def batch_rows(event: Event) -> Rows:
    rows = Rows()
    for label in ("Account", "Domain", "Stream", "Batch", "Reason"):
        rows.add(label, event.text(label.lower()))
    return rows


def batch_line(event: Event) -> str:
    domain = event.text("domain")
    where = f"{event.text('stream')} in domain {domain}" if domain else event.text("stream")
    return (
        f"[Batch Abandoned] {where} abandoned batch {event.text('batch')}: {event.text('reason')}"
    )


def ack_rows(event: Event) -> Rows:
    rows = Rows()
    rows.add("Consumer", _asset(event))
    rows.add("Stream Sequence", event.text("stream_seq"))
    rows.add("Consumer Sequence", event.text("consumer_seq"))
    rows.add("Deliveries", event.text("deliveries"))
    rows.add("Delay", span(event.fields.get("ack_time")))
    rows.add("Domain", event.text("domain"))
    return rows


def ack_line(event: Event) -> str:
    return (
        f"[JS Ack] {event.text('stream')} ({event.text('stream_seq')}) > "
        f"{event.text('consumer')} ({event.text('consumer_seq')}): "
        f"{event.text('deliveries')} deliveries in {span(event.fields.get('ack_time'))}"
    )
