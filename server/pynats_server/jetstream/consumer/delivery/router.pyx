"""Where acknowledgements of an account arrive: one compiled sink each for all consumers, which are
found by the names in the subject. Requests for messages find them here, too (`api.sink`).

    $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>
    $JS.ACK.<domain>.<account hash>.<stream>.<consumer>.<...as above>[.<random>]
    $JS.FC.[<domain>.<account hash>.]<stream>.<consumer>.<random>

What names no consumer finds nobody: the publisher is told so, as for any subject without listeners.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp

from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.core.memory.bytemap cimport bytemap_free, bytemap_get, bytemap_pop, bytemap_put
from pynats_server.jetstream.consumer.delivery.acks cimport take_ack
from pynats_server.jetstream.consumer.delivery.feed cimport Feed
from pynats_server.jetstream.consumer.delivery.push.feed cimport PushFeed
from pynats_server.jetstream.consumer.delivery.state cimport ACK_NONE

import hashlib

cdef enum:
    # Of subjects without domain and account hash.
    ACK_TOKENS = 9
    FLOW_TOKENS = 5
    SAFE_DIGITS = 18  # of a number that surely has 63 bits

_LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def name_hash(str name not None) -> bytes:
    """How subjects name an account: eight letters."""
    digest = hashlib.sha256(name.encode()).digest()
    return bytes([_LETTERS[byte % 62] for byte in digest[:8]])


cdef void split(const char* p, size_t n, Parts* parts) noexcept nogil:
    """The tokens of a subject; a count of 0 when there are too many."""
    cdef const char* end = p + n
    cdef const char* dot
    parts.count = 0
    while True:
        if parts.count == TOKENS_MAX:
            parts.count = 0
            return
        dot = <const char*>memchr(p, c'.', end - p)
        parts.at[parts.count] = p
        parts.size[parts.count] = (end if dot == NULL else dot) - p
        parts.count += 1
        if dot == NULL:
            return
        p = dot + 1


cdef int64_t number(const char* p, size_t n) noexcept nogil:
    """Digits only; -1 for anything else."""
    cdef uint64_t value = 0
    cdef size_t i
    if n == 0 or n > 19:
        return -1
    for i in range(n):
        if p[i] < c'0' or p[i] > c'9':
            return -1
        value = value * 10 + <uint64_t>(p[i] - c'0')
    return <int64_t>value if value < (<uint64_t>1 << 63) else -1


cdef struct Numbers:
    # Of an acknowledgement.
    uint64_t count, seq, delivery


cdef inline const char* past_number(const char* p, const char* end, uint64_t* value) noexcept nogil:
    """Where the token behind a number begins; NULL for what is rare, see `number`."""
    cdef const char* start = p
    cdef uint64_t total = 0
    while p < end and c'0' <= p[0] <= c'9':
        total = total * 10 + <uint64_t>(p[0] - c'0')
        p += 1
    value[0] = total
    return p + 1 if 0 < p - start <= SAFE_DIGITS and p < end and p[0] == c'.' else NULL


cdef inline bint read_numbers(Message* msg, bytes head, Numbers* found) noexcept:
    """Reads an acknowledgement of the consumer whose subjects begin with `head`. False if it is
    none, or a rare one."""
    cdef size_t n = len(head)
    cdef const char* end = msg.subject + msg.subject_len
    cdef const char* p = msg.subject + n
    if msg.subject_len <= n or memcmp(msg.subject, <const char*>head, n) != 0:
        return False
    p = past_number(p, end, &found.count)
    if p != NULL:
        p = past_number(p, end, &found.seq)
    if p != NULL:
        p = past_number(p, end, &found.delivery)
    if p == NULL:
        return False
    p = <const char*>memchr(p, c'.', end - p)  # the time, and behind it what is left
    return p != NULL and memchr(p + 1, c'.', end - p - 1) == NULL


cdef class Router:
    def __init__(self, bytes domain not None, bytes account_hash not None, with_account: bool):
        self.feeds = {}
        self.with_account = with_account
        self.domain = domain or b"_"
        self.account_hash = account_hash

    def __dealloc__(self):
        bytemap_free(&self.places)

    def head(self, bytes kind not None, bytes stream not None, bytes consumer not None) -> bytes:
        """How subjects of a consumer begin, `kind` being ACK or FC, with a dot at their end. Both
        forms are taken, whichever is sent."""
        place = b"%s.%s." % (self.domain, self.account_hash) if self.with_account else b""
        return b"$JS.%s.%s%s.%s." % (kind, place, stream, consumer)

    def add(self, bytes stream not None, bytes consumer not None, Feed feed not None) -> None:
        """From now on the consumer is found."""
        key = stream + b"." + consumer
        self.remove(stream, consumer)
        self.feeds[key] = (key, feed)
        bytemap_put(&self.places, <const char*>key, len(key), <void*>feed)

    def remove(self, bytes stream not None, bytes consumer not None) -> None:
        """It is not found any more. Idempotent."""
        key = stream + b"." + consumer
        self.last = None
        if key in self.feeds:
            bytemap_pop(&self.places, <const char*>key, len(key))
            del self.feeds[key]

    cdef bint is_own(self, Parts* parts) noexcept:
        return (
            parts.size[2] == <size_t>len(self.domain)
            and memcmp(parts.at[2], <const char*>self.domain, parts.size[2]) == 0
            and parts.size[3] == <size_t>len(self.account_hash)
            and memcmp(parts.at[3], <const char*>self.account_hash, parts.size[3]) == 0
        )

    cdef Feed receiver(self, Message* msg, Parts* parts, int* first, int tokens):
        split(msg.subject, msg.subject_len, parts)
        first[0] = 2
        if parts.count != tokens:
            first[0] = 4
            if parts.count != tokens + 2 and not (parts.count == 12 and tokens == ACK_TOKENS):
                return None
            if not self.is_own(parts):
                return None
        return self.find(
            parts.at[first[0]], parts.size[first[0]] + 1 + parts.size[first[0] + 1]
        )

    cdef Feed find(self, const char* at, size_t size):
        cdef void* found = bytemap_get(&self.places, at, size)
        return None if found == NULL else <Feed>found


cdef class AckSink(Sink):
    """Takes `$JS.ACK.>`."""
    cdef Router router

    def __init__(self, Router router not None):
        self.router = router

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        cdef Parts parts
        cdef int first
        cdef Feed feed = self.router.last
        cdef Numbers found
        sub.delivered += 1
        if feed is None or not read_numbers(msg, feed.ack_head, &found):
            feed = self.router.receiver(msg, &parts, &first, ACK_TOKENS)
            if feed is None:
                return 0
            self.router.last = feed
            # What is no number is a very large one.
            found.count = <uint64_t>number(parts.at[first + 2], parts.size[first + 2])
            found.seq = <uint64_t>number(parts.at[first + 3], parts.size[first + 3])
            found.delivery = <uint64_t>number(parts.at[first + 4], parts.size[first + 4])
        if feed.stopped or feed.state.policy == ACK_NONE:
            return 0
        try:
            take_ack(feed, found.delivery, found.seq, <uint32_t>found.count, msg)
        except Exception as error:  # a bug of ours must not end the publisher's connection
            feed.host.on_internal_error(error)
        return 1


cdef class FlowSink(Sink):
    """Takes `$JS.FC.>`, the answers of receivers to requests of flow control."""
    cdef Router router

    def __init__(self, Router router not None):
        self.router = router

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        cdef Parts parts
        cdef int first
        cdef Feed feed
        sub.delivered += 1
        feed = self.router.receiver(msg, &parts, &first, FLOW_TOKENS)
        if feed is None or feed.stopped or not isinstance(feed, PushFeed):
            return 0
        try:
            (<PushFeed>feed).flowed(msg)
        except Exception as error:  # a bug of ours must not end the publisher's connection
            feed.host.on_internal_error(error)
        return 1
