"""The JetStream API: `$JS.API.>` requests and their replies.

`dispatch` finds the endpoint of a subject, `request` is what an endpoint gets and may answer;
one module per group of endpoints holds what they do. Shapes: server-inventory 6.1.
"""

from pynats_server.jetstream.api.dispatch import Api

__all__ = ["Api"]
