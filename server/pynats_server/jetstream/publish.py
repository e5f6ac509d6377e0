"""What a published message has to pass before it is kept, in the real server's order
(server-inventory 6.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_server.subject_transform import SubjectTransform

from .errors import ApiError, api_error
from .ingest import store_error
from .operations import Append, Skip
from .store import StoreError

if TYPE_CHECKING:
    from .stream import Stream

HEADERS_MAX = 65535
RECORD_OVERHEAD = 34  # bytes of a record on disk beside subject, headers and payload


class Publishing:
    """The checks of one stream, and what they remember."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def recover(self) -> None:
        """Builds what the checks remember from the stored messages."""

    def configured(self) -> None:
        """Follows a changed configuration."""

    def stop(self) -> None:
        """Stops timers."""

    def accept(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        """Checks and keeps a message; the publisher hears of either."""
        stream = self.stream
        try:
            self._keep(subject, reply, headers, payload)
        except ApiError as error:
            if reply:
                stream.ingest.answer(reply, stream.ingest.refusal(error))
        except StoreError as error:
            if reply:
                stream.ingest.answer(reply, stream.ingest.refusal(store_error(error)))

    def _keep(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        stream = self.stream
        config = stream.config
        if stream.ingest.waiting >= stream.ingest.max_waiting:
            raise api_error(10167)
        if config.sealed:
            raise api_error(10109)
        if len(headers) > HEADERS_MAX:
            raise api_error(10097)
        size = len(headers) + len(payload)
        if 0 <= config.max_msg_size < size:
            raise api_error(10054)
        self._check_limits(subject, size)
        self.check_resources(subject, size)
        ts = stream.now()
        if config.retention != "limits" and not self.wanted(subject):
            stream.ingest.stored(stream.apply(Skip(ts)), reply)
            return
        stream.ingest.stored(stream.apply(Append(subject, headers, payload, ts)), reply)

    def take_sourced(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Keeps a message that a source has brought. Raises ApiError or StoreError."""
        stream = self.stream
        transform = stream.config.subject_transform
        if transform is not None:
            made = SubjectTransform.compile(transform.src, transform.dest).apply(subject)
            subject = made if made is not None else subject
        size = len(headers) + len(payload)
        self._check_limits(subject, size)
        self.check_resources(subject, size)
        stream.ingest.stored(stream.apply(Append(subject, headers, payload, stream.now())), b"")

    def wanted(self, subject: bytes) -> bool:
        """Whether an interest stream has a consumer for the subject."""
        return self.stream.config.retention != "interest"

    def _check_limits(self, subject: bytes, size: int) -> None:
        """discard new: refuses what would push the stream over a limit."""
        config, store = self.stream.config, self.stream.store
        if config.discard != "new":
            return
        if config.discard_new_per_subject and config.max_msgs_per_subject > 0:
            count, _, _ = store.subject_state(subject)
            if count >= config.max_msgs_per_subject:
                raise api_error(10077, err="maximum messages per subject exceeded")
        if 0 < config.max_msgs <= store.msgs:
            raise api_error(10077, err="maximum messages exceeded")
        if 0 < config.max_bytes <= store.nbytes + size:
            raise api_error(10077, err="maximum bytes exceeded")

    def check_resources(self, subject: bytes, size: int) -> None:
        """The account's and the server's limits."""
        account = self.stream.account
        usage = account.usage(self.stream.config.storage)
        more = RECORD_OVERHEAD + len(subject) + size
        if usage.has_room(more):
            return
        if usage.limit >= 0 and usage.used + more > usage.limit:
            raise api_error(10002)
        raise api_error(10047 if self.stream.config.storage == "file" else 10028)
