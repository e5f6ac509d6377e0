# cython: boundscheck=False, wraparound=False
"""See sublist.pxd."""
cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memcmp, memcpy, memset

from pynats_server.core.bytemap cimport bytemap_find, bytemap_free, bytemap_get, bytemap_pop, bytemap_put
from pynats_server.core.subject cimport SUBJECT_WILDCARD, subject_has_gap, subject_kind

# Matches kept per account. When full the cache is dropped whole: rebuilding a hot entry is cheap,
# and no bookkeeping is paid on hits.
DEFAULT_CACHE_MAX = 16384
# Subscribers that all cached matches of an account may list together: bounds the memory (8 bytes
# each) where many subjects reach many subscribers.
cdef enum:
    CACHE_WEIGHT_MAX = 4194304
    # Queue groups of one subject that are looked through; more get a map by name.
    QUEUE_SCAN_MAX = 8


cdef class Sink:
    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        raise NotImplementedError


@cython.final
@cython.no_gc
cdef class Subscription:
    def __dealloc__(self):
        free(self.text)

    @property
    def subject(self) -> bytes:
        return self.text[:self.subject_len]

    @property
    def sid(self) -> bytes:
        return self.c_sid()[:self.sid_len]

    @property
    def queue(self) -> bytes:
        return self.c_queue()[:self.queue_len]

    @property
    def owner(self):
        """The connection or service that subscribed; None once closed."""
        return self.sink


cdef Subscription new_subscription(
    Sink sink,
    const char* subject, size_t subject_len,
    const char* queue, size_t queue_len,
    const char* sid, size_t sid_len,
):
    cdef Subscription sub = Subscription.__new__(Subscription)
    sub.text = <char*>malloc(subject_len + sid_len + queue_len + 2)
    if sub.text == NULL:
        raise MemoryError()
    memcpy(sub.text, subject, subject_len)
    sub.text[subject_len] = b' '
    memcpy(sub.text + subject_len + 1, sid, sid_len)
    sub.text[subject_len + 1 + sid_len] = b' '
    memcpy(sub.text + subject_len + sid_len + 2, queue, queue_len)
    sub.subject_len = <uint32_t>subject_len
    sub.sid_len = <uint32_t>sid_len
    sub.queue_len = <uint32_t>queue_len
    sub.sink = sink
    sub.wildcard = subject_kind(subject, subject_len) == SUBJECT_WILDCARD
    return sub


# --- arrays of subscriptions -------------------------------------------------------------------

cdef inline void** _items(SubArray* self) noexcept:
    return <void**>&self.items if self.capacity == 0 else self.items


