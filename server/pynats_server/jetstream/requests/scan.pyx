"""Walks JSON text without recursion and without making objects: where a value ends, or where and
why it is wrong. `syntax` puts that in words."""

# What is wrong at a position, if anything.
cdef enum:
    R_OK
    R_TRUNCATED  # the text ends within the value
    R_DEPTH  # one more object or array than allowed
    R_VALUE  # not the beginning of a value
    R_KEY  # not the beginning of a key
    R_AFTER_KEY
    R_AFTER_MEMBER
    R_AFTER_ELEMENT
    R_STRING
    R_ESCAPE  # the position is that of the backslash
    R_NUMBER
    R_LITERAL  # of true, false or null

OK, TRUNCATED, DEPTH, VALUE = R_OK, R_TRUNCATED, R_DEPTH, R_VALUE
KEY, AFTER_KEY, AFTER_MEMBER, AFTER_ELEMENT = R_KEY, R_AFTER_KEY, R_AFTER_MEMBER, R_AFTER_ELEMENT
STRING, ESCAPE, NUMBER, LITERAL = R_STRING, R_ESCAPE, R_NUMBER, R_LITERAL

cdef enum:
    MAX_DEPTH = 10000

DEPTH_MAX = MAX_DEPTH


cdef struct Text:
    const unsigned char* bytes
    Py_ssize_t size
    Py_ssize_t at
    int reason


cdef inline void skip(Text* text) noexcept nogil:
    cdef unsigned char c
    while text.at < text.size:
        c = text.bytes[text.at]
        if c != b' ' and c != b'\n' and c != b'\r' and c != b'\t':
            return
        text.at += 1


cdef inline int peek(Text* text) noexcept nogil:
    """The byte at the position; -1 and R_TRUNCATED at the end."""
    if text.at < text.size:
        return text.bytes[text.at]
    text.reason = R_TRUNCATED
    return -1


cdef inline bint is_digit(int c) noexcept nogil:
    return b'0' <= c <= b'9'


cdef inline bint is_hex(int c) noexcept nogil:
    return is_digit(c) or b'a' <= c <= b'f' or b'A' <= c <= b'F'


cdef bint fail(Text* text, int reason) noexcept nogil:
    """Notes the reason unless the text just ended."""
    if text.reason == R_OK:
        text.reason = reason
    return False


cdef bint read_string(Text* text) noexcept nogil:
    cdef int c
    text.at += 1
    while True:
        c = peek(text)
        if c == b'"':
            text.at += 1
            return True
        if c == b'\\':
            if not read_escape(text):
                return False
        elif c < 0x20:
            return fail(text, R_STRING)
        else:
            text.at += 1


cdef bint read_escape(Text* text) noexcept nogil:
    cdef Py_ssize_t start = text.at
    cdef int c, index
    text.at += 1
    c = peek(text)
    text.at += 1
    if c == b'u':
        for index in range(4):
            if not is_hex(peek(text)):
                text.at = start
                return fail(text, R_ESCAPE)
            text.at += 1
        return True
    if c in (b'"', b'\\', b'/', b'b', b'f', b'n', b'r', b't'):
        return True
    text.at = start
    return fail(text, R_ESCAPE)


cdef bint read_digits(Text* text) noexcept nogil:
    """One digit or more."""
    if not is_digit(peek(text)):
        return fail(text, R_NUMBER)
    while text.at < text.size and is_digit(text.bytes[text.at]):
        text.at += 1
    return True


cdef bint read_number(Text* text) noexcept nogil:
    cdef int c
    if text.bytes[text.at] == b'-':
        text.at += 1
    if text.at < text.size and text.bytes[text.at] == b'0':
        text.at += 1
    elif not read_digits(text):
        return False
    if text.at < text.size and text.bytes[text.at] == b'.':
        text.at += 1
        if not read_digits(text):
            return False
    if text.at < text.size and (text.bytes[text.at] | 0x20) == b'e':
        text.at += 1
        c = peek(text)
        if c == b'+' or c == b'-':
            text.at += 1
        return read_digits(text)
    return True


