"""See watches.pxd."""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memchr, memcpy

from collections import deque

from pynats_server.core.bytemap cimport bytemap_free, bytemap_get, bytemap_pop, bytemap_put
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.limits cimport CALL_STEPS, SUBJECT_TOKENS_MAX, TELL_STEPS, WATCH_REACH
from pynats_server.core.subject cimport SUBJECT_LITERAL, subject_kind, subject_tokens


cdef Twig* _new_twig(const char* token, size_t length) except NULL:
    cdef Twig* twig = <Twig*>calloc(1, sizeof(Twig) + length)
    if twig == NULL:
        raise MemoryError()
    twig.token = <char*>twig + sizeof(Twig)
    twig.token_len = <uint32_t>length
    memcpy(twig.token, token, length)
    return twig


cdef void _free_twig(Twig* twig) noexcept:
    cdef uint32_t i
    for i in range(twig.children.capacity):
        if twig.children.slots[i].value != NULL:
            _free_twig(<Twig*>twig.children.slots[i].value)
    bytemap_free(&twig.children)
    free(twig)


cdef inline size_t _token_length(const char* p, size_t n) noexcept:
    cdef const char* dot = <const char*>memchr(p, b'.', n)
    return n if dot == NULL else <size_t>(dot - p)


cdef int _plant(Twig* twig, const char* p, size_t n, Spot spot) except -1:
    cdef size_t length
    cdef Twig* child
    while True:
        length = _token_length(p, n)
        child = <Twig*>bytemap_get(&twig.children, p, length)
        if child == NULL:
            child = _new_twig(p, length)
            try:
                bytemap_put(&twig.children, child.token, length, child)
            except MemoryError:
                free(child)
                raise
        if length == n:
            child.spot = <void*>spot
            return 0
        twig = child
        p += length + 1
        n -= length + 1


cdef void _prune(Twig* twig, const char* p, size_t n) noexcept:
    cdef size_t length = _token_length(p, n)
    cdef Twig* child = <Twig*>bytemap_get(&twig.children, p, length)
    if child == NULL:
        return
    if length == n:
        child.spot = NULL
    else:
        _prune(child, p + length + 1, n - length - 1)
    if child.spot == NULL and child.children.used == 0:
        bytemap_pop(&twig.children, child.token, child.token_len)
        bytemap_free(&child.children)
        free(child)


cdef bint _mark_below(Watches watches, Twig* twig, int64_t* reach) except -1:
    """Marks everything below. False when that is too much: what is left is not marked."""
    cdef Twig* child
    cdef uint32_t i
    reach[0] -= 1 + (twig.children.capacity >> 1)
    if reach[0] < 0:
        return False
    for i in range(twig.children.capacity):
        child = <Twig*>twig.children.slots[i].value
        if child == NULL:
            continue
        if child.spot != NULL:
            watches.mark(<Spot>child.spot)
        if child.children.used and not _mark_below(watches, child, reach):
            return False
    return True


cdef inline bint _mark_child(
    Watches watches, Twig* child, size_t length, const char* p, size_t n, int64_t* reach
) except -1:
    if child == NULL:
        return True
    if length != n:
        return _mark_matching(watches, child, p + length + 1, n - length - 1, reach)
    if child.spot != NULL:
        watches.mark(<Spot>child.spot)
    return True


cdef bint _mark_matching(
    Watches watches, Twig* twig, const char* p, size_t n, int64_t* reach
) except -1:
    """Marks what the pattern at p matches. False as with _mark_below."""
    cdef size_t length = _token_length(p, n)
    cdef uint32_t i
    if length == 1 and p[0] == b'>' and n == 1:
        return _mark_below(watches, twig, reach)
    if length != 1 or p[0] != b'*':
        reach[0] -= 1
        return _mark_child(
            watches, <Twig*>bytemap_get(&twig.children, p, length), length, p, n, reach
        )
    reach[0] -= 1 + (twig.children.capacity >> 1)
    if reach[0] < 0:
        return False
    for i in range(twig.children.capacity):
        if not _mark_child(watches, <Twig*>twig.children.slots[i].value, length, p, n, reach):
            return False
    return True


cdef class Watch:
    """Ended by `Account.unwatch`."""


