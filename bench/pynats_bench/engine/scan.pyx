"""Counts deliveries in a byte stream, correctly and for a few nanoseconds each.

Theory of operation. A delivery is a control line and a payload whose length the line ends with.
Runs of deliveries repeat one shape, so the scanner remembers the last line's length and its last
bytes (" 128\\r\\n"). When the next bytes start with the verb, carry that tail at that distance and
end with CRLF, the line is known to be of the same shape: a control line holds no CR before its
end, so the tail cannot sit inside a longer line; nor in the payload behind a shorter one, because
the engine's own payloads hold no CRLF (sequence-stamped ones may, and use the slow path).
Everything else takes the slow path, which parses the line in full.

Where anybody may publish (`careful`), the first LF of a line must be at its end, too: payloads may
then hold what they like.

A `limit` draws the end of the bytes nearer, so that it costs no look at each message.

`scan` consumes whole lines; payloads may be consumed in part (`skip`), so only an incomplete line
has to be moved to the front of the receive buffer.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memchr, memcpy

# A control line longer than this is not NATS (the servers' own default is 4096).
cdef size_t LINE_MAX = 16384
cdef size_t INFO_MAX = 1048576   # but all addresses of a large cluster can be in one
cdef uint16_t CRLF = 0x0A0D
cdef uint32_t MSG = 0x2047534D
cdef uint32_t HMSG = 0x47534D48
STAMP_MAGIC = b"\x00NATSt\xf6\x01"  # what a payload with the time of its publish begins with
cdef uint64_t MAGIC = 0x01F6745354414E00
cdef size_t SHORTEST_PAIR = 20  # bytes of `PUB a 0`, its payload, and another such line


cdef inline uint32_t load32(const char *at) noexcept nogil:
    cdef uint32_t value
    memcpy(&value, at, 4)
    return value


cdef inline uint64_t load64(const char *at) noexcept nogil:
    cdef uint64_t value
    memcpy(&value, at, 8)
    return value


cdef inline uint16_t load16(const char *at) noexcept nogil:
    cdef uint16_t value
    memcpy(&value, at, 2)
    return value


cdef uint64_t mix(uint64_t value) noexcept nogil:
    """A bijection that spreads neighbouring values, so that a sum of them names the set."""
    value = (value ^ (value >> 32)) * <uint64_t>0xD6E8FEB86659FD93
    value = (value ^ (value >> 32)) * <uint64_t>0xD6E8FEB86659FD93
    return value ^ (value >> 32)


cdef int parse_message(const char *at, size_t size, Message *out) noexcept nogil:
    """Parse `MSG|HMSG|PUB ...\\r\\n`. Returns 1, 0 when the line is incomplete, -1 when bad.

    The reply subject is reported for MSG and HMSG, the lines that a responder answers.
    """
    # However much has come: what is made of parts of the line has room for a line's.
    cdef const char *end = <const char *>memchr(at, 10, min(size, LINE_MAX))
    cdef const char *cursor
    cdef const char *first
    cdef uint64_t value = 0, scale = 1
    cdef int spaces = 0
    if end == NULL:
        return -1 if size >= LINE_MAX else 0
    out.head_len = end - at + 1
    out.reply = NULL
    out.reply_len = 0
    out.header_len = 0
    if out.head_len < 8 or (end - 1)[0] != 13:
        return -1
    cursor = end - 2
    while cursor > at and 48 <= cursor[0] <= 57 and scale < 10000000000ULL:
        value += <uint64_t>(cursor[0] - 48) * scale
        scale *= 10
        cursor -= 1
    if scale == 1 or cursor[0] != 32:
        return -1
    out.size = value
    if at[0] == 77 or at[0] == 72:  # M, H
        if at[0] == 72:  # the size of the headers is in front of the whole
            cursor -= 1
            scale = 1
            while cursor > at and 48 <= cursor[0] <= 57 and scale < 10000000000ULL:
                out.header_len += <size_t>(cursor[0] - 48) * scale
                scale *= 10
                cursor -= 1
            if scale == 1 or cursor[0] != 32 or out.header_len > out.size:
                return -1
        first = cursor
        end = cursor
        while first > at:
            first -= 1
            if first[0] == 32:
                spaces += 1
                if spaces == 1:
                    out.reply = first + 1
        # MSG subject sid [reply] size, HMSG subject sid [reply] size size
        if spaces == 3:
            out.reply_len = end - out.reply
        elif spaces == 2:
            out.reply = NULL
        else:
            return -1
    return 1


cdef void fail(Scanner *self, const char *at, size_t size) noexcept nogil:
    cdef size_t length = 0
    while length < size and length < sizeof(self.error) - 1 and at[length] not in (13, 10):
        self.error[length] = at[length]
        length += 1
    self.error[length] = 0
    self.failed = True


cdef inline void check_sequence(Scanner *self, const char *payload) noexcept nogil:
    cdef uint64_t stamp = load64(payload)
    cdef uint64_t publisher = stamp >> 48
    cdef uint64_t sequence = stamp & <uint64_t>0xFFFFFFFFFFFF
    self.digest += mix(stamp)
    if publisher >= self.publishers or sequence < self.next_sequence[publisher]:
        self.disorder += 1
    else:
        self.next_sequence[publisher] = sequence + 1


cdef inline uint64_t stamp_of(const char *payload, size_t size) noexcept nogil:
    return load64(payload + 8) if size >= STAMP_BYTES and load64(payload) == MAGIC else 0


cdef inline size_t headers_of(const char *end) noexcept nogil:
    """The number whose last digit is in front of `end`, the blank behind it."""
    cdef size_t value = 0, scale = 1
    end -= 1
    while 48 <= end[0] <= 57:
        value += <size_t>(end[0] - 48) * scale
        scale *= 10
        end -= 1
    return value


cdef inline void remember(Scanner *self, Message *message) noexcept nogil:
    """Arm the fast path for lines like this one; sizes of six digits and more do not fit."""
    cdef int tail = 3  # space, CR, LF
    cdef uint64_t rest = message.size
    while True:
        tail += 1
        rest //= 10
        if rest == 0:
            break
    if tail > 8 or self.publishers:
        self.memo_head = 0
        return
    self.memo_head = message.head_len
    self.memo_frame = message.head_len + message.size + 2
    self.memo_size = message.size
    self.memo_mask = ~<uint64_t>0 << (8 * (8 - tail))
    self.memo_digits = tail


cdef size_t scan_line(Scanner *self, const char *at, size_t size) noexcept nogil:
    """Consume one line, and its payload as far as it is there. 0: more bytes are needed."""
    cdef Message message
    cdef const char *end
    cdef size_t head
    cdef uint64_t frame
    cdef int state
    if size >= 4 and (
        load32(at) == self.verb or (self.careful and (load32(at) == HMSG or load32(at) == MSG))
    ):
        state = parse_message(at, size, &message)
        if state == 0:
            return 0
        if state < 0 or (self.publishers and message.size < self.stamp_at + 8):
            fail(self, at, size)
            return 0
        head = message.head_len
        frame = message.size + 2
        if self.publishers:
            if size - head < self.stamp_at + 8:
                return 0
            check_sequence(self, at + head + self.stamp_at)
        if size - head < frame:
            if self.careful:
                # So much of the payload is needed to tell whether it is stamped.
                if size - head < min(frame, message.header_len + STAMP_BYTES):
                    return 0
                self.half_stamp = stamp_of(
                    at + head + message.header_len, message.size - message.header_len)
                self.skip_headers = message.header_len
            self.skip = frame - (size - head)
            self.skip_size = message.size
            return size
        if load16(at + head + message.size) != CRLF:
            fail(self, at, size)
            return 0
        self.messages += 1
        self.payload_bytes += message.size
        if self.careful:
            self.header_bytes += message.header_len
            self.stamp = stamp_of(
                at + head + message.header_len, message.size - message.header_len)
        remember(self, &message)
        if self.memo_head:
            self.memo_tail = load64(at + head - 8) & self.memo_mask
            self.memo_verb = load32(at)
        return head + frame
    end = <const char *>memchr(at, 10, size)
    if end == NULL:
        if size >= (INFO_MAX if at[0] == 73 else LINE_MAX):
            fail(self, at, size)
        return 0
    head = end - at + 1
    if head >= 4 and at[0] == 80 and at[1] == 73:    # PING
        self.pings += 1
    elif head >= 4 and at[0] == 80 and at[1] == 79:  # PONG
        self.pongs += 1
    elif not (at[0] == 73 or (at[0] == 43 and at[1] == 79)):  # neither INFO nor +OK
        fail(self, at, size)
        return 0
    return head


cdef size_t scan(Scanner *self, const char *at, size_t size) noexcept nogil:
    """Consume what can be consumed of `size` bytes and return how much that was.

    The rest is an incomplete control line, or what comes after the last message of the `limit`:
    present it again with more bytes behind it. After a line that is neither a counted message nor
    control traffic, `failed` is set and `error` holds the line.
    """
    cdef size_t done = 0, used
    cdef uint64_t messages = 0
    cdef size_t head, frame, headers, end
    cdef uint64_t tail, mask
    cdef uint32_t verb
    cdef bint look   # for the end of each line
    if self.skip:
        if self.skip > size:
            self.skip -= size
            return size
        done = self.skip
        self.skip = 0
        if at[done - 1] != 10:
            fail(self, b"payload does not end with CRLF", 30)
            return 0
        self.messages += 1
        self.payload_bytes += self.skip_size
        self.header_bytes += self.skip_headers
        self.stamp = self.half_stamp
        self.skip_headers = self.half_stamp = 0
    while done < size and not self.failed:
        if self.limit and self.messages >= self.limit:
            break
        if self.memo_head:
            head = self.memo_head
            frame = self.memo_frame
            tail = self.memo_tail
            mask = self.memo_mask
            verb = self.memo_verb
            look = self.careful or head >= SHORTEST_PAIR
            headers = 0
            messages = 0
            end = size
            if self.limit and self.limit - self.messages < size:   # or no need to multiply
                end = min(size, done + (self.limit - self.messages) * frame)
            while (
                end - done >= frame
                and load32(at + done) == verb
                and load64(at + done + head - 8) & mask == tail
                and load16(at + done + frame - 2) == CRLF
                # Two short frames can look like one long one.
                and (not look or memchr(at + done, 10, head - 1) == NULL)
            ):
                messages += 1
                if verb == HMSG and self.careful:
                    headers = headers_of(at + done + head - self.memo_digits)
                    if headers > self.memo_size:
                        fail(self, at + done, head)
                        break
                    self.header_bytes += headers
                done += frame
            if messages and self.careful and not self.failed:
                self.stamp = stamp_of(
                    at + done - frame + head + headers, self.memo_size - headers)
            self.messages += messages
            self.payload_bytes += messages * self.memo_size
            if done == end:
                continue
        used = scan_line(self, at + done, size - done)
        if used == 0:
            break
        done += used
    return done


cdef class StreamCounter:
    """The scanner for Python callers (tests, diagnosis): feed it bytes in any pieces.

    `verb` is the counted control line's first four bytes, b"MSG ", b"HMSG" or b"PUB ".
    `publishers` > 0 turns verification of stamped payloads on, `careful` counts MSG and HMSG of
    anybody. What comes behind the last message of a `limit` is kept unseen.
    """

    cdef Scanner state
    cdef bytes rest

    def __cinit__(self, bytes verb=b"MSG ", uint32_t publishers=0, bint careful=False,
                  uint64_t limit=0):
        if len(verb) != 4:
            raise ValueError("verb must be four bytes")
        self.state.verb = load32(verb)
        self.state.publishers = publishers
        self.state.careful = careful
        self.state.limit = limit
        self.rest = b""
        if publishers:
            self.state.next_sequence = <uint64_t *>calloc(publishers, sizeof(uint64_t))
            if self.state.next_sequence == NULL:
                raise MemoryError

    def __dealloc__(self):
        free(self.state.next_sequence)

    def feed(self, bytes data):
        """Scan more bytes. ValueError with the offending line when the stream is not NATS."""
        cdef bytes whole = self.rest + data
        cdef size_t used = scan(&self.state, whole, len(whole))
        self.rest = whole[used:]
        if self.state.failed:
            raise ValueError(self.state.error.decode("latin-1"))

    @property
    def messages(self):
        return self.state.messages

    @property
    def payload_bytes(self):
        return self.state.payload_bytes

    @property
    def header_bytes(self):
        return self.state.header_bytes

    @property
    def stamp(self):
        return self.state.stamp

    @property
    def pings(self):
        return self.state.pings

    @property
    def pongs(self):
        return self.state.pongs

    @property
    def disorder(self):
        return self.state.disorder

    @property
    def digest(self):
        return self.state.digest
