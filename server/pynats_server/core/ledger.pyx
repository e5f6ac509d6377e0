"""See ledger.pxd."""
from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort

COUNTED = bool(BROKER_DEBUG)
_NAMES = {CHUNKS: "chunks", BUFFERS: "buffers", MATCHES: "matches", SUBSCRIPTIONS: "subscriptions"}


cdef void report_broken(const char* rule) noexcept nogil:
    fprintf(stderr, b"pynats-server: broken invariant: %s\n", rule)
    abort()


def counts() -> dict:
    """What is alive now, by name; all 0 in a release build."""
    return {name: alive[thing] for thing, name in _NAMES.items()}


def ever_made() -> dict:
    """Likewise, everything that was ever made."""
    return {name: made[thing] for thing, name in _NAMES.items()}
