"""DIRECT.GET, compiled: `desk` answers the usual requests for one message where they arrive, and
`series` sends the messages of a request for many; `asking` reads requests, `answers` builds what
is sent. What is unusual, and every error, is `jetstream.api.direct`'s.
"""
