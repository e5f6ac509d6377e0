"""See interest.pxd."""
from libc.stdint cimport UINT64_MAX, uint32_t
from libc.stdlib cimport free, malloc

from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.subscription cimport Subscription, new_subscription
from pynats_server.core.limits cimport CHORE_STEPS
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.record cimport HEAD, subject_size, u64

from heapq import heapify, heappop, heappush

from pynats_server.work import finish

cdef enum:
    CACHED_SUBJECTS = 4096  # of a stream, whose groups are remembered
    SLICE = 64  # filters in one step of what is done in slices
    SERVE_STEPS = 1024  # for one consumer before it is another's turn
    SETTLE_STEPS = 100  # for counting one consumer anew, about 10 µs
    FEW = 16  # consumers of a group who are told of all that goes at once
    GONE_MOST = 1024  # messages that a group writes down
    VOID_MOST = 64  # entries of a list that hold no longer, and are not worth looking for


cdef inline Match* reached(
    Sublist sublist, const uint8_t *subject, size_t n, void** only
) except? NULL:
    """Whom a message concerns: a match, or NULL and one subscription (NULL = nobody). With more
    subjects than the sublist remembers most messages need no match, see `Sublist.only`."""
    cdef Match* match = sublist.cached_match(<const char*>subject, n)
    only[0] = NULL
    if match != NULL:
        return match
    if not sublist.keeps_next() and sublist.only(<const char*>subject, n, only):
        return NULL
    return sublist.new_match(<const char*>subject, n)


cdef class Member(Sender):
    cdef bint send(self) except -1:
        return not self.stopped and self.serve(self.engine.slice_end)

    cdef bint serve(self, uint64_t until) except -1:
        raise NotImplementedError

    cdef int lost(self, uint64_t seq, bint purged) except -1:
        raise NotImplementedError

    cdef int curtailed(self) except -1:
        raise NotImplementedError

    cdef bint is_at_work(self) noexcept:
        return self.serving

    cdef int swept(self) except -1:
        raise NotImplementedError

    cdef uint64_t ahead(self) except? 0xFFFFFFFFFFFFFFFF:
        raise NotImplementedError

    cdef bint needs(self, uint64_t seq) noexcept:
        return seq >= self.next_seq

    cdef uint64_t lowest(self) noexcept:
        return self.next_seq

    cdef uint64_t done_to(self) noexcept:
        return 0


cdef class FilterGroup(Sink):
    def __init__(self, key, FilterSet filters not None):
        self.key = key
        self.filters = filters
        self.members = {}
        self.hungry = []
        self.present = []
        self.subscriptions = []

    def __dealloc__(self):
        free(self.gone)


