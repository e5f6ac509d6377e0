"""Client connections above the data plane: greeting, CONNECT, limits, traces, the end.

`handler` answers the data plane's callbacks. It has `slow_checks` (bcrypt, in threads), `trace`
(the protocol in the log, without secrets), `who` (whom a line is about), `audit` (a line for each
log-in) and `closed` (what is kept of those that have gone). `limits`, `rates` (of publishing) and
`reauthorize` follow a reload. The server composes them; they know the state they share
(`server.state`), not the server. Other rooms may import `closed`, and `process` also `trace`.
"""
