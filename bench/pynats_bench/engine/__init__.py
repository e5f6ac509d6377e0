"""The compiled half of the load generator: loops over sockets, each a thread without the GIL.

`loop` is what they share; `messages` publishes and counts, `requests` requests and answers. `scan`
counts deliveries in a byte stream, `secure` has the bytes of connections with TLS, `net` declares
what the system offers. `relay` is the ceiling that no broker reaches.
"""