cdef class Interest(Witness):
    """Of one stream. The store tells it of its messages while there are consumers."""

    def __init__(self, Retention store not None, Engine engine not None):
        self.store = store
        self.engine = engine
        self.sublist = Sublist(CACHED_SUBJECTS)
        self.groups = {}
        self.awake = []
        self.unused = []
        self.far, self.far_at = [], UINT64_MAX
        self.newest = store.last_seq
        self.visible = min(self.newest, <uint64_t>store.whole_to)

    # -- members ------------------------------------------------------------------------------

    def gathering(self, filters):
        """The group of these filters (bytes; none = every message), in slices (a `Work`). It is
        held until it is `enter`ed or `let_go`."""
        cdef FilterGroup group
        cdef FilterSet wanted
        wanted = yield from FilterSet.building(filters)
        key = yield from wanted.digest()
        group = self.groups.get(key)
        if group is None:
            group = FilterGroup(key, wanted)
            self.groups[key] = group
            if wanted.every:
                self.every = group
        self.store.witness = self
        self.newest = self.store.last_seq
        group.holds += 1
        try:
            while not wanted.every and len(group.subscriptions) < wanted.size:
                for text in group.filters.texts_from(len(group.subscriptions), SLICE):
                    sub = new_subscription(group, text, len(text), b"", 0, b"0", 1)
                    self.sublist.insert(sub)
                    group.subscriptions.append(sub)
                if len(group.subscriptions) < wanted.size:
                    yield
        except BaseException:
            self.let_go(group)
            raise
        return group

    def let_go(self, FilterGroup group not None) -> None:
        """Does not enter a group that was gathered."""
        group.holds -= 1
        self._forget(group)

    def enter(self, Member member not None, FilterGroup group not None) -> None:
        """Adds a consumer that goes on at its `next_seq`; what is before it is to be counted."""
        group.holds -= 1
        group.members[member] = None
        member.group = group
        member.hint = 0  # these filters may want what lies before
        self.expect(member)

    cdef int expect(self, Member member) except -1:
        """The consumer is somewhere else now: what is before it is to be counted."""
        cdef FilterGroup group = member.group
        group.low = min(group.low, member.lowest())
        member.base = group.matched - (self.store.last_seq + 1)  # no fewer than there can be
        member.lag = EXACT
        self.attend(member)
        return self._note_far(member)

    def join(self, Member member not None, filters) -> None:
        """`gathering`, `enter` and `recount` at once."""
        self.enter(member, finish(self.gathering(filters)))
        self.recount(member)

    def leave(self, Member member not None) -> None:
        """Takes a consumer out; `tidying` does what is left to do."""
        cdef FilterGroup group = member.group
        if group is None:
            return
        del group.members[member]
        if member.hungry:
            member.hungry = False
            group.full += 1
            if group.full > VOID_MOST and group.full * 2 > len(group.hungry):
                group.hungry = [
                    one for one in group.hungry
                    if (<Member>one).hungry and (<Member>one).group is group
                ]
                group.full = 0
        self.excuse(member)
        if member.awake:
            member.awake = False
            self.asleep += 1
            if self.asleep > VOID_MOST and self.asleep * 2 > len(self.awake):
                self.awake = [one for one in self.awake if (<Member>one).awake]
                self.asleep = 0
        member.group = None
        if member.far_seq:
            self._forget_far(member)
        self._forget(group)

    def _forget(self, FilterGroup group) -> None:
        if group.members or group.holds:
            return
        del self.groups[group.key]
        if not self.groups:
            self.store.witness = None  # nobody cares
        if group is self.every:
            self.every = None
        if len(group.subscriptions) > SLICE:
            self.unused.append(group)
            return
        for sub in group.subscriptions:
            self.sublist.remove(sub)

    def tidying(self):
        """Removes, in slices (a `Work`), what is left of groups that nobody is in."""
        cdef FilterGroup group
        while self.unused:
            group = self.unused.pop()
            try:
                while group.subscriptions:
                    for _ in range(min(SLICE, len(group.subscriptions))):
                        self.sublist.remove(group.subscriptions.pop())
                    if group.subscriptions:
                        yield
            finally:
                if group.subscriptions:
                    self.unused.append(group)

    def recount(self, Member member not None) -> None:
        """Sets the consumer's base by what is stored."""
        cdef FilterGroup group = member.group
        member.base = group.matched - member.ahead()
        member.lag = EXACT
        self.attend(member)
        self._note_far(member)
        group.low = min(group.low, member.lowest())

    cdef int _note_far(self, Member member) except -1:
        if member.next_seq <= self.store.last_seq + 1:
            if member.far_seq:
                self._forget_far(member)
        elif member.far_seq != member.next_seq:
            if member.far_seq:
                self._forget_far(member)
            member.far_seq = member.next_seq
            self.far_count += 1
            heappush(self.far, (member.far_seq, self.far_count, member))
            self.far_at = self.far[0][0]
        return 0

    cdef int _forget_far(self, Member member) except -1:
        """What the heap says of it is passed over; when most of it is so, it is taken out."""
        member.far_seq = 0
        self.far_void += 1
        if self.far_void > VOID_MOST and self.far_void * 2 > len(self.far):
            self.far = [one for one in self.far if (<Member>one[2]).far_seq == <uint64_t>one[0]]
            heapify(self.far)
            self.far_void = 0
        self.far_at = self.far[0][0] if self.far else UINT64_MAX
        return 0

    cdef int attend(self, Member member) except -1:
        member.heard = member.group.gone_to
        if not member.place:
            member.group.present.append(member)
            member.place = len(member.group.present)
        return 0

    cdef int excuse(self, Member member) except -1:
        cdef list present = member.group.present
        cdef Member last
        if member.place:
            last = present.pop()
            if last is not member:
                present[member.place - 1] = last
                last.place = member.place
            member.place = 0
        return 0

    cdef int rouse(self, Member member) except -1:
        if not member.awake:
            member.awake = True
            self.awake.append(member)
        return 0

    cdef int starve(self, Member member) except -1:
        if not member.hungry:
            member.hungry = True
            member.group.hungry.append(member)
        return 0

    # -- what the store tells -----------------------------------------------------------------

    cdef int came(self, uint64_t seq, const uint8_t *subject, size_t n) except -1:
        cdef Match* match
        cdef void* only
        cdef uint32_t i
        self.newest = seq
        if seq >= self.far_at:
            self.near(seq)
        if self.every is not None:
            self.count(self.every, seq)
        if self.sublist.count:
            match = reached(self.sublist, subject, n, &only)
            if match == NULL:
                if only != NULL:
                    self.count(<FilterGroup>(<Subscription>only).sink, seq)
                return 0
            self.engine.routing.steps += match.n_plain
            for i in range(match.n_plain):
                self.count(<FilterGroup>(<Subscription>match.plain[i]).sink, seq)
        return 0

    cdef int near(self, uint64_t seq) except -1:
        cdef Member member
        while self.far and self.far[0][0] <= seq:
            start, _, member = heappop(self.far)
            if member.far_seq == <uint64_t>start:
                member.far_seq = 0
                member.base = member.group.matched  # what came before is behind it
                self.rouse(member)
            else:
                self.far_void -= 1
        self.far_at = self.far[0][0] if self.far else UINT64_MAX
        return 0

    cdef int count(self, FilterGroup group, uint64_t seq) except -1:
        cdef Member member
        if group.last == seq:
            return 0  # two filters of a group cover it
        group.last = seq
        group.matched += 1
        if group.hungry:
            for member in group.hungry:
                if group.full and not (member.hungry and member.group is group):
                    continue  # it has left
                member.hungry = False
                # Unless more lies before, for instance after a reset or with other filters.
                member.hint = (
                    seq if group.matched - member.base == 1 and member.lag != UNCOUNTED else 0
                )
                self.rouse(member)
            group.hungry, group.full = [], 0
        return 0

    cdef int gone(self, uint64_t seq, const uint8_t *subject, size_t n, bint purged) except -1:
        cdef Match* match
        cdef void* only
        cdef uint32_t i
        if self.every is not None:
            self.lose(self.every, seq, purged)
        if self.sublist.count:
            match = reached(self.sublist, subject, n, &only)
            if match == NULL:
                if only != NULL:
                    self.lose(<FilterGroup>(<Subscription>only).sink, seq, purged)
                return 0
            groups = []
            for i in range(match.n_plain):
                group = <FilterGroup>(<Subscription>match.plain[i]).sink
                if group not in groups:
                    groups.append(group)
            for group in groups:
                self.lose(group, seq, purged)
        return 0

    cdef int lose(self, FilterGroup group, uint64_t seq, bint purged) except -1:
        cdef Member member
        cdef uint64_t low = UINT64_MAX
        cdef Py_ssize_t at = 0
        cdef list present = group.present
        cdef bint few = len(group.members) <= FEW
        if seq < group.low:
            return 0
        self.engine.routing.steps += len(present)
        if len(present) < len(group.members):
            self.write_down(group, seq, purged)
        while at < len(present):
            member = present[at]
            member.lost(seq, purged)
            if purged:
                member.curtailed()
            member.heard = group.gone_to
            low = min(low, member.lowest())
            if few or member.is_at_work():
                at += 1
                continue
            self.excuse(member)
            if member.lag == EXACT:
                member.lag = BEHIND
        if few and len(present) == len(group.members):
            group.low = low
        return 0

    cdef int write_down(self, FilterGroup group, uint64_t seq, bint purged) except -1:
        """For those that are not at work."""
        if group.gone == NULL:
            group.gone = <uint64_t*>malloc(GONE_MOST * sizeof(uint64_t))
            if group.gone == NULL:
                raise MemoryError()
        if group.gone_to - group.gone_from == GONE_MOST:
            self.begin_anew(group)
        group.gone[group.gone_to - group.gone_from] = seq * 2 + purged
        group.gone_to += 1
        return 0

    cdef int begin_anew(self, FilterGroup group) except -1:
        """Forgets what is written down. Whom it does not concern is past it; the others are counted
        anew when somebody looks."""
        cdef Member member
        cdef uint64_t low = UINT64_MAX, highest = 0
        cdef uint64_t i
        cdef bint purged = False
        for i in range(GONE_MOST):
            highest = max(highest, group.gone[i] >> 1)
            purged = purged or group.gone[i] & 1
        group.gone_from = group.gone_to
        self.engine.routing.steps += len(group.members) >> 2
        for member in group.members:
            if member.lag == BEHIND and (purged or member.lowest() <= highest):
                member.lag = UNCOUNTED
            member.heard = group.gone_to
            low = min(low, member.lowest())
        group.low = low
        return 0

    cdef int catch_up(self, Member member) except -1:
        """Takes note of what was written down since it was at work."""
        cdef FilterGroup group = member.group
        cdef uint64_t at, seq
        cdef bint purged = False
        self.engine.routing.steps += (group.gone_to - member.heard) >> 2
        for at in range(member.heard, group.gone_to):
            seq = group.gone[at - group.gone_from]
            purged = purged or seq & 1
            member.lost(seq >> 1, seq & 1)
        self.attend(member)
        if purged:
            member.curtailed()
        return 0

    cdef int swept(self) except -1:
        cdef FilterGroup group
        cdef Member member
        cdef bint shorter = self.store.last_seq < self.newest
        self.newest = self.store.last_seq
        self.visible = min(self.visible, self.newest)
        for group in self.groups.values():
            group.last = 0
            group.low = 0
            for member in group.members:
                member.lag = UNCOUNTED
                if shorter:  # sequences will be used again: nobody may be beyond them
                    self.settle(member)
                if not member.stopped:
                    member.ask_turn()  # fewer may be out now: nothing new need come
        return 0

    cdef int settle(self, Member member) except -1:
        cdef Lag lag = member.lag
        member.lag = EXACT
        if member.group is None:
            return 0
        if lag == BEHIND:
            self.catch_up(member)
        else:
            self.engine.routing.steps += SETTLE_STEPS
            member.swept()
            self.recount(member)
        return 0

    # -- messages that stay for their consumers' sake ------------------------------------------

    def keep_for_consumers(self, remove) -> None:
        """From now on `remove(seq)` is called for messages that nobody needs any more; None = the
        stream's messages do not depend on consumers."""
        self.remove = remove

    cdef const uint8_t* record(self, uint64_t seq) except? NULL:
        cdef Block block
        cdef Py_ssize_t at
        if not self.store.is_live(seq):
            return NULL
        block = self.store.holder(seq)
        at = block.slot(seq)
        return NULL if at < 0 else block.buf + block.offs[at]

    cdef int release(self, uint64_t seq) except -1:
        cdef const uint8_t* r = NULL if self.remove is None else self.record(seq)
        if r != NULL and not self.is_needed(seq, r + HEAD, subject_size(r)):
            self.remove(seq)
        return 0

    def release_all(self, list seqs not None) -> None:
        """A consumer needs these messages no more."""
        for seq in seqs:
            self.release(seq)

    cdef bint is_needed(self, uint64_t seq, const uint8_t* subject, size_t n) except -1:
        cdef Member member
        cdef Match* match
        cdef uint32_t i
        if self.every is not None:
            self.engine.routing.steps += len(self.every.members) >> 2
            for member in self.every.members:
                if member.needs(seq):
                    return True
        if self.sublist.count:
            match = self.sublist.match(<const char*>subject, n)
            for i in range(match.n_plain):
                group = <FilterGroup>(<Subscription>match.plain[i]).sink
                self.engine.routing.steps += 1 + (len(group.members) >> 2)
                for member in (<FilterGroup>group).members:
                    if member.needs(seq):
                        return True
        return False

    cdef bint is_finished(self, uint64_t seq, const uint8_t* subject, size_t n) except -1:
        """Whether somebody who wants such messages has acknowledged them up to this one."""
        cdef Member member
        cdef Match* match
        cdef uint32_t i
        if self.every is not None:
            for member in self.every.members:
                if seq <= member.done_to():
                    return True
        if self.sublist.count:
            match = self.sublist.match(<const char*>subject, n)
            for i in range(match.n_plain):
                group = <FilterGroup>(<Subscription>match.plain[i]).sink
                for member in (<FilterGroup>group).members:
                    if seq <= member.done_to():
                        return True
        return False

    @property
    def done_to(self) -> int:
        """The last message that a consumer has acknowledged with all before it."""
        cdef FilterGroup group
        cdef Member member
        cdef uint64_t last = 0
        for group in self.groups.values():
            for member in group.members:
                last = max(last, member.done_to())
        return last

    def unneeded(self, uint64_t start, Py_ssize_t most, bint finished) -> tuple:
        """(sequences that nobody needs, where the next step begins or 0 at the end, block to read
        first or None): among `most` records from `start` on. `finished`: only those that somebody
        has acknowledged, with all before them."""
        cdef Block block
        cdef Py_ssize_t at
        cdef const uint8_t* r
        cdef uint64_t seq
        start = max(start, self.store.first_seq)
        at = self.store.block_at(start)
        if at >= len(self.store.blocks) or not self.store.msgs:
            return [], 0, None
        block = self.store.blocks[at]
        if block.msgs and not block.loaded:
            return [], start, block
        found = []
        at = block.slot_from(max(start, block.first_seq)) if block.msgs else block.count
        while at < block.count:
            r = block.buf + block.offs[at]
            seq = u64(r + 4)
            if seq > block.last_seq:
                break
            if most <= 0:
                return found, seq, None
            most -= 1
            at += 1
            if (
                not block.deleted.has(seq)
                and not self.is_needed(seq, r + HEAD, subject_size(r))
                and (not finished or self.is_finished(seq, r + HEAD, subject_size(r)))
            ):
                found.append(seq)
        return found, block.last_seq + 1 if block.last_seq < self.store.last_seq else 0, None

    # -- serving ------------------------------------------------------------------------------

    def committed(self, uint64_t durable) -> None:
        """Consumers may see everything up to `durable`."""
        self.visible = max(self.visible, durable)
        if self.awake:
            self.engine.within_turn(self.serve_awake)

    def serve_awake(self) -> None:
        """Delivers to those who wait for what has become visible."""
        cdef Member member
        cdef uint64_t until = self.engine.routing.steps + CHORE_STEPS
        awake, self.awake = self.awake, []
        self.asleep = 0
        for member in awake:
            if not member.awake:
                continue  # it has left
            member.awake = False
            if member.stopped:
                continue
            if self.engine.routing.steps >= until or member.serve(
                min(until, self.engine.routing.steps + SERVE_STEPS)
            ):
                member.ask_turn()

    def is_wanted(self, bytes subject not None) -> bool:
        """Whether some consumer's filter covers the subject."""
        return self.every is not None or self.sublist.has_match(subject, len(subject))
