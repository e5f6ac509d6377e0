"""From the global options to a connected client, and what is asked of JetStream over it.

`connection` and `jsapi` import nats-py, so commands import them only when they run.
"""
