"""Atomic and fast batches of published messages.

`staging` and `fast_state` (compiled) take the messages in the middle of a batch, `atomic` and
`fast` those that begin or end one and all that is out of the ordinary. For the stream and its
ingest only.
"""
