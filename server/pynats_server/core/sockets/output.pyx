"""See output.pxd."""
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove, memset

from pynats_server.core.ledger cimport BUFFERS, count_gone, count_made, must
from pynats_server.core.limits cimport IOV_MAX_PIECES, OUT_BUFFER
from pynats_server.core.memory.chunks cimport chunk_borrow, chunk_new, chunk_release
from pynats_server.core.sockets.calls cimport (
    MSG_DONTWAIT, MSG_NOSIGNAL, iovec, msghdr, send, sendmsg,
)


cdef char* output_grow(Output* output, size_t length, Engine engine) except NULL:
    cdef size_t used = output.end - output.start
    cdef size_t capacity
    cdef char* grown
    cdef uint32_t i
    if output.data == NULL and length <= OUT_BUFFER:
        output.data = engine.take_buffer()
        output.capacity = OUT_BUFFER
        return output.data
    if output.start and output.start >= used:
        # More than half is already written: move the rest to the front instead of growing.
        memmove(output.data, output.data + output.start, used)
        for i in range(output.first, output.last):
            output.pieces[i].at -= output.start
        output.start = 0
        output.end = used
        if output.capacity - used >= length:
            return output.data + used
    capacity = output.capacity * 2 if output.capacity else OUT_BUFFER
    while capacity < output.end + length:
        capacity *= 2
    grown = <char*>realloc(output.data, capacity)
    if grown == NULL:
        raise MemoryError()
    if output.data == NULL:
        count_made(BUFFERS)
    output.data = grown
    output.capacity = capacity
    return output.data + output.end


cdef int output_splice(Output* output, const char* data, size_t length, Chunk* owner) except -1:
    cdef Piece* piece
    cdef Piece* grown
    cdef uint32_t places
    if output.last == output.places:
        if output.first > output.last // 2:
            memmove(
                output.pieces, output.pieces + output.first,
                (output.last - output.first) * sizeof(Piece),
            )
            output.last -= output.first
            output.first = 0
        else:
            places = output.places * 2 if output.places else 16
            grown = <Piece*>realloc(output.pieces, places * sizeof(Piece))
            if grown == NULL:
                raise MemoryError()
            output.pieces = grown
            output.places = places
    piece = &output.pieces[output.last]
    piece.at = output.end
    piece.data = data
    piece.length = length
    piece.owner = owner
    chunk_borrow(owner)
    output.last += 1
    output.outside += length
    return 0


cdef ssize_t output_send(Output* output, int fd) noexcept:
    cdef ssize_t sent
    if output.first != output.last:
        return _send_pieces(output, fd)
    sent = send(
        fd, output.data + output.start, output.end - output.start, MSG_DONTWAIT | MSG_NOSIGNAL
    )
    if sent > 0:
        output.start += sent
    return sent


cdef ssize_t _send_pieces(Output* output, int fd) noexcept:
    cdef iovec pieces[IOV_MAX_PIECES]
    cdef msghdr message
    cdef size_t at = output.start
    cdef uint32_t i = output.first
    cdef size_t n = 0
    cdef ssize_t sent
    while n < IOV_MAX_PIECES - 1:
        if i == output.last:
            if at < output.end:
                pieces[n].iov_base = output.data + at
                pieces[n].iov_len = output.end - at
                n += 1
            break
        if at < output.pieces[i].at:
            pieces[n].iov_base = output.data + at
            pieces[n].iov_len = output.pieces[i].at - at
            at = output.pieces[i].at
            n += 1
        pieces[n].iov_base = <void*>output.pieces[i].data
        pieces[n].iov_len = output.pieces[i].length
        n += 1
        i += 1
    memset(&message, 0, sizeof(message))
    message.msg_iov = pieces
    message.msg_iovlen = n
    sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
    if sent > 0:
        output_consume(output, sent)
    return sent


cdef void output_consume(Output* output, size_t n) noexcept:
    """Advances over written bytes, buffer and pieces alike."""
    cdef Piece* piece
    cdef size_t part
    while n:
        if output.first < output.last:
            piece = &output.pieces[output.first]
            part = piece.at - output.start
            if part:
                part = min(part, n)
                output.start += part
                n -= part
                continue
            part = min(piece.length, n)
            piece.data += part
            piece.length -= part
            output.outside -= part
            n -= part
            if piece.length == 0:
                chunk_release(piece.owner)
                output.first += 1
        else:
            output.start += n
            n = 0


cdef size_t output_next(Output* output, char* room, size_t most, const char** data) noexcept nogil:
    cdef size_t at = output.start
    cdef size_t copied = 0
    cdef size_t part
    cdef uint32_t i = output.first
    cdef const char* start
    while copied < most:
        if i < output.last and at == output.pieces[i].at:
            start = output.pieces[i].data
            part = output.pieces[i].length
            i += 1
        else:
            start = output.data + at
            part = (output.pieces[i].at if i < output.last else output.end) - at
            at += part
            if part == 0:
                break
        if copied == 0 and part >= most:
            data[0] = start
            return most
        part = min(part, most - copied)
        memcpy(room + copied, start, part)
        copied += part
    data[0] = room
    return copied


cdef int output_copy_borrowed(Output* output, Chunk* shared) except -1:
    cdef uint32_t i = output.last
    cdef size_t borrowed = 0
    cdef Chunk* own
    cdef Piece* piece
    while i > output.first and output.pieces[i - 1].owner == shared:
        i -= 1
        borrowed += output.pieces[i].length
    if borrowed and borrowed * 4 < shared.capacity:
        for i in range(i, output.last):
            piece = &output.pieces[i]
            own = chunk_new(piece.length)
            memcpy(own.data, piece.data, piece.length)
            piece.data = own.data
            piece.owner = own
            chunk_release(shared)
    return 0


cdef int output_drained(Output* output, Engine engine) except -1:
    if output.data != NULL:
        if output.capacity == OUT_BUFFER:
            engine.give_buffer(output.data)
        else:
            free(output.data)
            count_gone(BUFFERS)
    output.data = NULL
    output.capacity = output.start = output.end = 0
    output.first = output.last = 0
    return 0


cdef void output_discard(Output* output) noexcept:
    cdef uint32_t i
    for i in range(output.first, output.last):
        chunk_release(output.pieces[i].owner)
    output.first = output.last = 0
    output.outside = output.sealed = 0
    output.start = output.end = 0


cdef void output_free(Output* output) noexcept:
    output_discard(output)
    free(output.pieces)
    output.pieces = NULL
    if output.data != NULL:
        free(output.data)
        output.data = NULL
        count_gone(BUFFERS)


cdef void output_check(Output* output) noexcept:
    cdef size_t at = output.start
    cdef size_t spliced = 0
    cdef uint32_t i
    must(output.start <= output.end <= output.capacity, b"output lies in its buffer")
    must(output.first <= output.last <= output.places, b"pieces lie in their table")
    for i in range(output.first, output.last):
        must(at <= output.pieces[i].at <= output.end, b"pieces are in order, within the output")
        must(output.pieces[i].owner.references > 0, b"a piece's memory is held")
        at = output.pieces[i].at
        spliced += output.pieces[i].length
    must(spliced + output.sealed == output.outside, b"`outside` is the pieces and what is sealed")
