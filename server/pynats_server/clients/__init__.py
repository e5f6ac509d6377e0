"""Client connections above the data plane: greeting, CONNECT, limits, traces, the end.

`handler` answers the data plane's callbacks. It has `arriving` (until the first command), `logins`
(CONNECT, and when a client must go) and `trace` (the protocol in the log, without secrets).
`session` is what is remembered of a connection, `closed` what is kept of one that has gone,
`shown` and `described` what others are told of one, and `who` says whom a line is about. `limits`
and `rates` (of publishing) follow a reload. The server composes them; they know the state they
share (`server.state`), not the server. Other rooms may import `closed`, `described`, `session` and
`shown`, and `process` also `trace`.
"""
