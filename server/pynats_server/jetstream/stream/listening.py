"""What a stream listens to: a subscription for each of its subjects, which leads to its ingest."""

from __future__ import annotations

from pynats_server.core.interest.subscription import Subscription
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.work import Work

SUBJECTS = 256  # subscribed to before a rest, about 0.3 ms


class Listening:
    """Of one stream, until it is stopped."""

    def __init__(self, stream: StreamHost) -> None:
        self.is_over = False
        self._stream = stream
        self._subscriptions: dict[str, Subscription] = {}

    def follow(self) -> Work[None]:
        """Listens to what the configuration says: to the rest no more, to each of its own once.
        Ends early where the configuration changes meanwhile: whoever changed it follows it."""
        stream, kept = self._stream, self._subscriptions
        account, config = stream.account.account, stream.config
        subjects = {} if config.mirror is not None else dict.fromkeys(config.subjects)
        gone = [subject for subject in kept if subject not in subjects]
        for step, subject in enumerate([*gone, *subjects]):
            if step % SUBJECTS == SUBJECTS - 1:
                yield
            if self.is_over or stream.config is not config:
                return
            if subject not in subjects:
                account.unsubscribe(kept.pop(subject))
            elif subject not in kept:
                kept[subject] = account.attach(subject.encode(), stream.ingest, imports=True)

    def stop(self) -> None:
        """Listens to nothing any more. Idempotent."""
        self.is_over = True
        for subscription in self._subscriptions.values():
            self._stream.account.account.unsubscribe(subscription)
        self._subscriptions.clear()
