"""The connection of a command, from the global options to what it asks and waits for.

`opening` makes it of `settings` and `login`; `session` is what commands get; `natspy` is what is
changed of nats-py. All of them but `settings` load nats-py, so commands import them when they run.
"""
