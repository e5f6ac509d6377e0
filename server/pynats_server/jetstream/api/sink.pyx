"""Where the API requests of an account arrive. The most frequent ones go on compiled: requests for a
consumer's messages, and for one message of a stream.

    $JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>
    $JS.API.DIRECT.GET.<stream>[.<subject>]
"""
from libc.string cimport memcmp

from pynats_server.core.account cimport Account, ServiceSink
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.core.sharing.services cimport ServiceImport
from pynats_server.core.tracing.trail cimport Trail
from pynats_server.jetstream.api.onlookers cimport Onlookers

from pynats_server.jetstream.api.onlookers import WHOLE_API
from pynats_server.jetstream.consumer.delivery.feed cimport Feed
from pynats_server.jetstream.consumer.delivery.router cimport Router
from pynats_server.jetstream.direct.desk cimport Desk


cdef inline bint begins(Message* msg, bytes head) noexcept:
    cdef size_t n = len(head)
    return msg.subject_len > n and memcmp(msg.subject, <const char*>head, n) == 0


cdef class ApiSink(ServiceSink):
    """What is not answered here goes to `callback(account, subject, reply, headers, payload, source)`.
    `is_idle(account name, source)` says whether an answer may be given at once: whoever has a request
    under way gets its answer first; it is asked while anybody is `at_work` or
    `waited` for. `on_error` is told of bugs of ours. `onlookers` see what comes of clients of any
    account, but for the most frequent requests."""
    cdef Onlookers onlookers
    cdef ServiceImport way  # to them
    cdef bint has_none  # the account has no JetStream
    cdef Router router
    cdef Desk desk
    cdef bytes next_head, direct_head, direct
    cdef dict at_work, waited
    cdef object is_idle, on_error

    cdef int ask_consumer(self, Subscription sub, Message* msg) except -1
    cdef bint is_answered(self, Message* msg, Sink source) except -1
    cdef bint is_for_api(self, Message* msg, Sink source, Trail trail) except -1

    def __init__(
        self, Account account not None, bytes prefix not None, callback, Router router not None,
        Desk desk not None, dict at_work not None, dict waited not None,
        is_idle, on_error, Onlookers onlookers not None, bint has_none,
    ):
        self.account = account
        self.callback = callback
        self.with_source = True
        self.router = router
        self.desk = desk
        self.at_work, self.waited = at_work, waited
        self.is_idle = is_idle
        self.on_error = on_error
        self.onlookers = onlookers
        self.has_none = has_none
        self.next_head = prefix + b".CONSUMER.MSG.NEXT."
        self.direct = prefix + b".DIRECT.GET"
        self.direct_head = self.direct + b"."

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        if begins(msg, self.next_head):
            if msg.header_len == 0:
                return self.ask_consumer(sub, msg)
        elif begins(msg, self.direct_head):
            if msg.header_len == 0 and self.is_answered(msg, source):
                sub.delivered += 1
                return 1
        elif not self.is_for_api(msg, source, None):
            return 0
        return ServiceSink.deliver(self, sub, msg, source)

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        cdef Trail noting = <Trail>trail
        if begins(msg, self.next_head) or begins(msg, self.direct_head):
            return self.deliver(sub, msg, source)
        # For clients, the system account answers: it is a service that allows no traces.
        subject = msg.subject[:msg.subject_len]
        noting.imported(None, subject, subject)
        if noting.only or not self.is_for_api(msg, source, noting):
            return 0
        return ServiceSink.deliver(self, sub, msg, source)

    cdef bint is_for_api(self, Message* msg, Sink source, Trail trail) except -1:
        """Whether the API takes it, which others may have seen now."""
        cdef size_t n = len(self.direct)
        if self.account is self.onlookers.account:
            return not self.onlookers.are_looking()
        if msg.subject_len >= n and memcmp(msg.subject, <const char*>self.direct, n) == 0:
            return msg.subject_len == n
        if self.onlookers.account is not None and self.onlookers.are_there(msg):
            if not (self.has_none and self.account.asks(WHOLE_API)):  # else they see what that asks
                self.way = self.onlookers.show(self.account, self.way, msg, source, trail)
        return True

    cdef int ask_consumer(self, Subscription sub, Message* msg) except -1:
        cdef size_t n = len(self.next_head)
        cdef Feed feed
        sub.delivered += 1
        feed = self.router.find(msg.subject + n, msg.subject_len - n)
        if feed is None or feed.stopped:
            return 0
        try:
            feed.host.asked(msg.reply[:msg.reply_len], msg.payload[:msg.total_len])
        except Exception as error:  # a bug of ours must not end the publisher's connection
            feed.host.on_internal_error(error)
        return 1

    cdef bint is_answered(self, Message* msg, Sink source) except -1:
        cdef size_t n = len(self.direct_head)
        try:
            if (self.at_work or self.waited) and not self.is_idle(self.account.name, source):
                return False
            return self.desk.answer(msg, msg.subject + n, msg.subject_len - n)
        except Exception as error:  # as above
            self.on_error(error)
            return True
