"""Makes a connected client from the global options, and sends JetStream requests.

`connection` and `jsapi` import nats-py, so commands import them only when they run.
"""
