from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.consumer.delivery.feed cimport Feed


cdef int take_ack(Feed feed, uint64_t delivery, uint64_t seq, uint32_t count, Message* msg) except -1
