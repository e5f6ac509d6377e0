"""How Go writes and reads text: one implementation for all packages.

Clients, tools and users expect Go's notation: quoted strings, times, durations, numbers, flags,
error texts, JSON. Nothing here depends on NATS. Names carry the unit of their values.
"""
