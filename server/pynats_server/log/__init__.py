"""The server's log: `logger` (levels, rare warnings, changes by a reload), `lines` (what a line
looks like), `queued` (a thread writes them), `sinks` and `syslog` (where they go), `target` (the
log of a program that embeds the server).

Every room may write to a `Logger`; it knows nothing but its options.
"""
