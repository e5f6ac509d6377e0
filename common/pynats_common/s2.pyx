"""S2 (Snappy with repeat offsets) blocks and streams, as nats-server reads and writes them.

Format: the public Snappy format and framing descriptions plus the S2 extension notes (stream
identifier `S2sTwO`, chunks up to 4 MiB, copy-1 with offset 0 repeats the last offset). The
writer emits the Snappy subset, which every S2 reader accepts.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    CHUNK = 1 << 16
    MAX_CHUNK = 4 << 20
    HASH_BITS = 14

cdef uint32_t crc_table[8][256]


cdef void build_crc() noexcept:
    cdef uint32_t c
    cdef int i, k
    for i in range(256):
        c = i
        for k in range(8):
            c = (c >> 1) ^ (0x82F63B78u if c & 1 else 0)
        crc_table[0][i] = c
    for i in range(256):
        for k in range(1, 8):
            crc_table[k][i] = (crc_table[k - 1][i] >> 8) ^ crc_table[0][crc_table[k - 1][i] & 255]

build_crc()


cdef uint32_t masked_crc(const uint8_t *p, size_t n) noexcept nogil:
    """CRC-32C with the rotation the framing format asks for."""
    cdef uint32_t c = 0xFFFFFFFFu
    cdef uint64_t w
    while n >= 8:
        memcpy(&w, p, 8)
        w ^= c
        c = (crc_table[7][w & 255] ^ crc_table[6][(w >> 8) & 255]
             ^ crc_table[5][(w >> 16) & 255] ^ crc_table[4][(w >> 24) & 255]
             ^ crc_table[3][(w >> 32) & 255] ^ crc_table[2][(w >> 40) & 255]
             ^ crc_table[1][(w >> 48) & 255] ^ crc_table[0][(w >> 56) & 255])
        p += 8
        n -= 8
    while n:
        c = (c >> 8) ^ crc_table[0][(c ^ p[0]) & 255]
        p += 1
        n -= 1
    c ^= 0xFFFFFFFFu
    return ((c >> 15) | (c << 17)) + 0xA282EAD8u


cdef size_t put_literal(uint8_t *d, const uint8_t *s, size_t n) noexcept nogil:
    cdef size_t o = 0
    cdef size_t m = n - 1
    if m < 60:
        d[0] = <uint8_t>(m << 2)
        o = 1
    elif m < 256:
        d[0], d[1] = 60 << 2, <uint8_t>m
        o = 2
    elif m < 65536:
        d[0], d[1], d[2] = 61 << 2, <uint8_t>m, <uint8_t>(m >> 8)
        o = 3
    else:
        d[0], d[1], d[2], d[3] = 62 << 2, <uint8_t>m, <uint8_t>(m >> 8), <uint8_t>(m >> 16)
        o = 4
    memcpy(d + o, s, n)
    return o + n


cdef size_t put_copy(uint8_t *d, size_t offset, size_t n) noexcept nogil:
    cdef size_t o = 0, take
    while n:
        # Never leave a rest below four bytes: 64 + 1..3 is cut as 60 + the rest.
        take = 64 if n >= 68 or n == 64 else (60 if n > 64 else n)
        if 4 <= take < 12 and offset < 2048:
            d[o] = <uint8_t>(1 | ((take - 4) << 2) | ((offset >> 8) << 5))
            d[o + 1] = <uint8_t>offset
            o += 2
        else:
            d[o] = <uint8_t>(2 | ((take - 1) << 2))
            d[o + 1], d[o + 2] = <uint8_t>offset, <uint8_t>(offset >> 8)
            o += 3
        n -= take
    return o


cdef size_t pack(const uint8_t *s, size_t n, uint8_t *d) noexcept nogil:
    """Greedy matcher over at most 64 KiB; returns the packed size (no length prefix)."""
    cdef uint16_t table[1 << HASH_BITS]
    cdef size_t i = 1, literal = 0, o = 0, candidate, length, limit
    cdef uint32_t word, other, h, step = 32
    if n < 16:
        return put_literal(d, s, n)
    memset(table, 0, sizeof(table))
    limit = n - 8
    while i < limit:
        memcpy(&word, s + i, 4)
        h = (word * 0x1E35A7BDu) >> (32 - HASH_BITS)
        candidate = table[h]
        table[h] = <uint16_t>i
        memcpy(&other, s + candidate, 4)
        if word != other or candidate >= i:
            i += step >> 5
            step += 1
            continue
        step = 32
        length = 4
        while i + length < n and s[candidate + length] == s[i + length]:
            length += 1
        if i > literal:
            o += put_literal(d + o, s + literal, i - literal)
        o += put_copy(d + o, i - candidate, length)
        i += length
        literal = i
    if literal < n:
        o += put_literal(d + o, s + literal, n - literal)
    return o


cdef int unpack(const uint8_t *s, size_t n, uint8_t *d, size_t want) noexcept nogil:
    """0 when `s` unpacks to exactly `want` bytes, -1 on anything else."""
    cdef size_t i = 0, o = 0, length, offset = 0, x
    cdef uint8_t tag
    while i < n:
        tag = s[i]
        if tag & 3 == 0:
            length = tag >> 2
            i += 1
            if length >= 60:
                x = length - 59
                if n - i < x:
                    return -1
                length = 0
                memcpy(&length, s + i, x)
                i += x
            length += 1
            if length > n - i or length > want - o:
                return -1
            memcpy(d + o, s + i, length)
            i += length
            o += length
            continue
        if tag & 3 == 1:
            if n - i < 2:
                return -1
            x = (<size_t>(tag & 0xE0) << 3) | s[i + 1]
            length = (tag >> 2) & 7
            i += 2
            if x:
                offset = x
            elif length >= 5:
                x = length - 4
                if n - i < x:
                    return -1
                length = 0
                memcpy(&length, s + i, x)
                i += x
                length += 4 if x == 1 else (256 if x == 2 else 65536)
            length += 4
        elif tag & 3 == 2:
            if n - i < 3:
                return -1
            length = 1 + (tag >> 2)
            offset = s[i + 1] | (<size_t>s[i + 2] << 8)
            i += 3
        else:
            if n - i < 5:
                return -1
            length = 1 + (tag >> 2)
            offset = 0
            memcpy(&offset, s + i + 1, 4)
            i += 5
        if offset == 0 or offset > o or length > want - o:
            return -1
        if offset >= length:
            memcpy(d + o, d + o - offset, length)
            o += length
        else:
            while length:
                d[o] = d[o - offset]
                o += 1
                length -= 1
    return 0 if o == want else -1


def encode_chunks(data):
    """Stream chunks (no stream identifier) that carry `data`."""
    cdef const uint8_t[::1] view = memoryview(data).cast("B")
    cdef size_t at = 0, total = view.shape[0], n, size, head
    cdef bytearray room = bytearray(CHUNK + CHUNK // 6 + 64)
    cdef uint8_t *d = <uint8_t *>room
    cdef uint32_t crc
    parts = []
    while at < total:
        n = min(<size_t>CHUNK, total - at)
        crc = masked_crc(&view[at], n)
        head = 0
        size = n
        while size >= 128:
            d[head] = <uint8_t>(size | 128)
            size >>= 7
            head += 1
        d[head] = <uint8_t>size
        head += 1
        with nogil:
            size = head + pack(&view[at], n, d + head)
        if size < n - n // 8:
            parts.append(b"\x00" + int(size + 4).to_bytes(3, "little") + int(crc).to_bytes(4, "little"))
            parts.append(d[:size])
        else:
            parts.append(b"\x01" + int(n + 4).to_bytes(3, "little") + int(crc).to_bytes(4, "little"))
            parts.append(bytes(view[at:at + n]))
        at += n
    return b"".join(parts)


IDENTIFIER = b"\xff\x06\x00\x00S2sTwO"


def encode_stream(data):
    """A whole S2 stream: identifier and chunks (nothing at all for no data)."""
    return IDENTIFIER + encode_chunks(data) if len(data) else b""


cdef class StreamDecoder:
    """Push bytes as they come, take what they unpack to, chunk by chunk.

    A chunk of twenty bytes may unpack to 4 MiB, so nothing is unpacked before it is asked for.
    Raises ValueError on a damaged stream; `close` raises when the stream stops inside a chunk.
    `limit` bounds the bytes produced in all (a bomb is refused, not unpacked).
    """

    cdef bytearray held
    cdef size_t at  # where the next chunk begins
    cdef bint started
    cdef readonly uint64_t produced
    cdef readonly uint64_t limit

    def __init__(self, uint64_t limit):
        self.held = bytearray()
        self.at = 0
        self.started = False
        self.produced = 0
        self.limit = limit

    def push(self, data):
        """More of the stream."""
        del self.held[:self.at]
        self.at = 0
        self.held += data

    def take(self):
        """What the next chunk unpacks to; None when more bytes are needed for one."""
        cdef size_t at, size, total = len(self.held)
        while total - self.at >= 4:
            at = self.at
            kind = self.held[at]
            size = self.held[at + 1] | (self.held[at + 2] << 8) | (self.held[at + 3] << 16)
            if kind <= 1 and size > MAX_CHUNK + MAX_CHUNK // 6 + 64:
                raise ValueError("S2 chunk is too long")
            if total - at - 4 < size:
                break
            body = bytes(self.held[at + 4:at + 4 + size])
            self.at = at + 4 + size
            if kind == 0xFF:
                if body not in (b"S2sTwO", b"sNaPpY"):
                    raise ValueError("not an S2 stream")
                self.started = True
            elif not self.started:
                raise ValueError("not an S2 stream")
            elif kind <= 1:
                return self.chunk(kind, body)
            elif kind < 0x80:
                raise ValueError("S2 chunk of unknown kind")
        return None

    cdef bytes chunk(self, int kind, bytes body):
        cdef const uint8_t *p = <const uint8_t *>body
        cdef size_t n = len(body), want = 0, at = 4
        cdef int shift = 0, bad
        cdef uint32_t crc
        cdef bytes made
        cdef uint8_t *d
        if n < 4:
            raise ValueError("S2 chunk is too short")
        memcpy(&crc, p, 4)
        if kind == 1:
            made = body[4:]
            want = n - 4
        else:
            while True:
                if at >= n or shift > 28:
                    raise ValueError("S2 chunk has a bad length")
                want |= <size_t>(p[at] & 127) << shift
                shift += 7
                at += 1
                if p[at - 1] < 128:
                    break
            if want > MAX_CHUNK:
                raise ValueError("S2 chunk is too long")
        if self.produced + want > self.limit:
            raise ValueError("S2 stream unpacks to more than is allowed")
        if kind == 0:
            made = bytes(bytearray(want))
            d = <uint8_t *><char *>made
            with nogil:
                bad = unpack(p + at, n - at, d, want)
            if bad:
                raise ValueError("S2 chunk is damaged")
        if masked_crc(<const uint8_t *>made, want) != crc:
            raise ValueError("S2 chunk fails its checksum")
        self.produced += want
        return made

    def close(self):
        if <size_t>len(self.held) > self.at:
            raise ValueError("S2 stream stops inside a chunk")


def decode_stream(data, uint64_t limit):
    """The bytes a whole S2 stream carries; ValueError when they are more than `limit`."""
    cdef StreamDecoder decoder = StreamDecoder(limit)
    decoder.push(data)
    parts = []
    while (part := decoder.take()) is not None:
        parts.append(part)
    decoder.close()
    return b"".join(parts)
