"""What the real `nats` 0.5.0 has: its commands and flags, as it lists them itself, without texts."""
