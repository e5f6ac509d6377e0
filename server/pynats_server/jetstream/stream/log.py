"""The operations of a stream, kept in memory: what a replica would get. For tests and tools."""

from __future__ import annotations

from typing import Final

from pynats_server.jetstream.stream.apply import Replica
from pynats_server.jetstream.stream.operations import Append, AppendBatch, Leap, Operation, Skip

TAKES_SEQUENCES: Final = (Append, AppendBatch, Leap, Skip)


class OperationLog:
    """A `Log` that forgets nothing."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def record(self, operation: Operation) -> None:
        """See `Log`."""
        self.operations.append(operation)

    def undone(self, last_seq: int) -> None:
        """See `Log`."""
        self.operations = [
            operation
            for operation in self.operations
            if not (isinstance(operation, TAKES_SEQUENCES) and last_of(operation) > last_seq)
        ]

    def replay(self, replica: Replica) -> None:
        """Applies everything to another state, which then is the same."""
        for operation in self.operations:
            replica.apply(operation)


def last_of(operation: Append | AppendBatch | Leap | Skip) -> int:
    """The last sequence that a recorded operation has used."""
    match operation:
        case Leap(last=last):
            return last
        case AppendBatch(last=last, messages=messages):
            return last + messages.count
    return operation.last + 1
