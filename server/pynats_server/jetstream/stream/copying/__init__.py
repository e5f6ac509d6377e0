"""Mirrors and sources: streams that take over the messages of others.

`following` is what a stream composes; it has a `mirror` or `source`s, which are `follower`s of an
origin. What they are for: https://docs.nats.io/nats-concepts/jetstream/source_and_mirror.
"""
