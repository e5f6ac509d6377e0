"""Screens about services and about an account's sharing, laid out as `nats` 0.5.0 does."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from pynats_cli.commands.server.account.screen import account_screen
from pynats_cli.messages.micro.screens import info_screen, stats_screen

ENDPOINTS = [
    {"name": "one", "subject": "a.one", "queue_group": "q", "metadata": {"k": "v"}},
    {"name": "two", "subject": "a.two"},
]
INFO = {
    "name": "calc", "id": "X1", "version": "1.0.0", "description": "Sums",
    "metadata": {"b": "2", "a": "1"}, "endpoints": ENDPOINTS,
}  # fmt: skip
STATS = {
    "id": "X1", "started": "2026-11-30T10:00:00Z",
    "endpoints": [
        {"name": "one", "num_requests": 1234, "num_errors": 1, "queue_group": "q",
         "last_error": "no", "processing_time": 2_468_000, "average_processing_time": 2_000,
         "data": {"total": 3}},
        {"name": "two", "num_requests": 0},
    ],
}  # fmt: skip
NOON = 1_796_040_000 * 10**9


def test_labels_of_a_service_stand_in_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    expected = """
        Service Information

                  Service: calc (X1)
              Description: Sums
                  Version: 1.0.0
                 Metadata: a: 1
                           b: 2

        Endpoints:

                       Name: one
                    Subject: a.one
                Queue Group: q
                   Metadata: k: v

                       Name: two
                    Subject: a.two

        Statistics for 2 Endpoint(s):

          one Endpoint Statistics:

                   Requests: 1,234 in group "q"
            Processing Time: 2ms (average 2µs)
                    Started: 2026-11-30 10:00:00 (2h0m0s ago)
                     Errors: 1
                 Last Error: no

          Endpoint Specific Statistics:

            {
                "total": 3
            }

          two Endpoint Statistics:

                   Requests: 0
            Processing Time: 0s (average 0s)
                    Started: 2026-11-30 10:00:00 (2h0m0s ago)
                     Errors: 0
    """
    shown = info_screen(INFO, STATS, NOON)
    assert shown.rstrip() == textwrap.dedent(expected).strip()


def test_an_instance_is_named_once_and_sums_are_always_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NATS_TABLE_FORMAT", "csv")
    assert stats_screen([STATS], "calc").splitlines()[1:] == [
        'X1,one,"1,234",q,1,2ms,2µs', ",two,0,,0,0s,0s", ',,"1,234",,1,2ms,2µs',
    ]  # fmt: skip
    assert stats_screen([], "calc").splitlines()[1:] == [",,0,,0,0s,0s"]


ACCOUNT: dict[str, Any] = {
    "account_name": "APP", "update_time": "2026-11-30T10:47:30Z",
    "mappings": {
        "w.*": [{"subject": "a.$1", "weight": 40}, {"subject": "b.$1", "weight": 100}],
        "cl": [{"subject": "x", "weight": 30, "cluster": "EU"}],
    },
    "exports": [
        {"subject": "st.>", "type": "stream", "approved_accounts": ["B", "C"]},
        {"subject": "svc.>", "type": "service", "response_type": "Singleton",
         "service_latency": {"sampling": "headers", "results": "lat"}},
        {"subject": "h.>", "type": "service", "response_type": "Chunked",
         "service_latency": {"sampling": 50, "results": "lat"}},
    ],
    "imports": [
        {"subject": "z", "account": "A", "local_subject": "z", "type": "service", "share": True},
        {"subject": "b", "account": "A", "local_subject": "b", "type": "service"},
        {"subject": "st.>", "account": "A", "local_subject": "x.st.>", "type": "stream"},
    ],
}  # fmt: skip


def test_sharing_is_shown_in_the_order_of_servers() -> None:
    shown = account_screen(ACCOUNT).render()
    expected = """
        Mappings:

           cl
              Destination: x, in cluster EU, with weight 30

           w.*
              Destination: a.$1, with weight 40
              Destination: b.$1

        Imports:

                  Subject: x.st.> from subject st.> in account A
                     Type: stream
                  Sharing: false
                 Tracking: false

                  Subject: b from account A
                     Type: service
                  Sharing: false
                 Tracking: false

                  Subject: z from account A
                     Type: service
                  Sharing: true
                 Tracking: false

        Exports:

                  Subject: h.>
                     Type: service
          Tokens Required: false
            Response Type: Chunked
                  Latency: 50% to lat

                  Subject: svc.>
                     Type: service
          Tokens Required: false
            Response Type: Singleton
                  Latency: headers to lat

                  Subject: st.>
                     Type: stream
          Tokens Required: false
            Response Type:
                 Accounts: B
                           C
    """
    trimmed = "\n".join(line.rstrip() for line in shown.partition("\n\nMappings")[2].splitlines())
    assert "Mappings" + trimmed == textwrap.dedent(expected).strip()
