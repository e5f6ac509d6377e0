"""What becomes of traced messages, as JSON, to those who asked for it (ADR-41 of the NATS
architecture notes). The data plane notes it (`core.tracing`) and calls `Tracer` at the end of a
message's way."""

from __future__ import annotations

from pynats_server.tracing.tracer import Tracer

__all__ = ["Tracer"]
