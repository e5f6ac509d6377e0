"""How Go writes and reads text: once, for all packages.

Peers, tools and habits rest on Go's notation: quoted strings, times, durations, numbers, flags,
error texts, JSON. What is here knows nothing of NATS. Names say the unit of what they take.
"""
