"""Consumers: who reads a stream, how far they have come, and what they are sent.

`consumer` composes one consumer, `stream_place` is the stream it is of; `config` has the rules of
configurations, `delivery` the compiled heart. For the API, accounts and streams; consumers know
their stream by the protocols `place` and `stream.host` alone.
"""
