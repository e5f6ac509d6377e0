"""What events of servers say, as rows and in a line: clients, accounts, latency of services."""

from __future__ import annotations

from typing import Any

from pynats_cli.screen.human import bytes_text
from pynats_cli.servers.events.event import Event
from pynats_cli.servers.events.rows import Rows, add_library, clock, span

_CLIENT = (
    ("ID", "id"), ("User", "user"), ("Name", "name"), ("Account", "acc"), ("Host", "host"),
    ("Issuer Key", "issuer_key"), ("Name Tag", "name_tag"), ("Tags", "tags"),
    ("Client Kind", "kind"), ("Client Type", "client_type"), ("Client ID", "client_id"),
)  # fmt: skip
_SIDE = (
    ("Account", "acc"), ("Service", "svc"), ("User", "user"), ("Name", "name"),
    ("Server", "server"), ("Language", "lang"), ("Version", "ver"),
)  # fmt: skip


def _place(event: Event) -> Rows:
    rows = Rows()
    rows.add("Reason", event.text("reason"))
    rows.add("Server", event.text("server", "name"))
    rows.add("Cluster", event.text("server", "cluster"))
    return rows


def _add_client(rows: Rows, event: Event) -> None:
    client = event.fields.get("client")
    if not isinstance(client, dict):
        return
    rows.section("Client")
    for label, name in _CLIENT:
        rows.add(label, _text(client.get(name)))
        if name == "acc":
            add_library(rows, client)


def connect_rows(event: Event) -> Rows:
    rows = _place(event)
    _add_client(rows, event)
    return rows


def disconnect_rows(event: Event) -> Rows:
    rows = _place(event)
    _add_client(rows, event)
    rows.section("Stats")
    if event.number("client", "rtt"):
        rows.add("RTT", span(event.number("client", "rtt")))
    rows.add("Client Received", _traffic(event, "received"))
    rows.add("Client Published", _traffic(event, "sent"))
    return rows


def _traffic(event: Event, name: str) -> str:
    return f"{event.number(name, 'msgs')} messages ({bytes_text(event.number(name, 'bytes'))})"


def _who(event: Event) -> str:
    client = event.fields.get("client")
    user = _text(client.get("user")) if isinstance(client, dict) else ""
    cid, account = event.text("client", "id"), event.text("client", "acc")
    return f"{f'user: {user} ' if user else ''}cid: {cid} in account {account}"


def connect_line(event: Event) -> str:
    return f"[Connection] {_who(event)}"


def disconnect_line(event: Event) -> str:
    return f"[Disconnection] {_who(event)}: {event.text('reason')}"


def account_rows(event: Event) -> Rows:
    rows = Rows()
    rows.add("Account", event.text("acc"))
    rows.add("Server", event.text("server", "name"))
    rows.add("Cluster", event.text("server", "cluster"))
    rows.add("Connections", event.text("conns"))
    rows.add("Leaf Nodes", event.text("leafnodes"))
    rows.section("Stats")
    rows.add("Received", _traffic(event, "received"))
    rows.add("Published", _traffic(event, "sent"))
    rows.add("Slow Consumers", str(event.number("slow_consumers")))
    return rows


def account_line(event: Event) -> str:
    traffic = " ".join(
        f"{label}: {event.number(name, 'msgs')} / {bytes_text(event.number(name, 'bytes'))}"
        for label, name in (("Sent", "sent"), ("Received", "received"))
    )
    return (
        f"[Account] {event.text('acc')} Server: {event.text('server', 'name')} "
        f"Connections: {event.number('conns')} Leaf Nodes: {event.number('leafnodes')} "
        f"Slow: {event.number('slow_consumers')} {traffic}"
    )


def latency_title(event: Event) -> str:
    outcome = event.text("error") or event.text("description")
    return f"Service Latency - {outcome}" if outcome else "Service Latency"


def latency_rows(event: Event) -> Rows:
    rows = Rows()
    rows.add("Start Time", clock(event.fields.get("start")))
    rows.add("Status", event.text("status"))
    rows.add("Description", event.text("description"))
    rows.add("Error", event.text("error"))
    rows.section("Latencies")
    rows.add("Request Duration", span(event.fields.get("total")))
    rows.add("Requestor", span(event.number("requestor", "rtt")))
    rows.add("NATS System", span(event.fields.get("system")))
    rows.add("Service", span(event.fields.get("service")))
    for title in ("Requestor", "Responder"):
        side = event.fields.get(title.lower())
        if isinstance(side, dict) and side:
            rows.section(title)
            _add_side(rows, side)
    return rows


def _add_side(rows: Rows, side: dict[str, Any]) -> None:
    for label, name in _SIDE:
        rows.add(label, _text(side.get(name)))
    rows.add("RTT", span(side.get("rtt")))


def latency_line(event: Event) -> str:
    outcome = event.text("error") or event.text("description")
    parts = f"requestor {span(event.number('requestor', 'rtt'))} <-> system "
    parts += f"{span(event.fields.get('system'))} <- service rtt "
    parts += (
        f"{span(event.number('responder', 'rtt'))} -> service {span(event.fields.get('service'))}"
    )
    return f"[Svc Latency] {outcome + ' ' if outcome else ''}{parts}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return "" if value is None else str(value)
