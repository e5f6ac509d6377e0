"""See rename.pxd."""
cimport cython
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memchr, memcmp, memcpy

from os import urandom

from pynats_server.core.fnv cimport FNV_BEGIN, fnv_more
from pynats_server.core.native cimport pn_below, pn_put_uint

cdef enum:
    DIGITS = 20  # room for a number

cdef dict _KINDS = {
    "partition": PARTITION, "random": RANDOM, "split": SPLIT, "splitfromleft": SPLIT_LEFT,
    "splitfromright": SPLIT_RIGHT, "slicefromleft": SLICE_LEFT, "slicefromright": SLICE_RIGHT,
    "left": LEFT, "right": RIGHT,
}


cdef struct Text:
    const char* p
    size_t n


cdef inline Text _rest(const char* subject, size_t length, uint32_t token) noexcept:
    """From a token to the end."""
    cdef Text found
    cdef const char* end = subject + length
    cdef const char* dot
    while token:
        dot = <const char*>memchr(subject, b'.', end - subject)
        if dot == NULL:
            subject = end
            break
        subject = dot + 1
        token -= 1
    found.p = subject
    found.n = end - subject
    return found


cdef inline Text _token(const char* subject, size_t length, uint32_t token) noexcept:
    cdef Text found = _rest(subject, length, token)
    cdef const char* dot = <const char*>memchr(found.p, b'.', found.n)
    if dot != NULL:
        found.n = dot - found.p
    return found


cdef inline char* _put(char* at, const char* p, size_t n) noexcept:
    memcpy(at, p, n)
    return at + n


cdef inline size_t _character(const char* p, size_t n) noexcept:
    """The bytes of the UTF-8 character at p; of what is none, one."""
    cdef unsigned char first = <unsigned char>p[0]
    cdef size_t length = 1
    cdef size_t i
    if 0xc2 <= first <= 0xdf:
        length = 2
    elif 0xe0 <= first <= 0xef:
        length = 3
    elif 0xf0 <= first <= 0xf4:
        length = 4
    if length > n:
        return 1
    for i in range(1, length):
        if (<unsigned char>p[i]) & 0xc0 != 0x80:
            return 1
    return length


cdef char* _split(char* at, Text token, const char* delimiter, size_t length) noexcept:
    """The parts between delimiters, or the characters, as tokens. Empty parts are left out, but a
    second part behind an empty first one goes without a dot."""
    cdef const char* end = token.p + token.n
    cdef const char* p = token.p
    cdef const char* stop
    cdef char* begin = at
    cdef size_t place = 0
    cdef size_t n, skip
    while True:
        if length == 0:
            if p == end and place:
                return at
            n = _character(p, end - p) if p < end else 0
            skip = n
        else:
            stop = p
            while <size_t>(end - stop) >= length and memcmp(stop, delimiter, length) != 0:
                stop += 1
            if <size_t>(end - stop) < length:
                stop = end
            n = stop - p
            skip = n + length
        if n:
            if place and not (place == 1 and at == begin):
                at[0] = b'.'
                at += 1
            at = _put(at, p, n)
        place += 1
        if skip > <size_t>(end - p) or (length == 0 and p + skip >= end):
            return at
        p += skip


cdef char* _slices(char* at, Text token, size_t size, size_t first) noexcept:
    """Slices of `size`, a smaller one of `first` bytes (0 = none) in front of them."""
    cdef const char* end = token.p + token.n
    cdef const char* p = token.p
    cdef size_t n = first or size
    while p < end:
        n = min(n, <size_t>(end - p))
        if p != token.p:
            at[0] = b'.'
            at += 1
        at = _put(at, p, n)
        p += n
        n = size
    return at


cdef char* _sized(char* at, Text token, Kind kind, size_t size) noexcept:
    if size == 0 or size >= token.n:
        return _put(at, token.p, token.n)
    if kind == LEFT:
        return _put(at, token.p, size)
    if kind == RIGHT:
        return _put(at, token.p + token.n - size, size)
    if kind == SLICE_LEFT:
        return _slices(at, token, size, 0)
    if kind == SLICE_RIGHT:
        return _slices(at, token, size, token.n % size)
    if kind == SPLIT_RIGHT:
        size = token.n - size
    return _slices(at, token, token.n, size)