cdef int _array_add(SubArray* self, Subscription sub) except -1:
    cdef void** grown
    cdef uint32_t capacity
    if self.capacity == 0 and self.length == 0:
        self.items = <void**><void*>sub
    else:
        if self.capacity == 0:
            grown = <void**>malloc(4 * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            grown[0] = <void*>self.items
            self.items = grown
            self.capacity = 4
        elif self.length == self.capacity:
            capacity = self.capacity * 2
            grown = <void**>realloc(self.items, capacity * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            self.items = grown
            self.capacity = capacity
        self.items[self.length] = <void*>sub
    sub.index = self.length
    self.length += 1
    Py_INCREF(sub)  # the set owns one reference until _array_remove
    return 0


cdef bint _array_remove(SubArray* self, Subscription sub) noexcept:
    cdef void** items = _items(self)
    cdef uint32_t i = sub.index
    cdef void* last
    if i >= self.length or items[i] != <void*>sub:
        return False
    self.length -= 1
    last = items[self.length]
    items[i] = last
    (<Subscription>last).index = i
    if self.length == 0 and self.capacity:
        free(self.items)
        self.items = NULL
        self.capacity = 0
    Py_DECREF(sub)
    return True


cdef QueueGroup* _find_group(QueueSet* self, const char* name, size_t length) noexcept:
    """The group of that name, NULL when there is none (or no groups at all: self may be NULL)."""
    cdef QueueGroup* group
    cdef uint32_t i
    if self == NULL:
        return NULL
    if self.places.used:
        i = <uint32_t><size_t>bytemap_get(&self.places, name, length)
        return &self.groups[i - 1] if i else NULL
    for i in range(self.length):
        group = &self.groups[i]
        if group.name_len == length and memcmp(group.name, name, length) == 0:
            return group
    return NULL


cdef int _index_groups(QueueSet* self) except -1:
    """Brings `places` up to date after a group was appended."""
    cdef uint32_t i
    cdef uint32_t first = self.length - 1 if self.places.used else 0
    if self.length <= QUEUE_SCAN_MAX and not self.places.used:
        return 0
    for i in range(first, self.length):
        bytemap_put(
            &self.places, self.groups[i].name, self.groups[i].name_len, <void*><size_t>(i + 1)
        )
    return 0


cdef QueueGroup* _add_group(SubSet* self, const char* name, size_t length) except NULL:
    cdef QueueSet* queues = self.queues
    cdef QueueGroup* grown
    cdef QueueGroup* group
    if queues == NULL:
        queues = self.queues = <QueueSet*>calloc(1, sizeof(QueueSet))
        if queues == NULL:
            raise MemoryError()
    # Doubles at powers of two, so that many groups cost few copies.
    if queues.length & (queues.length - 1) == 0:
        grown = <QueueGroup*>realloc(
            queues.groups, (queues.length * 2 if queues.length else 1) * sizeof(QueueGroup)
        )
        if grown == NULL:
            raise MemoryError()
        queues.groups = grown
    group = &queues.groups[queues.length]
    memset(group, 0, sizeof(QueueGroup))
    group.name = <char*>malloc(length)
    if group.name == NULL:
        raise MemoryError()
    memcpy(group.name, name, length)
    group.name_len = <uint32_t>length
    queues.length += 1
    _index_groups(queues)
    return group


cdef void _drop_group(SubSet* self, QueueGroup* group) noexcept:
    """The last group takes the place of the dropped one."""
    cdef QueueSet* queues = self.queues
    cdef QueueGroup* last = &queues.groups[queues.length - 1]
    cdef bint indexed = queues.places.used != 0
    if indexed:
        bytemap_pop(&queues.places, group.name, group.name_len)
    free(group.name)
    queues.length -= 1
    if group != last:
        group[0] = last[0]
        if indexed:  # replaces the entry in place: cannot fail
            bytemap_put(
                &queues.places, group.name, group.name_len,
                <void*><size_t>(group - queues.groups + 1),
            )
    if queues.length == 0:
        _queues_free(self)


cdef void _queues_free(SubSet* self) noexcept:
    if self.queues != NULL:
        bytemap_free(&self.queues.places)
        free(self.queues.groups)
        free(self.queues)
        self.queues = NULL


cdef int _set_add(SubSet* self, Subscription sub) except -1:
    if sub.queue_len == 0:
        return _array_add(&self.plain, sub)
    cdef QueueGroup* group = _find_group(self.queues, sub.c_queue(), sub.queue_len)
    if group == NULL:
        group = _add_group(self, sub.c_queue(), sub.queue_len)
    return _array_add(&group.members, sub)


cdef bint _set_remove(SubSet* self, Subscription sub) noexcept:
    if sub.queue_len == 0:
        return _array_remove(&self.plain, sub)
    cdef QueueGroup* group = _find_group(self.queues, sub.c_queue(), sub.queue_len)
    if group == NULL or not _array_remove(&group.members, sub):
        return False
    if group.members.length == 0:
        _drop_group(self, group)
    return True


cdef inline bint _set_is_empty(SubSet* self) noexcept:
    return self.plain.length == 0 and self.queues == NULL


cdef void _array_free(SubArray* self) noexcept:
    cdef void** items = _items(self)
    cdef uint32_t i
    for i in range(self.length):
        Py_DECREF(<Subscription>items[i])
    if self.capacity:
        free(self.items)
    self.length = 0
    self.capacity = 0


cdef void _set_free(SubSet* self) noexcept:
    cdef uint32_t i
    _array_free(&self.plain)
    if self.queues != NULL:
        for i in range(self.queues.length):
            free(self.queues.groups[i].name)
            _array_free(&self.queues.groups[i].members)
    _queues_free(self)


# --- the trie ----------------------------------------------------------------------------------

cdef Node* _new_node(const char* token, size_t length) except NULL:
    cdef Node* node = <Node*>calloc(1, sizeof(Node) + length)
    if node == NULL:
        raise MemoryError()
    node.token = <char*>node + sizeof(Node)
    node.token_len = <uint32_t>length
    memcpy(node.token, token, length)
    return node


cdef inline size_t _token_length(const char* p, size_t n) noexcept:
    cdef const char* dot = <const char*>memchr(p, b'.', n)
    return n if dot == NULL else <size_t>(dot - p)


cdef inline bint _node_is_empty(Node* node) noexcept:
    return (
        node.children.used == 0 and node.star == NULL and node.gt == NULL
        and _set_is_empty(&node.subs)
    )


cdef Node* _child(Node* node, const char* token, size_t length) noexcept:
    if length == 1 and token[0] == b'*':
        return node.star
    if length == 1 and token[0] == b'>':
        return node.gt
    return <Node*>bytemap_get(&node.children, token, length)


cdef Node* _make_child(Node* node, const char* token, size_t length) except NULL:
    cdef Node* child = _child(node, token, length)
    if child != NULL:
        return child
    child = _new_node(token, length)
    if length == 1 and token[0] == b'*':
        node.star = child
    elif length == 1 and token[0] == b'>':
        node.gt = child
    else:
        bytemap_put(&node.children, child.token, length, child)
    return child


cdef void _drop_child(Node* node, Node* child) noexcept:
    if node.star == child:
        node.star = NULL
    elif node.gt == child:
        node.gt = NULL
    else:
        bytemap_pop(&node.children, child.token, child.token_len)
    free(child)


cdef bint _trie_remove(Node* node, const char* p, size_t n, Subscription sub) noexcept:
    cdef size_t length = _token_length(p, n)
    cdef Node* child = _child(node, p, length)
    cdef bint found
    if child == NULL:
        return False
    if length == n:
        found = _set_remove(&child.subs, sub)
    else:
        found = _trie_remove(child, p + length + 1, n - length - 1, sub)
    if found and _node_is_empty(child):
        _drop_child(node, child)
    return found


cdef void _node_free(Node* node) noexcept:
    if node == NULL:
        return
    cdef uint32_t i
    for i in range(node.children.capacity):
        if node.children.slots[i].value != NULL:
            _node_free(<Node*>node.children.slots[i].value)
    bytemap_free(&node.children)
    _node_free(node.star)
    _node_free(node.gt)
    _set_free(&node.subs)
    free(node)


# --- collecting what matches -------------------------------------------------------------------

cdef struct Hits:
    # The subscriber sets that match one subject, in the order of the walk.
    SubSet** sets
    uint32_t length
    uint32_t capacity


cdef int _hit(Hits* hits, SubSet* subs) except -1:
    if _set_is_empty(subs):
        return 0
    cdef SubSet** grown
    if hits.length == hits.capacity:
        hits.capacity = hits.capacity * 2 if hits.capacity else 16
        grown = <SubSet**>realloc(hits.sets, hits.capacity * sizeof(SubSet*))
        if grown == NULL:
            raise MemoryError()
        hits.sets = grown
    hits.sets[hits.length] = subs
    hits.length += 1
    return 0


cdef int _walk(Node* node, const char* p, size_t n, Hits* hits) except -1:
    cdef size_t length = _token_length(p, n)
    cdef Node* child
    if node.gt != NULL:
        _hit(hits, &node.gt.subs)
    child = <Node*>bytemap_get(&node.children, p, length)
    if child != NULL:
        if length == n:
            _hit(hits, &child.subs)
        else:
            _walk(child, p + length + 1, n - length - 1, hits)
    child = node.star
    if child != NULL:
        if length == n:
            _hit(hits, &child.subs)
        else:
            _walk(child, p + length + 1, n - length - 1, hits)
    return 0


cdef bint _walk_any(Node* node, const char* p, size_t n) noexcept:
    cdef size_t length = _token_length(p, n)
    cdef Node* child
    if node.gt != NULL:
        return True
    child = <Node*>bytemap_get(&node.children, p, length)
    if child != NULL:
        if length == n:
            if not _set_is_empty(&child.subs):
                return True
        elif _walk_any(child, p + length + 1, n - length - 1):
            return True
    child = node.star
    if child != NULL:
        if length == n:
            return not _set_is_empty(&child.subs)
        return _walk_any(child, p + length + 1, n - length - 1)
    return False


cdef bint _in_sets(Hits* hits, uint32_t before, QueueGroup* group) noexcept:
    """Whether one of the first `before` sets has a group of the same name."""
    cdef uint32_t i
    for i in range(before):
        if _find_group(hits.sets[i].queues, group.name, group.name_len) != NULL:
            return True
    return False


cdef void _take_members(MatchQueue* queue, SubArray* members) noexcept:
    cdef void** items = _items(members)
    cdef uint32_t i
    for i in range(members.length):
        queue.members[queue.length + i] = items[i]
        Py_INCREF(<Subscription>items[i])
    queue.length += members.length


cdef Match* _build(Hits* hits, const char* subject, size_t subject_len) except NULL:
    """Flattens the sets into one allocation: Match, pointers, queue headers, names, subject.

    Members of the same queue group on different patterns become one group.
    """
    cdef uint32_t i, j, k
    cdef uint32_t n_plain = 0
    cdef uint32_t n_members = 0
    cdef uint32_t n_groups = 0
    cdef size_t names = 0
    cdef SubSet* subs
    for i in range(hits.length):
        subs = hits.sets[i]
        n_plain += subs.plain.length
        if subs.queues != NULL:
            n_groups += subs.queues.length
            for j in range(subs.queues.length):
                n_members += subs.queues.groups[j].members.length
                names += subs.queues.groups[j].name_len

    cdef size_t pointers = (n_plain + n_members) * sizeof(void*)
    cdef char* block = <char*>malloc(
        sizeof(Match) + pointers + n_groups * sizeof(MatchQueue) + names + subject_len
    )
    if block == NULL:
        raise MemoryError()
    cdef Match* match = <Match*>block
    match.plain = <void**>(block + sizeof(Match))
    match.queues = <MatchQueue*>(block + sizeof(Match) + pointers)
    cdef char* text = block + sizeof(Match) + pointers + n_groups * sizeof(MatchQueue)
    match.subject = text
    match.subject_len = <uint32_t>subject_len
    memcpy(text, subject, subject_len)
    text += subject_len
    match.n_plain = 0
    match.n_queues = 0
    match.references = 1
    match.valid = True

    cdef void** items
    cdef void** members = match.plain + n_plain
    cdef MatchQueue* queue
    cdef QueueGroup* group
    cdef QueueGroup* same
    for i in range(hits.length):
        subs = hits.sets[i]
        items = _items(&subs.plain)
        for j in range(subs.plain.length):
            match.plain[match.n_plain] = items[j]
            match.n_plain += 1
            Py_INCREF(<Subscription>items[j])
        if subs.queues == NULL:
            continue
        for j in range(subs.queues.length):
            group = &subs.queues.groups[j]
            if _in_sets(hits, i, group):
                continue
            queue = &match.queues[match.n_queues]
            match.n_queues += 1
            queue.members = members
            queue.length = 0
            queue.name = text
            queue.name_len = group.name_len
            memcpy(text, group.name, group.name_len)
            text += group.name_len
            for k in range(i, hits.length):
                same = _find_group(hits.sets[k].queues, group.name, group.name_len)
                if same != NULL:
                    _take_members(queue, &same.members)
            members += queue.length
    return match


cdef void match_release(Match* match) noexcept:
    match.references -= 1
    if match.references:
        return
    cdef uint32_t i, j
    for i in range(match.n_plain):
        Py_DECREF(<Subscription>match.plain[i])
    for i in range(match.n_queues):
        for j in range(match.queues[i].length):
            Py_DECREF(<Subscription>match.queues[i].members[j])
    free(match)


# --- the list ----------------------------------------------------------------------------------

cdef class Sublist:
    def __cinit__(self, cache_max=DEFAULT_CACHE_MAX):
        self.root = _new_node(b"", 0)
        self.cache_max = cache_max

    def __dealloc__(self):
        cdef uint32_t i
        cdef Literal* literal
        self._drop_cache()
        for i in range(self.literals.capacity):
            literal = <Literal*>self.literals.slots[i].value
            if literal != NULL:
                _set_free(&literal.subs)
                free(literal)
        bytemap_free(&self.literals)
        _node_free(self.root)

    cdef int insert(self, Subscription sub) except -1:
        cdef const char* p = sub.c_subject()
        cdef size_t n = sub.subject_len
        cdef size_t length
        cdef Node* node
        if sub.wildcard:
            node = self.root
            while True:
                length = _token_length(p, n)
                node = _make_child(node, p, length)
                if length == n:
                    break
                p += length + 1
                n -= length + 1
            _set_add(&node.subs, sub)
            self.generation += 1
        else:
            self._insert_literal(p, n, sub)
            self._invalidate(p, n)
        self.count += 1
        self.inserts += 1
        return 0

    cdef int _insert_literal(self, const char* p, size_t n, Subscription sub) except -1:
        cdef Literal* literal = <Literal*>bytemap_get(&self.literals, p, n)
        if literal == NULL:
            literal = <Literal*>calloc(1, sizeof(Literal) + n)
            if literal == NULL:
                raise MemoryError()
            literal.subject = <char*>literal + sizeof(Literal)
            literal.length = <uint32_t>n
            memcpy(literal.subject, p, n)
            bytemap_put(&self.literals, literal.subject, n, literal)
        return _set_add(&literal.subs, sub)

    cdef int remove(self, Subscription sub) except -1:
        cdef const char* p = sub.c_subject()
        cdef size_t n = sub.subject_len
        cdef Literal* literal
        if sub.wildcard:
            if not _trie_remove(self.root, p, n, sub):
                raise KeyError(sub.subject)
            self.generation += 1
        else:
            literal = <Literal*>bytemap_get(&self.literals, p, n)
            if literal == NULL or not _set_remove(&literal.subs, sub):
                raise KeyError(sub.subject)
            if _set_is_empty(&literal.subs):
                bytemap_pop(&self.literals, p, n)
                free(literal)
            self._invalidate(p, n)
        self.count -= 1
        self.removes += 1
        return 0

    cdef int touch(self, Subscription sub) except -1:
        if sub.wildcard:
            self.generation += 1
        else:
            self._invalidate(sub.c_subject(), sub.subject_len)
        return 0

    cdef Match* match(self, const char* subject, size_t length) except NULL:
        cdef Match* match
        self.matches += 1
        if self.cache.used:
            match = <Match*>bytemap_get(&self.cache, subject, length)
            if match != NULL:
                if match.generation == self.generation:
                    self.cache_hits += 1
                    return match
                bytemap_pop(&self.cache, subject, length)
                match.valid = False
                match_release(match)
        match = self._collect(subject, length)
        match.generation = self.generation
        cdef uint64_t weight = match.n_plain
        cdef uint32_t i
        for i in range(match.n_queues):
            weight += match.queues[i].length
        if (
            self.cache.used >= (self.cache_max or 1)
            or self.cache_weight + weight > CACHE_WEIGHT_MAX
        ):
            self._drop_cache()
        self.cache_weight += weight  # counts replaced entries too, until the next drop
        bytemap_put(&self.cache, match.subject, length, match)
        return match

    cdef Match* find(self, const char* subject, size_t length, uint32_t hash) noexcept:
        cdef Match* match = <Match*>bytemap_find(&self.cache, subject, length, hash)
        return match if match != NULL and match.generation == self.generation else NULL

    cdef Match* match_once(self, const char* subject, size_t length) except NULL:
        cdef Match* match
        self.matches += 1
        match = self._collect(subject, length)
        match.generation = self.generation
        return match

    cdef Match* _collect(self, const char* subject, size_t length) except NULL:
        cdef Hits hits
        cdef Literal* literal = <Literal*>bytemap_get(&self.literals, subject, length)
        hits.sets = NULL
        hits.length = 0
        hits.capacity = 0
        try:
            if literal != NULL:
                _hit(&hits, &literal.subs)
            if not _node_is_empty(self.root) and not subject_has_gap(subject, length):
                _walk(self.root, subject, length, &hits)
            return _build(&hits, subject, length)
        finally:
            free(hits.sets)

    cdef bint has_match(self, const char* subject, size_t length) noexcept:
        if bytemap_get(&self.literals, subject, length) != NULL:
            return True
        return not subject_has_gap(subject, length) and _walk_any(self.root, subject, length)

    cdef int _invalidate(self, const char* p, size_t n) except -1:
        cdef Match* match = <Match*>bytemap_pop(&self.cache, p, n)
        if match != NULL:
            match.valid = False
            match_release(match)
        return 0

    cdef void _drop_cache(self) noexcept:
        cdef uint32_t i
        cdef Match* match
        for i in range(self.cache.capacity):
            match = <Match*>self.cache.slots[i].value
            if match != NULL:
                match.valid = False
                match_release(match)
        bytemap_free(&self.cache)
        self.cache_weight = 0

    # --- for tests, monitoring and permission lists ---

    def add(self, subject: bytes, queue: bytes = b"", sid: bytes = b"0", Sink sink=None):
        """Inserts a subscription and returns it."""
        cdef Subscription sub = new_subscription(
            sink, subject, len(subject), queue, len(queue), sid, len(sid)
        )
        self.insert(sub)
        return sub

    def discard(self, Subscription sub not None) -> None:
        """Removes a subscription. Raises KeyError when it is not in the list."""
        self.remove(sub)

    def lookup(self, bytes subject) -> tuple:
        """What a literal subject reaches: (plain subscriptions, {queue: members})."""
        cdef Match* match = self.match(subject, len(subject))
        cdef uint32_t i, j
        plain = [<Subscription>match.plain[i] for i in range(match.n_plain)]
        queues = {}
        for i in range(match.n_queues):
            name = match.queues[i].name[:match.queues[i].name_len]
            queues[name] = [
                <Subscription>match.queues[i].members[j]
                for j in range(match.queues[i].length)
            ]
        return plain, queues

    def interested(self, bytes subject) -> bool:
        """Whether a literal subject reaches anybody."""
        return self.has_match(subject, len(subject))

    @property
    def cached(self) -> int:
        """Number of matches in the cache."""
        return self.cache.used

    def fanout(self) -> tuple:
        """(largest, mean) number of subscribers among the cached matches."""
        cdef uint32_t i
        cdef Match* match
        cdef uint64_t total = 0
        cdef uint64_t most = 0
        cdef uint64_t n
        for i in range(self.cache.capacity):
            match = <Match*>self.cache.slots[i].value
            if match != NULL:
                n = match.n_plain + match.n_queues
                total += n
                most = max(most, n)
        return most, (total / self.cache.used if self.cache.used else 0.0)
