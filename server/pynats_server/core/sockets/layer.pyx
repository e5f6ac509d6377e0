"""See layer.pxd."""
from libc.stdlib cimport free, malloc


MORE, ENDED, FAILED, READY = LAYER_MORE, LAYER_ENDED, LAYER_FAILED, LAYER_READY


cdef class Layer:
    """The methods are for its beginning, which may be in another thread, and for tests and tools;
    connections call the table."""

    def greet(self, bytes data not None) -> int:
        """A step of the beginning, without the interpreter's lock."""
        cdef int answer
        cdef const char* start = data
        cdef size_t length = len(data)
        with nogil:
            answer = self.calls.greet(self.state, start, length)
        return answer

    def peer(self) -> object:
        """Who the other side is, once it is ready; see the engine."""
        raise NotImplementedError

    def failure(self) -> str:
        """Why it failed."""
        raise NotImplementedError

    def take(self) -> bytes:
        """What it has to say to the peer of itself."""
        cdef char room[LAYER_RECORD]
        cdef ssize_t n
        found = []
        while True:
            n = self.calls.take(self.state, room, sizeof(room))
            if n <= 0:
                return b"".join(found)
            found.append(room[:n])

    def open(self, bytes data not None) -> tuple:
        """(bytes of the protocol, LAYER_MORE or how it ended) of what the peer sent."""
        cdef char room[LAYER_RECORD]
        cdef ssize_t n
        if data and self.calls.feed(self.state, data, len(data)) < 0:
            raise MemoryError()
        found = []
        while True:
            n = self.calls.open(self.state, room, sizeof(room))
            if n <= 0:
                return b"".join(found), n
            found.append(room[:n])

    def seal(self, bytes data not None) -> bytes:
        """What is sent for bytes of the protocol."""
        cdef size_t at = 0
        cdef size_t part
        cdef size_t length = len(data)
        cdef const char* start = data
        cdef ssize_t n
        cdef char* room = <char*>malloc(LAYER_RECORD + LAYER_OVERHEAD)
        if room == NULL:
            raise MemoryError()
        found = []
        try:
            while at < length:
                part = min(length - at, <size_t>LAYER_RECORD)
                n = self.calls.seal(
                    self.state, start + at, part, room, LAYER_RECORD + LAYER_OVERHEAD
                )
                if n < 0:
                    raise ValueError(self.failure())
                found.append(room[:n])
                at += part
        finally:
            free(room)
        found.append(self.take())
        return b"".join(found)

    def finish(self) -> bytes:
        """Says goodbye."""
        self.calls.finish(self.state)
        return self.take()

    def rest(self) -> None:
        """Gives back memory that it does not need now."""
        self.calls.rest(self.state)
