"""Streams: their configuration, what they hold, how they are shown."""
