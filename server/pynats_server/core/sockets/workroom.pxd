"""What the layers of all connections of an engine share: room for what is being read or sent just now,
and the threads that begin them. Between two calls nothing is kept in the room.
"""
from pynats_server.core.engine cimport Engine
from pynats_server.core.sockets.greetings cimport Greetings


cdef class Workroom:
    cdef char* incoming  # LAYER_READ
    cdef char* outgoing  # LAYER_SEND
    cdef char* gathered  # LAYER_RECORD
    cdef Greetings greetings


cdef Workroom workroom_of(Engine engine)
