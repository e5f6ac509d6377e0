"""The compiled half of the load generator: loops over sockets, each a thread without the GIL.

`loop` is what they share; `messages` publishes and counts, `requests` requests and answers. `acked`
publishes into streams and `fast` in fast batches, with the `frames` that they write; `gets` reads
what is stored, and `answers` what a server says to both. `scan` counts deliveries in a byte stream,
`secure` has the bytes of connections with TLS, `net` declares what the system offers. `relay` is
the ceiling that no broker reaches.
"""
