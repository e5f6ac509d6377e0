"""What can happen next, and how often. Each command draws what it needs, changes the model, says it
to the server and compares."""

from __future__ import annotations

from collections.abc import Callable

from tests.model.consumer_commands import (
    create_consumer,
    delete_consumer,
    pause,
    reset,
    unpin,
    update_consumer,
)
from tests.model.playing import Play
from tests.model.receiver_commands import ack, leave, listen, pull, pull_and_expire
from tests.model.restart_commands import kill, restart
from tests.model.stream_commands import (
    create_stream,
    delete_message,
    delete_stream,
    publish,
    purge,
    update_stream,
)
from tests.model.time_commands import age, run_out

COMMANDS: list[tuple[float, Callable[[Play], None]]] = [
    (3, create_stream),
    (1, delete_stream),
    (2, update_stream),
    (30, publish),
    (5, delete_message),
    (3, purge),
    (8, create_consumer),
    (4, update_consumer),
    (2, delete_consumer),
    (2, reset),
    (2, pause),
    (1, unpin),
    (40, pull),
    (1, pull_and_expire),
    (3, leave),
    (8, listen),
    (60, ack),
    (2, run_out),
    (0.5, age),
    (0.15, restart),
    (0.15, kill),
]
