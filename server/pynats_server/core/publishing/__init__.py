"""What a client publishes: `publisher`, with what it does for many messages at once: those parsed
before their turn (`ahead`), the same control line again (`repeats`); and what it may publish, as
far as that is remembered (`verdicts`)."""
