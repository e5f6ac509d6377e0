"""Rows of messages that cross accounts or are mapped: what that costs beside a plain message."""

from __future__ import annotations

from pynats_bench.load import shuffled
from pynats_bench.model import PubSubLoad, RequestLoad
from pynats_bench.rows import PASSWORD, Heading, PubSubRow, RequestRow, Row

TARGET = 4.0
EXPORTER, IMPORTER = "exporter", "importer"
CONFIG = f"""\
accounts {{
  A {{
    users = [{{ user: {EXPORTER}, password: "{PASSWORD}" }}]
    exports = [{{ stream: "events.>" }}, {{ service: "service.>" }}]
    mappings = {{ "mapped.*": "bench.$1" }}
  }}
  B {{
    users = [{{ user: {IMPORTER}, password: "{PASSWORD}" }}]
    imports = [
      {{ stream: {{ account: A, subject: "events.>" }}, prefix: imported }}
      {{ service: {{ account: A, subject: "service.>" }}, to: "local.>" }}
    ]
  }}
}}
"""
# The same without anything to share: what the others are compared with.
PLAIN = f"""\
accounts {{
  A {{ users = [{{ user: {EXPORTER}, password: "{PASSWORD}" }}] }}
  B {{ users = [{{ user: {IMPORTER}, password: "{PASSWORD}" }}] }}
}}
"""
MANY = 1000


def account_rows() -> list[Row]:
    """One subject, and a thousand in changing order."""
    return [*_one_subject(), *_many_subjects(), *_requests()]


def _row(
    name: str, title: str, load: PubSubLoad, user: str, receiver: str, config: str = CONFIG
) -> PubSubRow:
    heading = Heading(f"account-{name}", title, "msg/s", target=TARGET)
    return PubSubRow(heading, load, config, user=user, receiver=receiver)


def _one_subject() -> list[Row]:
    return [
        _row(
            "plain", "accounts, 1 → 1, 128 B", PubSubLoad(128, ("bench.a",), ("bench.a",)),
            EXPORTER, EXPORTER, PLAIN,
        ),
        _row(
            "mapping", "mapped, 1 → 1, 128 B", PubSubLoad(128, ("mapped.a",), ("bench.a",)),
            EXPORTER, EXPORTER,
        ),
        _row(
            "stream", "stream import, 1 → 1, 128 B",
            PubSubLoad(128, ("events.a",), ("imported.events.a",)), EXPORTER, IMPORTER,
        ),
        _row(
            "service", "service import, 1 → 1, 128 B",
            PubSubLoad(128, ("local.a",), ("service.a",), gains_header=True), IMPORTER, EXPORTER,
        ),
    ]  # fmt: skip


def _many_subjects() -> list[Row]:
    def subjects(prefix: str) -> tuple[str, ...]:
        return shuffled((f"{prefix}.{number:04d}" for number in range(MANY)), 10 * MANY)

    title = "1,000 subjects, 128 B"
    return [
        _row(
            "plain-1000", f"accounts, {title}", PubSubLoad(128, subjects("bench"), ("bench.*",)),
            EXPORTER, EXPORTER, PLAIN,
        ),
        _row(
            "mapping-1000", f"mapped, {title}", PubSubLoad(128, subjects("mapped"), ("bench.*",)),
            EXPORTER, EXPORTER,
        ),
        _row(
            "stream-1000", f"stream import, {title}",
            PubSubLoad(128, subjects("events"), ("imported.events.*",)), EXPORTER, IMPORTER,
        ),
        _row(
            "service-1000", f"service import, {title}",
            PubSubLoad(128, subjects("local"), ("service.*",), gains_header=True),
            IMPORTER, EXPORTER,
        ),
    ]  # fmt: skip


def _requests() -> list[Row]:
    many = 16

    def heading(name: str, title: str) -> Heading:
        return Heading(f"account-{name}", f"{title}, {many} requesters", "req/s", target=1.1)

    return [
        RequestRow(
            heading("request-plain", "request/reply in an account"),
            RequestLoad(many, subject="service.a"), config=PLAIN, user=EXPORTER,
        ),
        RequestRow(
            heading("request", "request/reply over a service import"),
            RequestLoad(many, subject="local.a", service="service.a"),
            config=CONFIG, user=IMPORTER, responder=EXPORTER,
        ),
    ]  # fmt: skip
