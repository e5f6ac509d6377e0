"""Compiled data plane: connections, client protocol, subject matching, routing, buffers.

Knows nothing of configuration, HTTP or JetStream: those plug in through `Handler` callbacks,
internal subscriptions and plain attributes."""
