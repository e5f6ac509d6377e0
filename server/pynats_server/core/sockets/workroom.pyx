"""See workroom.pxd."""
from libc.stdlib cimport free, malloc

from pynats_server.core.limits cimport GREETERS, GREETINGS_BATCH, LAYER_READ, LAYER_SEND
from pynats_server.core.sockets.greetings cimport Greetings
from pynats_server.core.sockets.layer cimport LAYER_RECORD


cdef class Workroom:
    def __cinit__(self, Engine engine not None):
        self.incoming = <char*>malloc(LAYER_READ)
        self.outgoing = <char*>malloc(LAYER_SEND)
        self.gathered = <char*>malloc(LAYER_RECORD)
        if self.incoming == NULL or self.outgoing == NULL or self.gathered == NULL:
            raise MemoryError()
        self.greetings = Greetings(engine, GREETERS, GREETINGS_BATCH)

    def __dealloc__(self):
        free(self.incoming)
        free(self.outgoing)
        free(self.gathered)

    def close(self) -> None:
        """Ends the threads."""
        self.greetings.close()


cdef Workroom workroom_of(Engine engine):
    if engine.workroom is None:
        engine.workroom = Workroom(engine)
    return engine.workroom
