"""See sender.pxd."""
from pynats_server.core.engine cimport Peer
from pynats_server.core.interest.subscription cimport Sink


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
        if self.send():
            self.ask_turn()
        return 0

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
