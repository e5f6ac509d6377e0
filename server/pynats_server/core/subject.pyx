"""See subject.pxd. All functions walk both subjects token by token without allocating."""
from libc.string cimport memchr, memcmp

from pynats_server.core.native cimport pn_has_gap


cdef SubjectKind subject_kind(const char* p, size_t n) noexcept nogil:
    if n == 0:
        return SUBJECT_INVALID
    cdef SubjectKind kind = SUBJECT_LITERAL
    cdef size_t start = 0
    cdef size_t i
    cdef char c
    for i in range(n + 1):
        c = b'.' if i == n else p[i]
        if c == b'.':
            if i == start:
                return SUBJECT_INVALID
            if i - start == 1:
                if p[start] == b'*':
                    kind = SUBJECT_WILDCARD
                elif p[start] == b'>':
                    if i != n:
                        return SUBJECT_INVALID
                    kind = SUBJECT_WILDCARD
            start = i + 1
        elif c == b' ' or c == b'\t' or c == b'\r' or c == b'\n' or c == b'\f' or c == 0:
            return SUBJECT_INVALID
    return kind


cdef bint subject_has_gap(const char* p, size_t n) noexcept nogil:
    return n == 0 or p[0] == b'.' or p[n - 1] == b'.' or pn_has_gap(p, n)


cdef bint subject_has_wildcard(const char* p, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        if (
            (p[i] == b'*' or p[i] == b'>')
            and (i == 0 or p[i - 1] == b'.') and (i + 1 == n or p[i + 1] == b'.')
        ):
            return True
    return False


cdef uint32_t subject_tokens(const char* p, size_t n) noexcept nogil:
    cdef uint32_t count = 1
    cdef size_t i
    for i in range(n):
        if p[i] == b'.':
            count += 1
    return count


cdef inline size_t _token_end(const char* p, size_t start, size_t n) noexcept nogil:
    cdef const char* dot = <const char*>memchr(p + start, b'.', n - start)
    return n if dot == NULL else <size_t>(dot - p)


cdef enum Relation:
    MATCHES
    COVERS
    OVERLAPS


cdef bint _relate(
    const char* pattern, size_t m, const char* p, size_t n, Relation relation
) noexcept nogil:
    cdef size_t i = 0
    cdef size_t j = 0
    cdef size_t i_end, j_end
    cdef bint star, p_star
    while i < m and j < n:
        i_end = _token_end(pattern, i, m)
        j_end = _token_end(p, j, n)
        if i_end - i == 1 and pattern[i] == b'>' and i_end == m:
            return True
        star = i_end - i == 1 and pattern[i] == b'*'
        if relation != MATCHES and j_end - j == 1:
            if p[j] == b'>' and j_end == n:
                return relation == OVERLAPS
            p_star = p[j] == b'*'
            if p_star and not star and relation == COVERS:
                return False
        else:
            p_star = False
        if not star and not p_star and (
            i_end - i != j_end - j or memcmp(pattern + i, p + j, i_end - i) != 0
        ):
            return False
        i = i_end + 1
        j = j_end + 1
    return i > m and j > n


cdef bint subject_matches(const char* p, size_t n, const char* pattern, size_t m) noexcept nogil:
    return _relate(pattern, m, p, n, MATCHES)


cdef bint subject_covers(const char* pattern, size_t m, const char* p, size_t n) noexcept nogil:
    return _relate(pattern, m, p, n, COVERS)


cdef bint subject_overlaps(const char* a, size_t n, const char* b, size_t m) noexcept nogil:
    return _relate(a, n, b, m, OVERLAPS)


def is_valid(bytes subject) -> bool:
    """Whether a subject (wildcards allowed) is well-formed."""
    return subject_kind(subject, len(subject)) != SUBJECT_INVALID


def is_literal(bytes subject) -> bool:
    """Whether a subject is well-formed and has no wildcard."""
    return subject_kind(subject, len(subject)) == SUBJECT_LITERAL


def matches(bytes subject, bytes pattern) -> bool:
    """Whether the literal subject is matched by the pattern."""
    return subject_matches(subject, len(subject), pattern, len(pattern))


def covers(bytes pattern, bytes subject) -> bool:
    """Whether everything that `subject` (wildcards allowed) matches, `pattern` matches too."""
    return subject_covers(pattern, len(pattern), subject, len(subject))


def overlaps(bytes a, bytes b) -> bool:
    """Whether some subject is matched by both patterns."""
    return subject_overlaps(a, len(a), b, len(b))


def first_overlap(bytes pattern not None, list patterns not None, Py_ssize_t start, Py_ssize_t end):
    """The first place from `start` to before `end` whose pattern overlaps, -1 if there is none."""
    cdef const char* p = pattern
    cdef size_t n = len(pattern)
    cdef bytes other
    cdef Py_ssize_t place
    for place in range(max(start, 0), min(end, len(patterns))):
        other = patterns[place]
        if subject_overlaps(p, n, other, len(other)):
            return place
    return -1


def first_nested(bytes pattern not None, list patterns not None, Py_ssize_t start, Py_ssize_t end):
    """The same for the first one that covers the pattern, or that the pattern covers."""
    cdef const char* p = pattern
    cdef size_t n = len(pattern)
    cdef bytes other
    cdef Py_ssize_t place
    for place in range(max(start, 0), min(end, len(patterns))):
        other = patterns[place]
        if (
            subject_covers(p, n, other, len(other)) or subject_covers(other, len(other), p, n)
        ):
            return place
    return -1
