"""The same control line again: publishers repeat themselves. What a line says and where it leads is
remembered (`Memo`), so that further messages with it need no parsing; where receivers take every
message as it is, they get blocks of deliveries (`core.protocol.runs`).

A memo that was made answers for what the publisher's permissions, mappings and echo were: it is
forgotten when these change. Subscriptions are looked at again for every run (`match`)."""
from libc.stdint cimport uint32_t

from pynats_server.core.interest.mapping cimport Mapper
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.limits cimport MEMO_LINE
from pynats_server.core.receiver cimport Receiver


cdef struct Memo:
    # The last control line without reply, and where it led.
    char line[MEMO_LINE]
    uint32_t line_len  # 0 = nothing remembered
    uint32_t seen_len  # length of `line` when it was only seen, not yet remembered
    uint32_t subject_at
    uint32_t subject_len  # of what it is mapped to, if it is
    uint32_t header_len
    uint32_t total_len
    bint runs  # receivers may get many at a time, see `_runs_fit`
    uint32_t sid_max  # length of their longest sid
    size_t subject_max  # and of the longest name that the subject has for them, at most
    bint is_mapped
    char mapped[MEMO_LINE]  # the subject that it is mapped to
    Match* match  # owned


# Whether a line is the one that came last; another one is kept as that.
cdef bint memo_comes_again(Memo* memo, const char* line, size_t length) noexcept
# Nothing is remembered any more.
cdef void memo_forget(Memo* memo) noexcept
# Gives a message the subject that it is mapped to. Whether it may be remembered: it is the same for
# all messages with this line.
cdef bint memo_map(Memo* memo, Mapper mapper, Message* msg) except -1
# Remembers whom a line reaches, and what its messages have in common. Takes over `match`.
cdef void memo_keep(
    Memo* memo, size_t line_len, Message* msg, Match* match, Receiver source
) noexcept
# How many frames at p, `most` at most, have the remembered line. `parents`: traceparent counts.
cdef size_t memo_count(Memo* memo, char* p, char* end, size_t most, bint parents) noexcept
# How many messages may be routed before somebody else's turn.
cdef size_t memo_share(Memo* memo, Receiver source) noexcept
# What these messages have in common.
cdef void memo_message(Memo* memo, char* p, Message* msg) noexcept
# Delivers `frames` of them to all receivers, a block at a time, so that the block stays in the
# core's cache while one receiver after the other gets it.
cdef int memo_run(Memo* memo, Message* msg, char* p, size_t frames, Receiver source) except -1
