"""See sender.pxd."""
from libc.string cimport memset

from pynats_server.core.engine cimport Peer
from pynats_server.core.interest.subscription cimport Sink, hand_over

cdef enum:
    PARCELS = 64  # handed over in one turn


cdef class Parcel:
    pass


cdef class Sender(Turner):
    cdef bint send(self) except -1:
        raise NotImplementedError

    cdef int ask_turn(self) except -1:
        if not self.asked:
            self.asked = True
            self.engine.finish_later(self)
        return 0

    cdef int go_on(self) except -1:
        self.asked = False
        if self.parcels is not None:
            self._hand_over()
        if self.send():
            self.ask_turn()
        return 0

    cdef bint is_laden(self) noexcept:
        return self.parcels is not None and len(self.parcels) >= PARCELS

    cdef int post(self, Subscription to, Message* msg) except -1:
        cdef Parcel parcel = Parcel()
        parcel.to = to
        parcel.subject = msg.subject[:msg.subject_len]
        parcel.via = msg.via[:msg.via_len]
        parcel.reply = msg.reply[:msg.reply_len] if msg.reply_len else b""
        parcel.content = msg.payload[:msg.total_len] if msg.total_len else b""
        parcel.header_len = msg.header_len
        if self.parcels is None:
            self.parcels = []
        self.parcels.append(parcel)
        return self.ask_turn()

    def _hand_over(self) -> None:
        cdef Parcel parcel
        cdef Message msg
        parcels, self.parcels = self.parcels, None
        for parcel in parcels:
            if parcel.to.closed:
                continue
            memset(&msg, 0, sizeof(msg))
            msg.subject, msg.subject_len = parcel.subject, <uint32_t>len(parcel.subject)
            msg.via, msg.via_len = parcel.via, <uint32_t>len(parcel.via)
            msg.reply, msg.reply_len = parcel.reply, <uint32_t>len(parcel.reply)
            msg.payload, msg.total_len = parcel.content, <uint32_t>len(parcel.content)
            msg.header_len = parcel.header_len
            self.engine.routing.steps += 1
            try:
                hand_over(parcel.to, &msg, self)
            except Exception as error:  # of one receiver; the others still get theirs
                self.engine.handler.on_internal_error(self, error)

    cdef int stalled_by(self, Sink receiver, size_t pending) except -1:
        return self.wait_for(receiver, False)

    cdef int wait_for(self, object receiver, bint refused) except -1:
        if self.holders is None:
            self.holders = set()
        if receiver not in self.holders:
            self.holders.add(receiver)
            self.refused = refused
            self.engine.begin_backlog(<Peer?>receiver, self)
        return 0

    cdef int let_go(self, Peer receiver) except -1:
        self.holders.discard(receiver)
        return self.ask_turn()
