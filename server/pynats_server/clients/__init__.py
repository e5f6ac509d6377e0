"""Client connections above the data plane: greeting, CONNECT, limits, traces, the end.

`handler` answers the data plane's callbacks. It has `login` (CONNECT, and when a client must go)
and `trace` (the protocol in the log, without secrets); `login` has `checks` (answers that take
time) and `audit` (a line for each log-in). `session` is what is remembered of a connection,
`closed` what is kept of one that has gone, and `who` says whom a line is about. `limits`, `rates`
(of publishing) and `reauthorize` follow a reload. The server composes them; they know the state
they share (`server.state`), not the server. Other rooms may import `closed`, `session`, and
`process` also `trace`.
"""
