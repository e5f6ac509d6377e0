"""nats-py where a command needs more of it than it promises."""
