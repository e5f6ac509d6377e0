"""How a connection is taken in, before its first command.

`arrivals` keeps the order: INFO and the handshake, who may do without, how long it may take, and
how often it may begin (`rate_limit`). Before it stands the header of the PROXY protocol, where one
is expected (`proxied`; `proxy_header` are its bytes), and behind it the question whether a
certificate is still valid (`revocation`). Nothing here knows log-ins.
"""
