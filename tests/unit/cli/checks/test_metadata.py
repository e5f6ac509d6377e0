"""Thresholds in the metadata of streams and consumers."""

from __future__ import annotations

import pytest
from pynats_cli.servers.checks import metadata
from pynats_cli.servers.checks.consumer import KEYS as CONSUMER_KEYS
from pynats_cli.servers.checks.consumer import ConsumerThresholds
from pynats_cli.servers.checks.stream import KEYS, StreamThresholds


def test_every_key_is_read_and_flags_win() -> None:
    texts = {
        "lag-critical": "200", "seen-critical": "1h", "min-sources": "1", "max-sources": "-1",
        "peer-expect": "3", "peer-lag-critical": "5", "peer-seen-critical": "1m30s",
        "msgs-warn": "20", "msgs-critical": "10", "subjects-warn": "2", "subjects-critical": "1",
    }  # fmt: skip
    assert sorted(texts) == sorted(key[1] for key in KEYS)
    limits = StreamThresholds(msgs_warn=0)
    metadata.fill(limits, KEYS, {metadata.PREFIX + name: text for name, text in texts.items()})
    assert limits == StreamThresholds(
        lag_critical=200, seen_critical=3_600_000_000_000, min_sources=1, max_sources=None,
        peer_expect=3, peer_lag_critical=5, peer_seen_critical=90_000_000_000, msgs_warn=0,
        msgs_critical=10, subjects_warn=2, subjects_critical=1,
    )  # fmt: skip


def test_pinned_is_a_truth_value() -> None:
    limits = ConsumerThresholds()
    metadata.fill(limits, CONSUMER_KEYS, {"io.nats.monitor.pinned": "true"})
    assert limits.pinned is True


@pytest.mark.parametrize("text", ["x", "", "1.5", "١"])
def test_what_cannot_be_read_names_its_key(text: str) -> None:
    with pytest.raises(metadata.MetadataError, match=r"io\.nats\.monitor\.lag-critical: invalid"):
        metadata.fill(StreamThresholds(), KEYS, {"io.nats.monitor.lag-critical": text})


def test_monitoring_is_asked_for() -> None:
    assert metadata.enabled({"io.nats.monitor.enabled": "true"})
    assert not metadata.enabled({"io.nats.monitor.enabled": "0"})
    assert not metadata.enabled({"io.nats.monitor.lag-critical": "1"})
    assert not metadata.enabled(None)
    with pytest.raises(metadata.MetadataError):
        metadata.enabled({"io.nats.monitor.enabled": "yes"})
