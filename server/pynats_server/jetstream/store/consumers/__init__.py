"""Consumers on the disk: `obs/<name>/` in a stream's folder, in nats-server's form.

`folder` makes, changes and removes them and writes how far they are, `recovery` reads them all when
a stream is opened, `writing` hands what is to be written to threads. Used by streams, their
consumers and backups; nothing here runs a consumer. Only `writing` is for the loop.
"""
