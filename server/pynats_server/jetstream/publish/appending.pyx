"""See appending.pxd."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from pynats_server.jetstream.publish.marks cimport NO_ROLLUP, ROLLUP_ALL, ROLLUP_SUBJECT

from pynats_server.jetstream.store.errors import StoreError, Unavailable
from pynats_server.jetstream.stream.operations import Append


cdef class Appender:
    def __init__(self, Admission admission not None, on_over_limit not None):
        self.store = admission.store
        self.admission = admission
        self.on_over_limit = on_over_limit

    cdef uint64_t append(self, const char* subject, size_t subject_len, const char* message,
                         size_t block_len, size_t total_len, int64_t now, Marks* marks,
                         Rollup rollup) except 0:
        cdef Retention store = self.store
        cdef uint64_t seq = store.append_raw(
            <const uint8_t*>subject, subject_len, <const uint8_t*>message, block_len,
            <const uint8_t*>message + block_len, total_len - block_len, now,
        )
        if self.max_per_subject or self.max_msgs or self.max_bytes:
            self.limit(<const uint8_t*>subject, subject_len)
        if marks != NULL:
            self.admission.note(message, marks, seq, now)
        else:
            self.admission.note_plain()
        if self.log is not None:
            self._record(subject, subject_len, message, block_len, total_len, now, rollup, seq)
        if rollup == ROLLUP_SUBJECT:
            try:
                store.displace_older(<const uint8_t*>subject, subject_len)
            except Unavailable as error:
                self.owe(subject[:subject_len], seq - 1, error)
        elif rollup == ROLLUP_ALL:
            self.replace_all()
        return seq

    cdef int limit(self, const uint8_t* subject, size_t subject_len) except -1:
        """Removes the oldest messages beyond the limits, some at most. A failure does not refuse
        the message that came; the next one tries again."""
        try:
            self.store.enforce(
                self.max_msgs, self.max_bytes, self.max_per_subject, subject, subject_len,
                EVICT_MAX,
            )
        except StoreError as error:  # of an old message; the new one is kept
            self.on_over_limit(error)
        return 0

    cdef int _record(self, const char* subject, size_t subject_len, const char* message,
                     size_t block_len, size_t total_len, int64_t now, Rollup rollup,
                     uint64_t seq) except -1:
        kind = "sub" if rollup == ROLLUP_SUBJECT else "all" if rollup == ROLLUP_ALL else ""
        self.log.record(Append(
            subject[:subject_len], message[:block_len] if block_len else b"",
            message[block_len:total_len], now, kind,
            of_subject=self.store.left_at if self.max_per_subject else -1, last=seq - 1,
        ))
        return 0

    # -- for Python -------------------------------------------------------------------------

    def replace_all(self) -> None:
        """The last message, just stored, replaces all others."""
        if self.store.msgs > EVICT_MAX:
            self.store.keep_last()
            return
        try:
            self.store.displace(b">", 0, self.store.last_seq - 1)
        except Unavailable as error:
            self.owe(b">", self.store.last_seq - 1, error)

    def owe(self, filter: bytes, last: int, error: StoreError) -> None:
        """What the last message displaces is in a file that cannot be read now: it goes when the
        file can be."""
        self.store.owe(filter, last)
        self.on_over_limit(error)

    def enforce(self, bytes subject not None, int of_subject=-1) -> int:
        """Removes the oldest messages beyond the limits, those of `subject` (none: empty) first,
        some at most. Of the subject exactly `of_subject` go, unless that is -1. Returns how many of
        the subject went before the rest was left for later, or -1."""
        cdef const uint8_t* name = <const uint8_t*>PyBytes_AS_STRING(subject)
        cdef size_t size = PyBytes_GET_SIZE(subject)
        cdef uint64_t per_subject = self.max_per_subject if size else 0
        cdef int left_at = -1
        try:
            if of_subject > 0:
                self.store.enforce(0, 0, per_subject, name, size, of_subject)
            if of_subject >= 0:
                per_subject = 0
            self.store.enforce(
                self.max_msgs, self.max_bytes, per_subject, name, size,
                EVICT_MAX - max(of_subject, 0),
            )
            if per_subject:
                left_at = self.store.left_at
        except StoreError as error:
            self.on_over_limit(error)
        return left_at
