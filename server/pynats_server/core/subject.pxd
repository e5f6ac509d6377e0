"""Subject rules on raw bytes (nats protocol: tokens separated by '.', '*' and '>' as wildcards)."""
from libc.stdint cimport uint32_t

cdef enum SubjectKind:
    SUBJECT_INVALID = 0
    SUBJECT_LITERAL = 1
    SUBJECT_WILDCARD = 2

# What a SUB subject is. Empty tokens and blanks make it invalid; '>' must be the last token.
cdef SubjectKind subject_kind(const char* p, size_t n) noexcept nogil
# Whether a publish subject has an empty token (such a subject reaches nobody).
cdef bint subject_has_gap(const char* p, size_t n) noexcept nogil
# Whether a token is exactly '*' or '>'. Other bytes are not looked at.
cdef bint subject_has_wildcard(const char* p, size_t n) noexcept nogil
cdef uint32_t subject_tokens(const char* p, size_t n) noexcept nogil
# Whether a literal subject is matched by a pattern.
cdef bint subject_matches(const char* p, size_t n, const char* pattern, size_t m) noexcept nogil
# Whether every subject that `p` matches is also matched by `pattern` (p may have wildcards).
cdef bint subject_covers(const char* pattern, size_t m, const char* p, size_t n) noexcept nogil
# Whether some subject is matched by both.
cdef bint subject_overlaps(const char* a, size_t n, const char* b, size_t m) noexcept nogil
