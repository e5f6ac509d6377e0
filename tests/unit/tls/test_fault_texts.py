"""What the log says of a handshake that the other side has given up."""

from __future__ import annotations

import pytest
from pynats_server.tls.engine.faults import reason_text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("sslv3 alert bad certificate", "remote error: tls: bad certificate"),
        ("ssl/tls alert bad certificate", "remote error: tls: bad certificate"),
        ("tls alert bad certificate", "remote error: tls: bad certificate"),  # OpenSSL 4
        ("tls alert certificate expired", "remote error: tls: expired certificate"),
        ("tlsv1 alert unknown ca", "remote error: tls: unknown certificate authority"),
        ("tlsv13 alert missing extension", "remote error: tls: missing extension"),
        ("tls handshake broken", "tls: tls handshake broken"),
    ],
)
def test_alerts_are_named_whatever_openssl_calls_their_version(reason: str, text: str) -> None:
    assert reason_text(reason) == text
