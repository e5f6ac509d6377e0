"""Reads what a server has, and makes the changes of a plan."""

from __future__ import annotations

from typing import Any

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.apply.plan import CREATE, REMOVE, Change, Plan, Present


async def read_present(session: Session, streams_of_interest: set[str] | None = None) -> Present:
    """All streams, and the consumers of those of interest (None = of all)."""
    streams = {str(info["config"]["name"]): info for info in await session.js.streams()}
    consumers: dict[tuple[str, str], dict[str, Any]] = {}
    for name, info in streams.items():
        if streams_of_interest is not None and name not in streams_of_interest:
            continue
        if not info["state"].get("consumer_count"):
            continue
        for consumer in await session.js.consumers(name):
            consumers[(name, str(consumer["name"]))] = consumer
    return Present(streams, consumers)


async def act(session: Session, plan: Plan) -> list[str]:
    """Makes all changes that are possible. Returns a line for each that was not."""
    failures: list[str] = []
    broken: set[str] = set()  # streams that are not there, so their consumers cannot be
    for change in plan.changes:
        if change.action == REMOVE and failures:
            failures.append(_told(change, "not removed, because other changes failed"))
            continue
        if change.consumer and change.stream in broken:
            failures.append(_told(change, "its stream is not there"))
            continue
        try:
            await _one(session, change)
        except (JsApiError, CliError) as error:
            failures.append(_told(change, str(error)))
            if not change.consumer and change.action == CREATE:
                broken.add(change.stream)
    return failures


def _told(change: Change, reason: str) -> str:
    place = f"{change.declared.position}: " if change.declared is not None else ""
    return f"{place}{change.title}: {reason}"


async def _one(session: Session, change: Change) -> None:
    js, stream, consumer = session.js, change.stream, change.consumer
    if change.action == REMOVE:
        subject = f"CONSUMER.DELETE.{stream}.{consumer}" if consumer else f"STREAM.DELETE.{stream}"
        await js.request(subject)
    elif consumer:
        request = {
            "stream_name": stream,
            "config": change.config,
            "action": "create" if change.action == CREATE else "update",
        }
        await js.request(f"CONSUMER.CREATE.{stream}.{consumer}", request)
    else:
        verb = "CREATE" if change.action == CREATE else "UPDATE"
        await js.request(f"STREAM.{verb}.{stream}", change.config)
