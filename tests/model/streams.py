"""One stream: its messages, limits and removals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.model.subjects import matches

LIMITS, INTEREST, WORKQUEUE = "limits", "interest", "workqueue"
FILE, MEMORY = "file", "memory"
OLD, NEW = "old", "new"

STREAM_FULL = 10077
NO_SUCH_MESSAGE = 10057  # a refused delete


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    headers: bytes
    payload: bytes


@dataclass(slots=True)
class StreamConfig:
    name: str
    subjects: list[str]
    retention: str = LIMITS
    storage: str = FILE
    max_msgs: int = -1
    max_bytes: int = -1
    max_msgs_per_subject: int = -1
    discard: str = OLD

    def request(self, **more: Any) -> dict[str, Any]:
        """As the API takes it."""
        return {
            "name": self.name,
            "subjects": self.subjects,
            "retention": self.retention,
            "storage": self.storage,
            "max_msgs": self.max_msgs,
            "max_bytes": self.max_bytes,
            "max_msgs_per_subject": self.max_msgs_per_subject,
            "discard": self.discard,
            "allow_rollup_hdrs": True,
            **more,
        }


@dataclass(slots=True)
class Stream:
    """Messages by sequence, in order. Who removes also tells the consumers: see `World`."""

    config: StreamConfig
    messages: dict[int, Message] = field(default_factory=dict)
    last_seq: int = 0
    emptied_to: int = 0  # the first sequence of an empty stream is not below it

    @property
    def first_seq(self) -> int:
        """The oldest message's; of an empty stream the next one's, 0 of an unused one."""
        if self.messages:
            return next(iter(self.messages))
        return self.last_seq + 1 if self.last_seq else 0

    @property
    def size(self) -> int:
        return sum(map(self.size_of, self.messages.values()))

    def size_of(self, message: Message) -> int:
        """What a message counts for, as its storage stores it."""
        content = len(message.subject) + len(message.headers) + len(message.payload)
        if self.config.storage == MEMORY:
            return content + 16
        return content + 22 + 8 + (4 if message.headers else 0)

    def append(self, message: Message, kept: bool) -> int:
        """Gives it the next sequence; `kept` is false where nobody is interested."""
        self.last_seq += 1
        if kept:
            self.messages[self.last_seq] = message
        return self.last_seq

    def refuses(self, message: Message) -> bool:
        """Whether a full stream that discards new messages has no place for it."""
        config = self.config
        if config.discard != NEW:
            return False
        same = self.matching(message.subject)
        count, size = len(self.messages), self.size
        if 0 < config.max_msgs_per_subject <= len(same):  # it takes the place of an older one
            count -= 1
            size -= self.size_of(self.messages[same[0]])
        if 0 <= config.max_msgs <= count:
            return True
        return 0 < config.max_bytes < size + self.size_of(message)

    def matching(self, subject: str) -> list[int]:
        """Sequences of messages of a subject or pattern."""
        return [seq for seq, known in self.messages.items() if matches(subject, known.subject)]

    def too_many_of(self, subject: str) -> list[int]:
        """What the limit per subject removes, oldest first."""
        limit = self.config.max_msgs_per_subject
        if limit <= 0:
            return []
        found = [seq for seq, known in self.messages.items() if known.subject == subject]
        return found[: max(0, len(found) - limit)]

    def too_many(self, *subjects: str) -> list[int]:
        """What the limits remove, after a change of these subjects: of each subject first."""
        config = self.config
        found = [seq for subject in subjects for seq in self.too_many_of(subject)]
        left = {seq: known for seq, known in self.messages.items() if seq not in found}
        count, size = len(left), sum(map(self.size_of, left.values()))
        for seq, message in left.items():
            over = 0 <= config.max_msgs < count or 0 <= config.max_bytes < size
            if not over or config.discard == NEW:
                break
            found.append(seq)
            count -= 1
            size -= self.size_of(message)
        return found

    def purged(self, subject: str, below: int, keep: int) -> list[int]:
        """What a purge removes: of the subject (all when empty), below a sequence, or all but the
        newest `keep`."""
        found = self.matching(subject) if subject else list(self.messages)
        if below:
            return [seq for seq in found if seq < below]
        return found[: max(0, len(found) - keep)] if keep else found

    def remove(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            del self.messages[seq]
