"""See mapping.pxd."""
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from os import urandom

from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.subscription cimport Subscription, new_subscription
from pynats_server.core.memory.bytemap cimport (
    bytemap_find, bytemap_free, bytemap_hash, bytemap_put,
)
from pynats_server.core.native cimport pn_below

cdef enum:
    NAMES_KEPT = 4096  # are remembered; as many again are kept for those who hold one


cdef class Rule(Sink):
    """Where messages go that are published to `source`: by `shares`, each a new name (None = nowhere)
    and the hundredths of all messages that have it or one before it. What is left keeps its name."""

    def __init__(self, bytes source not None, shares):
        self.source = source
        self.shares = tuple(shares)
        first = self.shares[0] if self.shares else None
        self.steady = first is None or (
            first[1] == 100 and (first[0] is None or not (<Rename>first[0]).varies)
        )


cdef class Mapper:
    """`rules` begin with the most specific ones."""

    def __init__(self, rules):
        cdef Rule rule
        cdef Subscription sub
        self.rules = tuple(rules)
        self.index = Sublist()
        self.chance = int.from_bytes(urandom(8), "little") | 1
        for order, each in enumerate(self.rules):
            rule = each
            rule.order = order
            sub = new_subscription(rule, rule.source, len(rule.source), b"", 0, b"0", 1)
            self.index.insert(sub)

    def __dealloc__(self):
        _free_names(&self.known)
        _free_names(&self.older)

    cdef KnownName* steady(self, const char* subject, size_t length, uint32_t hash) except? NULL:
        cdef KnownName* found = <KnownName*>bytemap_find(&self.known, subject, length, hash)
        if found == NULL:
            found = self._learn(subject, length)
        return found

    cdef KnownName* _learn(self, const char* subject, size_t length) except? NULL:
        cdef NewName name
        cdef KnownName* made
        cdef Rule rule = self.rule_of(subject, length)
        name.large = NULL
        name.length = 0
        if rule is not None and (
            not rule.steady or self.apply(rule, subject, length, &name) == LOST
        ):
            return NULL
        try:
            if self.known.used >= NAMES_KEPT:
                _free_names(&self.older)
                self.older = self.known
                memset(&self.known, 0, sizeof(ByteMap))
            made = <KnownName*>malloc(sizeof(KnownName) + name.length + length)
            if made == NULL:
                raise MemoryError()
            made.text = <char*>made + sizeof(KnownName)
            made.length = <uint32_t>name.length
            if name.length:  # else the name has no place
                memcpy(<char*>made.text, name.subject, name.length)
            made.hash = bytemap_hash(made.text, name.length)
            memcpy(<char*>made.text + name.length, subject, length)
            bytemap_put(&self.known, made.text + name.length, length, made)
            return made
        finally:
            name_free(&name)

    cdef Rule rule_of(self, const char* subject, size_t length):
        cdef Match* match = self.index.match(subject, length)
        cdef Rule found = None
        cdef Rule rule
        cdef uint32_t i
        for i in range(match.n_plain):
            rule = <Rule>(<Subscription>match.plain[i]).sink
            if found is None or rule.order < found.order:
                found = rule
        return found

    cdef Fate apply(self, Rule rule, const char* subject, size_t length, NewName* name) except *:
        cdef Rename rename = None
        cdef uint32_t drawn = 0
        cdef size_t room
        cdef tuple share
        name.large = NULL
        name.length = 0
        if not rule.shares:
            return KEPT
        if not (len(rule.shares) == 1 and rule.shares[0][1] == 100):
            drawn = pn_below(&self.chance, 100)
        for share in rule.shares:
            if drawn < <uint32_t>share[1]:
                rename = share[0]
                break
        else:
            return KEPT
        if rename is None:
            return LOST
        room = rename.room(length)
        name.subject = name.small
        if room > SUBJECT_ROOM:
            name.large = name.subject = <char*>malloc(room)
            if name.large == NULL:
                raise MemoryError()
        name.length = rename.put(subject, length, name.subject)
        if name.length == 0:
            name_free(name)
            name.large = NULL
            return LOST
        return MAPPED

    def map(self, bytes subject not None):
        """The name that a message published to `subject` gets; None = it goes nowhere."""
        cdef NewName name
        cdef Rule rule = self.rule_of(subject, len(subject))
        if rule is None:
            return subject
        cdef Fate fate = self.apply(rule, subject, len(subject), &name)
        if fate == KEPT:
            return subject
        if fate == LOST:
            return None
        try:
            return name.subject[:name.length]
        finally:
            name_free(&name)


cdef void _free_names(ByteMap* names) noexcept:
    cdef uint32_t i
    for i in range(names.capacity):
        free(names.slots[i].value)
    bytemap_free(names)
