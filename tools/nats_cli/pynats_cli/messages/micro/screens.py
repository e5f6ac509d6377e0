"""What services say, as people read it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import duration, local_time, since
from pynats_cli.screen.tables import Table

_STEP_NS = 1_000
"""Times of handlers are shown to the microsecond."""


def list_screen(services: Sequence[Mapping[str, Any]], service: str) -> str:
    """One row an instance; a sentence when there is none."""
    if not services:
        return "No services found"
    title = f"{service} Service Instances" if service else "All Services"
    table = Table(title, ("Name", "Version", "ID", "Description"))
    for item in services:
        table.add(
            item.get("name", ""),
            item.get("version", ""),
            item.get("id", ""),
            item.get("description", ""),
        )
    return table.render()


def info_screen(info: Mapping[str, Any], stats: Mapping[str, Any], now_ns: int = 0) -> str:
    """An instance, its endpoints, and what they have done."""
    now_ns = now_ns or time.time_ns()
    endpoints = info.get("endpoints") or []
    screen = Columns("Service Information")
    screen.add("Service", f"{info.get('name', '')} ({info.get('id', '')})")
    screen.add("Description", str(info.get("description", "")))
    screen.add("Version", str(info.get("version", "")))
    _metadata(screen, info)
    screen.section("Endpoints")
    screen.inside()
    for number, item in enumerate(endpoints):
        if number:
            screen.space()
        screen.add("Name", str(item.get("name", "")))
        screen.add("Subject", str(item.get("subject", "")))
        screen.add_if("Queue Group", str(item.get("queue_group") or ""))
        _metadata(screen, item)
    done = stats.get("endpoints") or []
    screen.section(f"Statistics for {len(done)} Endpoint(s)")
    for item in done:
        _endpoint(screen, item, stats.get("started"), now_ns)
    return screen.render()


def _metadata(screen: Columns, item: Mapping[str, Any]) -> None:
    pairs = sorted((item.get("metadata") or {}).items())
    screen.add_if("Metadata", "\n".join(f"{name}: {value}" for name, value in pairs))


def _endpoint(screen: Columns, item: Mapping[str, Any], started: str | None, now_ns: int) -> None:
    screen.section(f"{item.get('name', '')} Endpoint Statistics", depth=1)
    group = item.get("queue_group")
    requests = f"{item.get('num_requests', 0):,}"
    screen.add("Requests", f'{requests} in group "{group}"' if group else requests)
    total, average = (_time(item, key) for key in ("processing_time", "average_processing_time"))
    screen.add("Processing Time", f"{total} (average {average})")
    screen.add_if("Started", f"{local_time(started)} ({since(started, now_ns)} ago)")
    screen.add("Errors", f"{item.get('num_errors', 0):,}")
    screen.add_if("Last Error", str(item.get("last_error") or ""))
    if item.get("data") is not None:
        screen.section("Endpoint Specific Statistics", depth=1)
        for line in json.dumps(item["data"], indent=4, ensure_ascii=False).splitlines():
            screen.text(f" {line}")


def _time(item: Mapping[str, Any], key: str) -> str:
    return _rounded(int(item.get(key) or 0))


def _rounded(ns: int) -> str:
    return duration(round(ns / _STEP_NS) * _STEP_NS)


def stats_screen(instances: Sequence[Mapping[str, Any]], service: str) -> str:
    """One row an endpoint of an instance, and their sum."""
    table = Table(
        f"{service} Service Statistics",
        ("ID", "Endpoint", "Requests", "Queue Group", "Errors", "Processing Time", "Average Time"),
    )
    requests = errors = time_ns = 0
    for instance in instances:
        for number, item in enumerate(instance.get("endpoints") or []):
            requests += int(item.get("num_requests") or 0)
            errors += int(item.get("num_errors") or 0)
            time_ns += int(item.get("processing_time") or 0)
            table.add(
                "" if number else instance.get("id", ""), item.get("name", ""),
                int(item.get("num_requests") or 0),
                item.get("queue_group") or "", int(item.get("num_errors") or 0),
                _time(item, "processing_time"), _time(item, "average_processing_time"),
            )  # fmt: skip
    average = _rounded(time_ns // max(1, requests))
    table.total("", "", requests, "", errors, _rounded(time_ns), average)
    return table.render()
