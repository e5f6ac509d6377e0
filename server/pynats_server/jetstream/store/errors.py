"""What a store raises."""

from __future__ import annotations


class StoreError(Exception):
    """Anything a store reports."""


class SequenceNotFound(StoreError):
    """No live message has this sequence."""


class CorruptRecord(StoreError):
    """The message exists but its bytes are damaged; it is never served."""


class Unavailable(StoreError):
    """The message may be there, in a file that cannot be read now."""


class OutOfSequences(StoreError):
    """A sequence would pass `SEQ_MAX`."""


class TooLarge(StoreError):
    """The record would pass 32 MiB, or its subject 64 KiB."""


class StoreFull(StoreError):
    """The disk is full (ENOSPC, EDQUOT, EFBIG). Nothing was kept; a later try may work."""


class StoreFailed(StoreError):
    """A write or fsync failed; the store serves reads and refuses changes until reopened."""


class StoreHeld(StoreError):
    """Something of the stream could not be read when it was opened: nothing is written."""


class StoreClosed(StoreError):
    """The store has been stopped."""


class BadKey(StoreError):
    """Encrypted data cannot be opened with the key at hand."""
