"""What consumers of JetStream do on the wire, beside what the real server did.

A row is a function that plays a scene (`scene`): it makes a stream and consumers, pulls, acks,
waits. Everything said and answered becomes a transcript in which times and ids are masked
(`showing`); the transcript of the real server is recorded, ours must be the same. Rows are played
many at a time (`playing`), each in an account of its own.
"""
