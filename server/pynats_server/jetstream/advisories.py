"""Events that JetStream tells about itself on `$JS.EVENT.ADVISORY.>`.

See https://docs.nats.io/reference/jetstream/advisory.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pynats_common.go.text import text_of
from pynats_common.go.times import format_time_ns
from pynats_common.ids.nuid import new_nuid

from pynats_server.clients.described import describe
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine
from pynats_server.jetstream.clock import now_ns

SUBJECT_PREFIX = "$JS.EVENT.ADVISORY."
TYPE_PREFIX = "io.nats.jetstream.advisory.v1."
METRIC_PREFIX = "$JS.EVENT.METRIC."
METRIC_TYPE_PREFIX = "io.nats.jetstream.metric.v1."


class Advisories:
    """Publishes the events of one account, in that account."""

    def __init__(self, account: Account, engine: Engine, domain: str, server_name: str) -> None:
        self._account = account
        self._engine = engine
        self._domain = domain
        self._server_name = server_name

    def client_info(self, source: Any, told: dict[str, Any] | None = None) -> dict[str, Any]:
        """Who asked, as advisories show it; the server's own requests have only the account. Of who
        asks through an import they show what was `told`."""
        if told is not None:
            return {**told, "svc": self._account.name, "server": self._server_name}
        if not isinstance(source, ClientConnection):
            return {"acc": self._account.name}
        info = describe(source, self._account.name)
        info.server = self._server_name
        return info.as_dict()

    def is_heard(self, suffix: str) -> bool:
        """Whether anybody listens to the advisories of a subject."""
        return self._account.has_interest((SUBJECT_PREFIX + suffix).encode())

    def publish(self, suffix: str, kind: str, /, **fields: Any) -> None:
        """Publishes an advisory if anybody listens. Empty fields are left out."""
        self._publish(SUBJECT_PREFIX + suffix, TYPE_PREFIX + kind, fields)

    def metric(self, suffix: str, kind: str, /, **fields: Any) -> None:
        """As `publish`, for a measurement."""
        self._publish(METRIC_PREFIX + suffix, METRIC_TYPE_PREFIX + kind, fields)

    def _publish(self, subject: str, kind: str, fields: dict[str, Any]) -> None:
        target = subject.encode()
        if not self._account.has_interest(target):
            return
        body = {
            "type": kind,
            "id": new_nuid(),
            "timestamp": format_time_ns(now_ns()),
            **{name: value for name, value in fields.items() if value not in (None, "")},
            **({"domain": self._domain} if self._domain else {}),
        }
        self._account.publish(self._engine, target, msgspec.json.encode(body))

    def stream_action(self, stream: str, action: str) -> None:
        """A stream was made (`create`), changed (`modify`) or removed (`delete`)."""
        suffix = {"create": "CREATED", "modify": "UPDATED", "delete": "DELETED"}[action]
        self.publish(f"STREAM.{suffix}.{stream}", "stream_action", stream=stream, action=action)

    def consumer_action(self, stream: str, consumer: str, action: str) -> None:
        """A consumer was made (`create`) or removed (`delete`)."""
        suffix = {"create": "CREATED", "delete": "DELETED"}[action]
        self.publish(
            f"CONSUMER.{suffix}.{stream}.{consumer}",
            "consumer_action",
            stream=stream,
            consumer=consumer,
            action=action,
        )

    def consumer_damaged(self, stream: str, consumer: str, reason: str) -> None:
        """Files of a consumer were damaged. It goes on from where it surely was, and may deliver
        messages again. The real server has no such advisory."""
        self.publish(
            f"CONSUMER.DAMAGED.{stream}.{consumer}",
            "consumer_damaged",
            stream=stream,
            consumer=consumer,
            reason=reason,
        )

    def batch_abandoned(self, stream: str, batch: str, reason: str) -> None:
        """An atomic batch ended without its commit: `timeout`, `large`, `incomplete` (a message
        is missing) or `unsupported` (it needs a newer server)."""
        self.publish(
            f"STREAM.BATCH_ABANDONED.{stream}",
            "stream_batch_abandoned",
            stream=stream,
            batch=batch,
            reason=reason,
        )

    def api_audit(
        self, client: dict[str, Any], subject: str, request: bytes, response: bytes
    ) -> None:
        """An API request and what it was answered."""
        self.publish(
            "API",
            "api_audit",
            server=self._server_name,
            client=client,
            subject=subject,
            request=text_of(request),
            response=text_of(response),
        )

    def api_limit_reached(self, dropped: int) -> None:
        """More API requests wait than allowed: the waiting ones were dropped."""
        self.publish(
            "API.LIMIT_REACHED", "api_limit_reached", server=self._server_name, dropped=dropped
        )
