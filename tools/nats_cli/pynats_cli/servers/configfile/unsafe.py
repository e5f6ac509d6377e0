"""Settings that a server takes, and that somebody will be sorry for: one function for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from pynats_common.config import Node, NodeMap

from pynats_cli.servers.configfile.findings import Findings

_HASHES = ("$2a$", "$2b$", "$2x$", "$2y$")
_SECRETS = ("password", "pass", "token")
_LOOPBACK = ("localhost", "127.", "::1", "[::1]")
_LARGE_PAYLOAD = 8 * 1024 * 1024
_LONG_TIMEOUT_S = 60
_ACCESS = (
    "authorization", "accounts", "operator", "operators", "root", "roots", "root_operator",
    "root_operators", "trusted_keys", "trusted",
)  # fmt: skip


def look_for_unsafe(entries: NodeMap, findings: Findings) -> None:
    """All of them."""
    top = {key.lower(): node for key, node in entries.items()}
    _passwords(entries, findings)
    _insecure_tls(entries, findings)
    _open_doors(top, findings)
    _limits(top, findings)
    _storage(top, findings)


def _walk(entries: NodeMap) -> Iterator[tuple[str, Node]]:
    """Each key with its node, at any depth."""
    pending = [entries]
    while pending:
        block = pending.pop()
        for key, node in block.items():
            yield key.lower(), node
            inner = node.value if isinstance(node.value, list) else [node]
            pending += [item.value for item in inner if isinstance(item.value, dict)]


def _passwords(entries: NodeMap, findings: Findings) -> None:
    for key, node in _walk(entries):
        value = node.value
        if key not in _SECRETS or not isinstance(value, str) or not value:
            continue
        if value.startswith(_HASHES) or value.startswith("eyJ") or _refers(node):
            continue
        findings.warn(
            node.position,
            "plaintext-password",
            f'"{key}" is plain text: a bcrypt hash, an NKey or a variable is safer',
        )


def _refers(node: Node) -> bool:
    text = node.source.text
    rest = text[node.offset : node.offset + 200].partition("\n")[0]
    return "$" in rest.partition("#")[0]


def _insecure_tls(entries: NodeMap, findings: Findings) -> None:
    reasons = {
        "insecure": "certificates of the other side are not checked",
        "allow_insecure_cipher_suites": "broken cipher suites are allowed",
        "no_tls": "WebSocket clients send their credentials without TLS",
        "allow_non_tls": "clients may send their credentials without TLS",
    }
    for key, node in _walk(entries):
        if node.value is True and key in reasons:
            findings.warn(node.position, "insecure-tls", f'"{key}": {reasons[key]}')


def _text_of(node: Node | None) -> str:
    return str(node.value) if node is not None and isinstance(node.value, (str, int)) else ""


def _is_local(text: str) -> bool:
    return text.lower().startswith(_LOOPBACK)


def _host(top: dict[str, Node]) -> str:
    listen = _text_of(top.get("listen"))
    if ":" in listen:
        return listen.rpartition(":")[0]
    return _text_of(top.get("host") or top.get("net"))


def _open_doors(top: dict[str, Node], findings: Findings) -> None:
    """Who can come in from other machines."""
    first = next(iter(top.values()), None)
    if first is None:
        return
    local = _is_local(_host(top))
    place = top.get("listen") or top.get("port") or top.get("host") or first
    has_access = any(name in top for name in _ACCESS)
    if not has_access and not local:
        findings.warn(
            place.position,
            "no-authorization",
            "anybody who reaches the server may do everything: neither authorization nor accounts "
            "are configured",
        )
    if has_access and "tls" not in top and not local:
        findings.warn(
            place.position, "no-tls", "credentials and messages of clients travel without TLS"
        )
    for name in ("http", "http_port", "monitor_port"):
        node = top.get(name)
        if node is None or "http_auth" in top or _text_of(node) in ("0", ""):
            continue
        if not _is_local(_text_of(node)) and not (local and ":" not in _text_of(node)):
            findings.warn(
                node.position,
                "open-monitoring",
                f'"{name}": monitoring is open to all who reach it; listen on 127.0.0.1',
            )
    for name in ("cluster", "gateway", "leafnodes", "leaf"):
        _peers(name, top.get(name), findings)


def _peers(name: str, node: Node | None, findings: Findings) -> None:
    if node is None or not isinstance(node.value, dict):
        return
    block = {key.lower(): inner for key, inner in node.value.items()}
    listens = any(key in block for key in ("listen", "port"))
    if listens and "authorization" not in block and "tls" not in block:
        findings.warn(
            node.position,
            "open-peers",
            f'"{name}": any server that reaches the port may join; neither authorization nor tls '
            "is configured",
        )


def _limits(top: dict[str, Node], findings: Findings) -> None:
    payload, pending = top.get("max_payload"), top.get("max_pending")
    if payload is not None and isinstance(payload.value, int):
        if payload.value > _LARGE_PAYLOAD:
            findings.warn(
                payload.position,
                "large-payload",
                "maximum payloads over 8.00 MB are generally discouraged and could lead to poor "
                "performance",
            )
        most = pending.value if pending is not None else 64 * 1024 * 1024
        if isinstance(most, int) and payload.value > most:
            findings.error(
                payload.position, "limits", f"max_payload ({payload.value}) cannot be higher than "
                f"max_pending ({most})",
            )  # fmt: skip
    block = top.get("authorization")
    if block is not None and isinstance(block.value, dict):
        timeout = block.value.get("timeout")
        value = timeout.value if timeout is not None else 0
        if timeout is not None and isinstance(value, (int, float)) and value > _LONG_TIMEOUT_S:
            findings.error(
                timeout.position,
                "limits",
                "authorization timeout is above 60 seconds: connections that never log in stay",
            )
    for name in ("debug", "trace", "trace_verbose"):
        node = top.get(name)
        if node is not None and node.value is True:
            findings.warn(
                node.position,
                "logging",
                f'"{name}" slows the server down'
                + (", and messages stand in the log" if name != "debug" else ""),
            )


def _storage(top: dict[str, Node], findings: Findings) -> None:
    node = top.get("jetstream")
    if node is None or node.value is False or _text_of(node).lower().startswith("disable"):
        return
    block = node.value if isinstance(node.value, dict) else {}
    inner = {key.lower(): value for key, value in block.items()}
    if (enabled := inner.get("enabled") or inner.get("enable")) and enabled.value is False:
        return
    names = ("store_dir", "storedir", "store")
    folder = next((inner[name] for name in names if name in inner), None)
    folder = folder or top.get("store_dir") or top.get("storedir")
    if folder is None:
        findings.warn(
            node.position, "temporary-storage",
            "JetStream has no store_dir: it keeps its data in a temporary folder",
        )  # fmt: skip
    elif PurePath(_text_of(folder)).parts[:2] in (("/", "tmp"), ("/", "dev")):
        findings.warn(
            folder.position,
            "temporary-storage",
            f"{_text_of(folder)} may be emptied when the machine starts",
        )
