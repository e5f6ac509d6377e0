"""Consumers: who reads a stream, how far they have come, and what they are sent.

`state` is the deterministic part, changed by operations alone; `feed` is the compiled heart that
finds, delivers and takes acknowledgements; `interest` knows which consumers a subject concerns.
`consumer` composes one consumer, `registry` has those of a stream. The room is used by `stream`,
`account` and `api`; it knows streams by the protocol `stream.host` alone.
"""
