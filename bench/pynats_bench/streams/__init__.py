"""Rows about streams: acknowledged publishes, recovery, memory; and what storage does by itself."""
