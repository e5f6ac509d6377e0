"""Client connections above the data plane: greeting, CONNECT, limits, traces, the end.

`handler` answers the data plane's callbacks; `limits` and `reauthorize` follow a reload. The
server composes them; they know the state they share (`server.state`), not the server.
"""