@cython.final
cdef class Rename:
    """`pieces` are texts, numbers and functions. A number n >= 0 is token n of the subject, from 0;
    n < 0 is everything from token -1 - n on, so -1 is the subject itself. A function is (name,
    numbers as before, size, delimiter). Every subject that it gets has the tokens that it names."""

    def __cinit__(self, pieces):
        cdef Piece* piece
        self.source = tuple(pieces)
        self.chance = int.from_bytes(urandom(8), "little") | 1
        self.pieces = <Piece*>calloc(len(self.source) or 1, sizeof(Piece))
        if self.pieces == NULL:
            raise MemoryError()
        for each in self.source:
            piece = &self.pieces[self.n_pieces]
            self.n_pieces += 1
            if isinstance(each, bytes):
                piece.kind = TEXT
                piece.text = <const char*>(<bytes>each)
                piece.length = <uint32_t>len(each)
                self.fixed += len(each)
            elif isinstance(each, int):
                self._take(piece, each)
                self.taken += 1
            else:
                self._call(piece, each[0], each[1], each[2], each[3])

    cdef int _take(self, Piece* piece, int64_t place) except -1:
        piece.kind = TOKEN if place >= 0 else REST
        piece.token = <uint32_t>(place if place >= 0 else -1 - place)
        return 0

    def __dealloc__(self):
        cdef uint32_t i
        if self.pieces != NULL:
            for i in range(self.n_pieces):
                free(self.pieces[i].more)
            free(self.pieces)

    cdef int _call(self, Piece* piece, str name, tuple places, int64_t number, bytes delimiter) except -1:
        cdef size_t i
        piece.number = <uint32_t>number
        piece.kind = _KINDS[name]
        if piece.kind == RANDOM:
            piece.number = <uint32_t>abs(number)
            self.fixed += DIGITS
            self.varies = True
            return 0
        if piece.kind == PARTITION:
            self.fixed += DIGITS
            piece.n_more = <uint32_t>len(places)
            piece.more = <uint32_t*>malloc(sizeof(uint32_t) * (len(places) or 1))
            if piece.more == NULL:
                raise MemoryError()
            for i in range(len(places)):
                piece.more[i] = places[i]
            return 0
        if number < 0:
            piece.number = 0
        piece.text = <const char*>delimiter
        piece.length = <uint32_t>len(delimiter)
        piece.token = places[0]
        self.taken += 2  # with dots between its characters
        return 0

    cdef size_t put(self, const char* subject, size_t length, char* out) noexcept:
        cdef char* at = out
        cdef Piece* piece
        cdef Text text
        cdef uint32_t i, j, hash
        for i in range(self.n_pieces):
            piece = &self.pieces[i]
            if piece.kind == TEXT:
                at = _put(at, piece.text, piece.length)
            elif piece.kind == REST:
                text = _rest(subject, length, piece.token)
                at = _put(at, text.p, text.n)
            elif piece.kind == TOKEN:
                text = _token(subject, length, piece.token)
                at = _put(at, text.p, text.n)
            elif piece.kind == PARTITION:
                hash = FNV_BEGIN
                for j in range(piece.n_more):
                    text = _token(subject, length, piece.more[j])
                    hash = fnv_more(hash, text.p, text.n)
                if piece.n_more == 0:
                    hash = fnv_more(hash, subject, length)
                at += pn_put_uint(at, hash % piece.number if piece.number else 0)
            elif piece.kind == RANDOM:
                at += pn_put_uint(at, pn_below(&self.chance, piece.number) if piece.number else 0)
            elif piece.kind == SPLIT:
                text = _token(subject, length, piece.token)
                at = _split(at, text, piece.text, piece.length)
            else:
                text = _token(subject, length, piece.token)
                at = _sized(at, text, piece.kind, piece.number)
        return at - out

    def apply(self, bytes subject not None) -> bytes:
        """The new name."""
        cdef char* out = <char*>malloc(self.room(len(subject)) or 1)
        if out == NULL:
            raise MemoryError()
        try:
            return out[:self.put(subject, len(subject), out)]
        finally:
            free(out)
