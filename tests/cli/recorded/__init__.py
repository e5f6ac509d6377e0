"""Command lines, and what the real `nats` (0.5.0) answers to them, see `scenes`."""
