"""Where records begin and end in a stream: five bytes tell the length of what follows them."""

cdef enum:
    HANDSHAKE_RECORD = 22
    LONGEST_RECORD = 16384 + 2048


cdef struct Heads:
    unsigned char head[5]
    size_t begun  # bytes of the head that are here
    size_t missing  # of its body


# Follows the stream; how many records have ended.
cdef inline size_t heads_follow(Heads* self, const char* data, size_t length) noexcept nogil:
    cdef size_t ended = 0
    cdef size_t part
    while length:
        if self.begun < 5:
            self.head[self.begun] = <unsigned char>data[0]
            self.begun += 1
            data += 1
            length -= 1
            if self.begun < 5:
                continue
            self.missing = (<size_t>self.head[3] << 8) | self.head[4]
        part = min(self.missing, length)
        self.missing -= part
        data += part
        length -= part
        if self.missing == 0:
            self.begun = 0
            ended += 1
    return ended


# Whether it is time to look at what a client has said first: not in the middle of its first record.
# A library would need some 60 KiB to wait for the rest.
cdef inline bint heads_may_begin(const char* said, size_t length) noexcept nogil:
    cdef const unsigned char* head = <const unsigned char*>said
    cdef size_t body
    if length < 5:
        return False
    body = (<size_t>head[3] << 8) | head[4]
    if head[0] != HANDSHAKE_RECORD or head[1] >= 0x10 or body > LONGEST_RECORD:
        return True  # and no hello
    return length >= 5 + body


cdef inline bint heads_at_end(Heads* self) noexcept nogil:
    return self.begun == 0
