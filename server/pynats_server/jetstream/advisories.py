"""Events that JetStream tells about itself on `$JS.EVENT.ADVISORY.>` (server-inventory 6.13)."""

from __future__ import annotations

import secrets
import string
import time
from typing import TYPE_CHECKING, Any

import msgspec

from pynats_server.core.client import ClientConnection
from pynats_server.jetstream.times import SECOND, format_time

if TYPE_CHECKING:
    from pynats_server.jetstream.account import JetStreamAccount

SUBJECT_PREFIX = "$JS.EVENT.ADVISORY."
TYPE_PREFIX = "io.nats.jetstream.advisory.v1."
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def unique_id() -> str:
    """22 characters that nobody else has (the form of a NUID)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(22))


def client_info(account: JetStreamAccount, source: Any) -> dict[str, Any]:
    """Who asked, as advisories show it; the server's own requests have only the account."""
    info: dict[str, Any] = {"acc": account.name}
    if isinstance(source, ClientConnection):
        info = {
            "start": format_time(int(source.start * SECOND)),
            "host": source.host,
            "id": source.cid,
            "acc": account.name,
            "user": source.user or "",
            "name": source.name,
            "lang": source.lang,
            "ver": source.version,
            "rtt": source.rtt,
            "server": account.manager.server_name,
            "kind": "Client",
            "client_type": "nats",
        }
    return {key: value for key, value in info.items() if value not in ("", 0, None)}


def publish(account: JetStreamAccount, suffix: str, kind: str, /, **fields: Any) -> None:
    """Publishes an advisory in the account, if anybody listens. Empty fields are left out."""
    target = (SUBJECT_PREFIX + suffix).encode()
    if not account.account.has_interest(target):
        return
    domain = account.manager.options.domain
    body = {
        "type": TYPE_PREFIX + kind,
        "id": unique_id(),
        "timestamp": format_time(time.time_ns()),
        **{name: value for name, value in fields.items() if value not in (None, "")},
        **({"domain": domain} if domain else {}),
    }
    account.account.publish(account.manager.engine, target, msgspec.json.encode(body))


def stream_action(account: JetStreamAccount, stream: str, action: str) -> None:
    """A stream was made (`create`), changed (`modify`) or removed (`delete`)."""
    suffix = {"create": "CREATED", "modify": "UPDATED", "delete": "DELETED"}[action]
    publish(account, f"STREAM.{suffix}.{stream}", "stream_action", stream=stream, action=action)


def batch_abandoned(account: JetStreamAccount, stream: str, batch: str, reason: str) -> None:
    """An atomic batch ended without its commit: `timeout`, `large`, `incomplete` (a message is
    missing) or `unsupported` (it needs a newer server)."""
    publish(
        account,
        f"STREAM.BATCH_ABANDONED.{stream}",
        "stream_batch_abandoned",
        stream=stream,
        batch=batch,
        reason=reason,
    )


def api_audit(
    account: JetStreamAccount, source: Any, subject: str, request: bytes, response: bytes
) -> None:
    """An API request and what it was answered."""
    publish(
        account,
        "API",
        "api_audit",
        server=account.manager.server_name,
        client=client_info(account, source),
        subject=subject,
        request=request.decode(errors="replace"),
        response=response.decode(errors="replace"),
    )


def api_limit_reached(account: JetStreamAccount, dropped: int) -> None:
    """More API requests wait than allowed: the waiting ones were dropped."""
    publish(
        account,
        "API.LIMIT_REACHED",
        "api_limit_reached",
        server=account.manager.server_name,
        dropped=dropped,
    )
