"""The server's log: `logger` (levels, formats, rare warnings) and `sinks` (where lines go).

Every room may write to a `Logger`; it knows nothing but its options.
"""
