"""A part of the server that sends much by itself, as consumers do.

It takes its turn like a connection whose input waits: `send` is called in the next turn (or round of
a turn) after `ask_turn`, and goes on until it has had its share (`is_spent`) or has nothing to send.
What it sends leaves at the end of the round.

A receiver with a backlog holds it back (`audience`): nothing more is sent there, so a sender is never
the one that cuts a client that still reads; and `send` is called again when the receiver has
drained, or has ended.

Where a part of the server itself receives (a stream, the API), it gets the message in the sender's
next turn: what it does with it may change what the sender is just sending from.
"""
from libc.stdint cimport uint32_t

from pynats_server.core.engine cimport Engine, Turner
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Subscription


cdef class Parcel:
    """A message for a part of the server."""
    cdef Subscription to
    cdef bytes subject, via, reply, content
    cdef uint32_t header_len


cdef class Sender(Turner):
    cdef readonly Engine engine
    cdef bint asked  # for a turn
    cdef set holders  # receivers with a backlog that will call; None = none
    cdef list parcels  # to be handed over in the next turn; None = none

    # Sends for its share of the turn, and returns whether there is more that can be sent now.
    cdef bint send(self) except -1
    cdef int ask_turn(self) except -1
    # Whether no more parcels are taken before the next turn.
    cdef bint is_laden(self) noexcept
    # Has a message handed over in the next turn.
    cdef int post(self, Subscription to, Message* msg) except -1
    # Waits for a receiver that has a backlog.
    cdef int wait_for(self, object receiver, bint refused) except -1
