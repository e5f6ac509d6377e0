"""The JetStream API: `$JS.API.>` requests and their replies.

`dispatch` finds the endpoint of a subject, `request` is what an endpoint gets and may answer;
one module per group of endpoints holds what they do. Endpoints ask accounts and streams; only
`manager` uses this room. Subjects and shapes: ADR-1 and https://docs.nats.io/reference/jetstream/api/.
"""

from pynats_server.jetstream.api.dispatch import Api

__all__ = ["Api"]
