"""See interest.pxd."""
from libc.stdint cimport UINT64_MAX, uint32_t

from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.subscription cimport Subscription, new_subscription
from pynats_server.core.limits cimport CHORE_STEPS

cdef enum:
    CACHED_SUBJECTS = 4096  # of a stream, whose groups are remembered
    SERVE_STEPS = 1024  # for one consumer before it is another's turn


cdef class Member(Sender):
    cdef bint send(self) except -1:
        return not self.stopped and self.serve(self.engine.slice_end)

    cdef bint serve(self, uint64_t until) except -1:
        raise NotImplementedError

    cdef int lost(self, uint64_t seq, bint purged) except -1:
        raise NotImplementedError

    cdef int swept(self) except -1:
        raise NotImplementedError

    cdef uint64_t ahead(self) except? 0xFFFFFFFFFFFFFFFF:
        raise NotImplementedError

    cdef uint64_t lowest(self) noexcept:
        return self.next_seq


cdef class FilterGroup(Sink):
    def __init__(self, key, FilterSet filters not None):
        self.key = key
        self.filters = filters
        self.members = []
        self.hungry = []
        self.subscriptions = []


cdef class Interest(Witness):
    """Of one stream. The store tells it of its messages while there are consumers."""

    def __init__(self, Retention store not None, Engine engine not None):
        self.store = store
        self.engine = engine
        self.sublist = Sublist(CACHED_SUBJECTS)
        self.groups = {}
        self.awake = []
        self.visible = store.last_seq

    # -- members ------------------------------------------------------------------------------

    def join(self, Member member not None, filters: tuple) -> None:
        """Adds a consumer that goes on at its `next_seq`. No filters = every message."""
        cdef FilterGroup group
        key = frozenset(filters) or frozenset((b">",))
        group = self.groups.get(key)
        if group is None:
            group = FilterGroup(key, FilterSet(sorted(key)))
            self.groups[key] = group
            if group.filters.every:
                self.every = group
            else:
                for text in sorted(key):
                    sub = new_subscription(group, text, len(text), b"", 0, b"0", 1)
                    self.sublist.insert(sub)
                    group.subscriptions.append(sub)
        self.store.witness = self
        group.members.append(member)
        group.low = min(group.low, member.lowest())
        member.group = group
        self.recount(member)

    def leave(self, Member member not None) -> None:
        """Takes a consumer out."""
        cdef FilterGroup group = member.group
        if group is None:
            return
        group.members.remove(member)
        if member.hungry:
            group.hungry.remove(member)
            member.hungry = False
        if member.awake:
            self.awake.remove(member)
            member.awake = False
        member.group = None
        if not group.members:
            del self.groups[group.key]
            if not self.groups:
                self.store.witness = None  # nobody cares
            if group is self.every:
                self.every = None
            for sub in group.subscriptions:
                self.sublist.remove(sub)

    def recount(self, Member member not None) -> None:
        """Sets the consumer's base by what is stored."""
        cdef FilterGroup group = member.group
        member.base = group.matched - member.ahead()
        group.low = min(group.low, member.lowest())

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
        cdef uint32_t i
        if self.every is not None:
            self.count(self.every, seq)
        if self.sublist.count:
            match = self.sublist.match(<const char*>subject, n)
            self.engine.routing.steps += match.n_plain
            for i in range(match.n_plain):
                self.count(<FilterGroup>(<Subscription>match.plain[i]).sink, seq)
        return 0

    cdef int count(self, FilterGroup group, uint64_t seq) except -1:
        cdef Member member
        if group.last == seq:
            return 0  # two filters of a group cover it
        group.last = seq
        group.matched += 1
        if group.hungry:
            for member in group.hungry:
                member.hungry = False
                member.hint = seq
                self.rouse(member)
            group.hungry = []
        return 0

    cdef int gone(self, uint64_t seq, const uint8_t *subject, size_t n, bint purged) except -1:
        cdef Match* match
        cdef uint32_t i
        if self.every is not None:
            self.lose(self.every, seq, purged)
        if self.sublist.count:
            groups = []
            match = self.sublist.match(<const char*>subject, n)
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
        if seq < group.low:
            return 0
        self.engine.routing.steps += len(group.members)
        for member in group.members:
            member.lost(seq, purged)
            low = min(low, member.lowest())
        group.low = low
        return 0

    cdef int swept(self) except -1:
        cdef FilterGroup group
        cdef Member member
        self.visible = min(self.visible, self.store.last_seq)
        for group in self.groups.values():
            group.last = 0
            group.low = 0
            for member in group.members:
                member.swept()
                self.recount(member)
        return 0

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
        for member in awake:
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
