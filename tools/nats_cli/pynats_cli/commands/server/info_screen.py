"""The screen of `server info`, from VARZ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import bytes_text, duration, local_time, number, thousands


def info_screen(varz: dict[str, Any]) -> Columns:
    """Everything that is configured and counted."""
    name, server_id = varz.get("server_name"), varz.get("server_id")
    known = str(server_id) if name in (None, "", server_id) else f"{name} ({server_id})"
    screen = Columns(f"Server information for {known}")
    _process(screen, varz)
    _connections(screen, varz)
    if (varz.get("jetstream") or {}).get("config"):
        _jetstream(screen, varz["jetstream"])
    _limits(screen, varz)
    _statistics(screen, varz)
    _cluster(screen, varz)
    _gateway(screen, varz)
    return screen


def _process(screen: Columns, varz: dict[str, Any]) -> None:
    screen.section("Process Details")
    screen.add("Version", _text(varz, "version"))
    screen.add("Git Commit", _text(varz, "git_commit"))
    screen.add("Go Version", _text(varz, "go"))
    screen.add("Start Time", local_time(varz.get("start")))
    screen.add("Configuration Load Time", local_time(varz.get("config_load_time")))
    screen.add_if("Configuration Digest", _text(varz, "config_digest"))
    screen.add("Uptime", _text(varz, "uptime"))


def _connections(screen: Columns, varz: dict[str, Any]) -> None:
    screen.section("Connection Details")
    screen.add("Auth Required", _yes(varz.get("auth_required")))
    screen.add("TLS Required", _yes(varz.get("tls_required")))
    screen.add("Host", f"{varz.get('host')}:{varz.get('port')}")
    screen.add_if("Client URLs", _lines(varz.get("connect_urls")))
    screen.add_if("WebSocket URLs", _lines(varz.get("ws_connect_urls")))


def _jetstream(screen: Columns, jetstream: dict[str, Any]) -> None:
    config, stats = jetstream.get("config") or {}, jetstream.get("stats") or {}
    limits, api = jetstream.get("limits") or {}, stats.get("api") or {}
    screen.section("JetStream")
    screen.add("Domain", _text(config, "domain"))
    screen.add("API Support Level", thousands(int(api.get("level") or 0)))
    screen.add("Storage Directory", _text(config, "store_dir"))
    screen.add("Active Accounts", _count(stats, "accounts"))
    screen.add("Memory In Use", _bytes(stats, "memory"))
    screen.add("File In Use", _bytes(stats, "storage"))
    screen.add("API Requests", _count(api, "total"))
    screen.add("API Errors", _count(api, "errors"))
    screen.add("Always sync writes to disk", _yes(config.get("sync_always")))
    screen.add("Write sync Frequency", duration(int(config.get("sync_interval") or 0)))
    screen.add("Maximum Memory Storage", _bytes(config, "max_memory"))
    screen.add("Maximum File Storage", _bytes(config, "max_storage"))
    screen.add_if("Unique Tag", _text(config, "unique_tag"))
    screen.add("Cluster Message Compression", _yes(config.get("compress_ok")))
    screen.add("Maximum HA Assets", _or_unlimited(limits, "max_ha_assets"))
    screen.add("Maximum Ack Pending", _or_unlimited(limits, "max_ack_pending"))
    screen.add("Maximum Request Batch", _or_unlimited(limits, "max_request_batch"))
    window = int(limits.get("duplicate_window") or 0)
    screen.add("Maximum Duplicate Window", duration(window) if window > 0 else "unlimited")
    screen.add("Maximum Messages Per Batch", _count(limits, "max_batch_size"))
    screen.add("Maximum Batch Timeout", duration(int(limits.get("max_batch_timeout") or 0)))
    screen.add("Maximum Open Batches Per Stream", _count(limits, "max_batch_inflight_per_stream"))
    screen.add("Maximum Open Batches Per Server", _count(limits, "max_batch_inflight_total"))
    screen.add("Strict API Parsing", _yes(config.get("strict")))


def _limits(screen: Columns, varz: dict[str, Any]) -> None:
    screen.section("Limits")
    screen.add("Maximum Connections", _count(varz, "max_connections"))
    screen.add("Maximum Subscriptions", _count(varz, "max_subscriptions"))
    screen.add("Maximum Payload", _bytes(varz, "max_payload"))
    screen.add("TLS Timeout", duration(int(float(varz.get("tls_timeout") or 0) * 10**9)))
    screen.add("Write Deadline", duration(int(varz.get("write_deadline") or 0)))


def _statistics(screen: Columns, varz: dict[str, Any]) -> None:
    cpu = float(varz.get("cpu") or 0)
    screen.section("Statistics")
    screen.add("CPU Cores", f"{varz.get('cores')} {cpu:.2f}%")
    screen.add("GOMAXPROCS", _count(varz, "gomaxprocs"))
    screen.add("Memory", _bytes(varz, "mem"))
    if varz.get("gomemlimit"):
        screen.add("GOMEMLIMIT", _bytes(varz, "gomemlimit"))
    screen.add("Connections", _count(varz, "connections"))
    screen.add("Subscriptions", _count(varz, "subscriptions"))
    screen.add("Messages", f"{_count(varz, 'in_msgs')} in {_count(varz, 'out_msgs')} out")
    screen.add("Bytes", f"{_bytes(varz, 'in_bytes')} in {_bytes(varz, 'out_bytes')} out")
    screen.add("Slow Consumers", _count(varz, "slow_consumers"))


def _cluster(screen: Columns, varz: dict[str, Any]) -> None:
    cluster = varz.get("cluster") or {}
    if not cluster.get("name"):
        return
    screen.section("Cluster")
    screen.add("Name", _text(cluster, "name"))
    screen.add_if("Tags", ", ".join(varz.get("tags") or ()))
    screen.add("Host", f"{cluster.get('addr')}:{cluster.get('cluster_port')}")
    screen.add_if("URLs", _lines(cluster.get("urls")))


def _gateway(screen: Columns, varz: dict[str, Any]) -> None:
    gateway = varz.get("gateway") or {}
    if not gateway.get("name"):
        return
    screen.section("Super Cluster")
    screen.add("Name", _text(gateway, "name"))
    screen.add("Host", f"{gateway.get('host')}:{gateway.get('port')}")
    names = [str(each.get("name")) for each in gateway.get("gateways") or ()]
    screen.add_if("Clusters", _lines(names))


def _text(fields: dict[str, Any], name: str) -> str:
    return str(fields.get(name) or "")


def _count(fields: dict[str, Any], name: str) -> str:
    return number(int(fields.get(name) or 0))


def _bytes(fields: dict[str, Any], name: str) -> str:
    return bytes_text(int(fields.get(name) or 0))


def _yes(value: object) -> str:
    return "true" if value else "false"


def _or_unlimited(fields: dict[str, Any], name: str) -> str:
    value = int(fields.get(name) or 0)
    return thousands(value) if value > 0 else "unlimited"


def _lines(values: Sequence[str] | None) -> str:
    return "\n".join(values or ())
