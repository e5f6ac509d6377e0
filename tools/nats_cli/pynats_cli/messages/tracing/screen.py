"""The way of a message as a tree of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pynats_common.go.durations import human_duration_ns
from pynats_common.go.quoting import quote

from pynats_cli.messages.tracing import hops
from pynats_cli.messages.tracing.hops import Event, Told

LEGEND = (
    "Legend: Client: --C Router: --> Gateway: ==> Leafnode: ~~> JetStream: --J Error: --X"
)  # fmt: skip
_STEP = 4
_KINDS = {
    hops.CLIENT: ("Client", "--C", "cid"),
    hops.ROUTER: ("Router", "-->", "rid"),
    hops.GATEWAY: ("Gateway", "==>", "gid"),
    hops.LEAF: ("Leafnode", "~~>", "lid"),
    hops.SYSTEM: ("System", "--C", "cid"),
    hops.JETSTREAM: ("JetStream", "--J", "cid"),
    hops.ACCOUNT: ("Account", "--C", "cid"),
}
_ORDER = ("Client", "Router", "Gateway", "Leafnode", "JetStream")


def route_screen(first: Told, timestamps: bool) -> str:
    """The tree, the legend, and how many copies were sent to whom."""
    start_ns = first.ingress.time_ns if first.ingress else 0
    lines = [*_server(first, 0, start_ns if timestamps else None), "", LEGEND]
    streams = sorted(_streams(first))
    if len(streams) > 1:
        lines += ["", f"WARNING: the message is stored in several streams: {', '.join(streams)}"]
    if counts := _counts(first):
        width = 2 + max(map(len, counts))
        lines += ["", "Egress Count:", ""]
        lines += [f"{name.rjust(width)}: {number}" for name, number in counts.items()]
    return "\n".join(lines)


def _server(told: Told, depth: int, start_ns: int | None) -> Iterator[str]:
    """`start_ns` is None when no times are shown."""
    indent = " " * (depth * _STEP)

    def at(event: Event | None) -> str:
        if start_ns is None:
            return indent
        passed = max(event.time_ns - start_ns, 0) if event is not None else 0
        return f"{indent}[{human_duration_ns(passed)}] "

    ingress = told.ingress
    yield at(ingress) + _ingress(told, ingress)
    if ingress is not None and ingress.error:
        yield f"{indent}--X Error: {ingress.error}"
    for event in told.events:
        if text := _inside(event):
            yield at(event).ljust(len(indent) + _STEP) + text
        elif event.type == hops.STORED:
            yield at(event) + _stored(event)
        elif event.type == hops.EGRESS:
            yield at(event) + _egress(event)
        else:
            continue
        if event.error:
            yield f"{indent}--X Error: {event.error}"
        if event.type == hops.EGRESS and event.hop in told.next:
            yield from _server(told.next[event.hop], depth + 1, start_ns)
    if not told.sent() and ingress is not None and ingress.kind == hops.CLIENT:
        yield f"{indent}--X No active interest"


def _ingress(told: Told, event: Event | None) -> str:
    name, _, ids = _KINDS.get(event.kind if event else 0, _KINDS[hops.CLIENT])
    text = name
    if event is not None:
        text += f" {quote(event.text('name'))} {ids}:{event.content.get('cid', 0)}"
    cluster = str(told.server.get("cluster") or "")
    # Routes stay in a cluster; who comes from elsewhere sees where he is.
    if cluster and event is not None and event.kind in (hops.CLIENT, hops.GATEWAY):
        text += f" cluster:{quote(cluster)}"
    server, version = (str(told.server.get(key) or "") for key in ("name", "ver"))
    return f"{text} server:{quote(server)} version:{quote(version)}"


def _inside(event: Event) -> str:
    if event.type == hops.MAPPED:
        return f"Mapping subject:{quote(event.text('to'))}"
    if event.type == hops.IMPORTED:
        return (
            f"Service Import from:{quote(event.text('from'))} to:{quote(event.text('to'))} "
            f"account:{quote(event.text('acc'))}"
        )
    if event.type == hops.EXPORTED:
        return f"Stream Export subject:{quote(event.text('to'))} account:{quote(event.text('acc'))}"
    return ""


def _stored(event: Event) -> str:
    action = "stored"
    if event.error:
        action = "refused"
    elif event.content.get("nointerest"):
        action = "no interest"
    text = f"--J JetStream action:{quote(action)} stream:{quote(event.text('stream'))}"
    return text + (f" subject:{quote(event.text('subject'))}" if event.text("subject") else "")


def _egress(event: Event) -> str:
    name, arrow, ids = _KINDS.get(event.kind, _KINDS[hops.CLIENT])
    text = f"{arrow} {name} {quote(event.text('name'))} {ids}:{event.content.get('cid', 0)}"
    for label, key in (("subject", "sub"), ("queue", "queue"), ("account", "acc")):
        if event.text(key):
            text += f" {label}:{quote(event.text(key))}"
    return text


def _streams(first: Told) -> set[str]:
    return {
        event.text("stream")
        for told in first.everywhere()
        for event in told.events
        if event.type == hops.STORED and not event.error and not event.content.get("nointerest")
    }


def _counts(first: Told) -> dict[str, int]:
    found: Counter[str] = Counter()
    for told in first.everywhere():
        for event in told.events:
            if event.type == hops.EGRESS:
                found[_KINDS.get(event.kind, _KINDS[hops.CLIENT])[0]] += 1
            elif event.type == hops.STORED:
                found["JetStream"] += 1
    names = [*_ORDER, *(name for name in found if name not in _ORDER)]
    return {name: found[name] for name in names if found[name]}