cdef class Telling(Chore):
    cdef Watches watches

    cdef bint work(self, Engine engine, uint64_t until) except -1:
        return self.watches.tell(engine, until)


cdef class Watches(Observer):
    def __init__(self, Engine engine not None):
        cdef Telling telling = Telling()
        self.engine = engine
        self.spots = []
        self.due = deque()
        self.telling = telling
        telling.watches = self
        self.root = _new_twig(b"", 0)

    def __dealloc__(self):
        bytemap_free(&self.by_subject)
        if self.root != NULL:
            _free_twig(self.root)

    cdef Watch add(self, bytes subject, object callback):
        cdef const char* p = subject
        cdef size_t n = len(subject)
        cdef Spot spot
        cdef Watch watch
        cdef void* found = bytemap_get(&self.by_subject, p, n)
        if found != NULL:
            spot = <Spot>found
        else:
            if subject_kind(p, n) != SUBJECT_LITERAL or subject_tokens(p, n) > SUBJECT_TOKENS_MAX:
                raise ValueError(f"not a subject to watch: {subject!r}")
            spot = Spot()
            spot.subject = subject
            spot.watches = []
            spot.place = len(self.spots)
            self.spots.append(spot)
            bytemap_put(&self.by_subject, spot.subject, n, <void*>spot)
            _plant(self.root, p, n, spot)
        watch = Watch()
        watch.spot = spot
        watch.callback = callback
        spot.watches.append(watch)
        return watch

    cdef bint drop(self, Watch watch) except -1:
        cdef Spot spot = watch.spot
        cdef Spot last
        if spot is None:
            return False
        watch.spot = None
        watch.callback = None
        spot.watches.remove(watch)
        if spot.watches:
            return False
        bytemap_pop(&self.by_subject, spot.subject, len(spot.subject))
        _prune(self.root, spot.subject, len(spot.subject))
        last = self.spots.pop()
        if last is not spot:
            self.spots[spot.place] = last
            last.place = spot.place
            if self.sweep_left:  # it may have moved to where the sweep has been
                self.mark(last)
        return not self.spots

    # --- what changes ---

    cdef int changed(self, Subscription sub) except -1:
        cdef void* found
        cdef int64_t reach = WATCH_REACH
        if not sub.wildcard:
            found = bytemap_get(&self.by_subject, sub.c_subject(), sub.subject_len)
            if found != NULL:
                self.mark(<Spot>found)
        elif self.sweep_left < len(self.spots):
            if not _mark_matching(self, self.root, sub.c_subject(), sub.subject_len, &reach):
                self.sweep_left = len(self.spots)
                self.schedule()
            self.engine.routing.steps += (WATCH_REACH - max(reach, 0)) >> 2
        return 0

    cdef int mark(self, Spot spot) except -1:
        if not spot.is_due:
            spot.is_due = True
            self.due.append(spot)
            self.schedule()
        return 0

    cdef int schedule(self) except -1:
        if not self.scheduled:
            self.scheduled = True
            self.engine.at_turn_end(self._tell_now)
        return 0

    # --- who is told ---

    def _tell_now(self) -> None:
        """As many as a turn's end has time for; the rest is a chore."""
        if self.tell(self.engine, self.engine.routing.steps + TELL_STEPS):
            self.engine.add_chore(self.telling)

    cdef bint tell(self, Engine engine, uint64_t until) except -1:
        cdef Spot spot
        while self.due or (self.sweep_left and self.spots):
            if engine.routing.steps >= until:
                return True
            if self.due:
                spot = self.due.popleft()
                spot.is_due = False
            else:
                self.sweep_left -= 1
                self.sweep_at = (self.sweep_at + 1) % len(self.spots)
                spot = self.spots[self.sweep_at]
            self.tell_one(spot)
        self.sweep_left = 0
        self.scheduled = False
        return False

    cdef int tell_one(self, Spot spot) except -1:
        cdef Watch watch
        for watch in list(spot.watches):
            if watch.spot is None:
                continue  # ended by one of those before
            self.told += 1
            self.engine.routing.steps += CALL_STEPS
            try:
                watch.callback()
            except Exception as error:
                self.engine.handler.on_internal_error(watch, error)
        return 0