cdef bint read_literal(Text* text, const char* literal) noexcept nogil:
    while literal[0]:
        if peek(text) != literal[0]:
            return fail(text, R_LITERAL)
        text.at += 1
        literal += 1
    return True


cdef bint read_key(Text* text) noexcept nogil:
    """A key and its colon."""
    skip(text)
    if peek(text) != b'"':
        return fail(text, R_KEY)
    if not read_string(text):
        return False
    skip(text)
    if peek(text) != b':':
        return fail(text, R_AFTER_KEY)
    text.at += 1
    return True


cdef bint read_scalar(Text* text, int c) noexcept nogil:
    if c == b'"':
        return read_string(text)
    if c == b'-' or is_digit(c):
        return read_number(text)
    if c == b't':
        return read_literal(text, b"true")
    if c == b'f':
        return read_literal(text, b"false")
    if c == b'n':
        return read_literal(text, b"null")
    return fail(text, R_VALUE)


cdef void read_value(Text* text) noexcept nogil:
    """Moves past the value, or to what is wrong."""
    cdef unsigned char[MAX_DEPTH] closers
    cdef int depth = 0
    cdef int c
    while True:
        skip(text)
        c = peek(text)
        if c == b'{' or c == b'[':
            if depth == MAX_DEPTH:
                text.reason = R_DEPTH
                return
            text.at += 1
            skip(text)
            # In ASCII a closing bracket comes two after its opening one.
            closers[depth] = c + 2
            depth += 1
            if peek(text) != c + 2:
                if c == b'{' and not read_key(text):
                    return
                continue
        elif not read_scalar(text, c):
            return
        # A value is complete: close what it completes, go on with what comes next.
        while depth:
            skip(text)
            c = peek(text)
            if c == closers[depth - 1]:
                depth -= 1
                text.at += 1
            elif c == b',':
                text.at += 1
                break
            else:
                fail(text, R_AFTER_ELEMENT if closers[depth - 1] == b']' else R_AFTER_MEMBER)
                return
        if depth == 0:
            return
        if closers[depth - 1] == b'}' and not read_key(text):
            return


cdef Text text_at(bytes body, Py_ssize_t at):
    cdef Text text
    text.bytes = body
    text.size = len(body)
    text.at = at
    text.reason = R_OK
    return text


def skip_space(bytes body not None, Py_ssize_t at):
    """The position of the next byte that is no white space; the length of `body` at its end."""
    cdef Text text = text_at(body, at)
    skip(&text)
    return text.at


def scan(bytes body not None, Py_ssize_t at):
    """The end of the value that begins at `at` and OK; or the position of what is wrong with it
    and one of the other constants."""
    cdef Text text = text_at(body, at)
    with nogil:
        read_value(&text)
    return text.at, text.reason


def elements(bytes body not None, Py_ssize_t at):
    """Where each element of the array at `at`, known to be right, begins and ends."""
    cdef Text text = text_at(body, at)
    cdef Py_ssize_t start
    found = []
    while True:
        text.at += 1  # the opening bracket, or a comma
        skip(&text)
        if text.bytes[text.at] == b']':
            return found
        start = text.at
        read_value(&text)
        found.append((start, text.at))
        skip(&text)
        if text.bytes[text.at] == b']':
            return found


def members(bytes body not None, Py_ssize_t at):
    """Where each key and value of the object at `at`, known to be right, begin and end: tuples of
    four."""
    cdef Text text = text_at(body, at)
    cdef Py_ssize_t key, key_end, start
    found = []
    while True:
        text.at += 1  # the opening brace, or a comma
        skip(&text)
        if text.bytes[text.at] == b'}':
            return found
        key = text.at
        read_string(&text)
        key_end = text.at
        skip(&text)
        text.at += 1  # the colon
        skip(&text)
        start = text.at
        read_value(&text)
        found.append((key, key_end, start, text.at))
        skip(&text)
        if text.bytes[text.at] == b'}':
            return found
