"""Messages that are traced: what a stream does with one, told to its trail.

What is stored says that it is not to be traced again, when a consumer delivers it. The words are
the real server's, which differ from what the publisher is told.
"""

from __future__ import annotations

from typing import Final

from pynats_common.go.text import text_of

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.core.tracing.request import DEST, DISABLED
from pynats_server.core.tracing.trail import Trail
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.publish.slow_path import LATE, Duplicate, Publishing, Verdict

_WORDS: Final = {10166: "message TTL disabled", 10054: "maximum payload exceeded"}
_PLAIN: Final = frozenset((10060, 10111, 10077))  # told without their code
_NO_NUMBER: Final = (1 << 64) - 1


def disabled(headers: bytes) -> bytes:
    """A header block as it is stored."""
    return header_blocks.set(headers, DEST, DISABLED)


def note(
    trail: Trail, name: str, subject: bytes, headers: bytes, verdict: Verdict, where: Publishing
) -> None:
    """Tells the trail what became of a message for the stream `name`."""
    if verdict == "open":
        trail.hush()
        return
    kept = where.mapped(subject)
    if verdict == "kept":
        trail.stream(name, kept, not where.wanted(kept), "")
    elif isinstance(verdict, Duplicate):
        trail.stream(name, b"", False, "msgid is duplicate")
    else:
        late = verdict.err_code in LATE
        trail.stream(name, kept if late else b"", False, _words(verdict, headers, where))


def _words(error: ApiError, headers: bytes, where: Publishing) -> str:
    if error.err_code == 10071:
        return _wrong_sequence(error, headers)
    if error.err_code == 10070:
        wanted = text_of(header_blocks.get(headers, names.EXPECTED_MSG_ID) or b"")
        last = text_of(where.stream.ingest.admission.last_msg_id)
        return f'last msgid mismatch: "{wanted}" vs "{last}"'
    if error.err_code in _PLAIN:
        return error.description
    return _WORDS.get(error.err_code) or f"{error.description} ({error.err_code})"


def _wrong_sequence(error: ApiError, headers: bytes) -> str:
    last = error.description.rpartition(" ")[2]
    of_subject = _number(headers, names.EXPECTED_SUBJECT_SEQUENCE)
    if of_subject is not None and str(of_subject) != last:
        return f"last sequence by subject mismatch: {of_subject} vs {last}"
    return f"last sequence mismatch: {_number(headers, names.EXPECTED_SEQUENCE)} vs {last}"


def _number(headers: bytes, name: bytes) -> int | None:
    text = header_blocks.get(headers, name)
    if text is None:
        return None
    return int(text) if text.isdigit() else _NO_NUMBER
