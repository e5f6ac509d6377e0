"""See sublist.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memchr, memcpy

from pynats_server.core.interest.groups cimport array_items, set_add, set_free, set_is_empty, set_remove
from pynats_server.core.interest.match cimport Hits, add_hit, match_build, match_release
from pynats_server.core.interest.subscription cimport Sink, new_subscription
from pynats_server.core.memory.bytemap cimport bytemap_find, bytemap_free, bytemap_get, bytemap_pop, bytemap_put
from pynats_server.core.subject cimport subject_has_gap, subject_matches

# Matches kept per account. When full, one after the other goes, in the order of their places:
# rebuilding a hot entry is cheap, and no bookkeeping is paid on hits.
DEFAULT_CACHE_MAX = 16384
cdef enum:
    # Subscribers that all cached matches of an account may list together: bounds the memory (8 bytes
    # each) where many subjects reach many subscribers.
    CACHE_WEIGHT_MAX = 4194304
    # A match in doubt is compared with this many changes, and with one more for every so many
    # subscribers that it has; then building it anew costs no more.
    DOUBTS_MIN = 4
    DOUBTS_SHARE = 8


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
        and set_is_empty(&node.subs)
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
        found = set_remove(&child.subs, sub)
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
    set_free(&node.subs)
    free(node)


cdef int _walk(Node* node, const char* p, size_t n, Hits* hits) except -1:
    cdef size_t length = _token_length(p, n)
    cdef Node* child
    hits.steps += 1
    if node.gt != NULL:
        add_hit(hits, &node.gt.subs)
    child = <Node*>bytemap_get(&node.children, p, length)
    if child != NULL:
        if length == n:
            add_hit(hits, &child.subs)
        else:
            _walk(child, p + length + 1, n - length - 1, hits)
    child = node.star
    if child != NULL:
        if length == n:
            add_hit(hits, &child.subs)
        else:
            _walk(child, p + length + 1, n - length - 1, hits)
    return 0


cdef inline bint _is_only(SubSet* subs, void** sub) noexcept:
    """Whether there is still one plain subscription at most, with those of `subs`."""
    if set_is_empty(subs):
        return True
    if subs.queues != NULL or subs.plain.length > 1 or sub[0] != NULL:
        return False
    sub[0] = array_items(&subs.plain)[0]
    return True


cdef bint _walk_only(Node* node, const char* p, size_t n, void** sub, uint64_t* steps) noexcept:
    cdef size_t length = _token_length(p, n)
    cdef Node* child
    cdef int i
    steps[0] += 1
    if node.gt != NULL and not _is_only(&node.gt.subs, sub):
        return False
    child = <Node*>bytemap_get(&node.children, p, length)
    for i in range(2):
        if child != NULL:
            if length == n:
                if not _is_only(&child.subs, sub):
                    return False
            elif not _walk_only(child, p + length + 1, n - length - 1, sub, steps):
                return False
        child = node.star
    return True


cdef bint _walk_any(Node* node, const char* p, size_t n) noexcept:
    cdef size_t length = _token_length(p, n)
    cdef Node* child
    if node.gt != NULL:
        return True
    child = <Node*>bytemap_get(&node.children, p, length)
    if child != NULL:
        if length == n:
            if not set_is_empty(&child.subs):
                return True
        elif _walk_any(child, p + length + 1, n - length - 1):
            return True
    child = node.star
    if child != NULL:
        if length == n:
            return not set_is_empty(&child.subs)
        return _walk_any(child, p + length + 1, n - length - 1)
    return False


cdef bint _covers_any(Node* node, const char* p, size_t n) noexcept:
    """As _walk_any, but a wildcard at p is covered by a wildcard alone."""
    cdef size_t length = _token_length(p, n)
    cdef bint star = length == 1 and p[0] == b'*'
    cdef Node* child
    if node.gt != NULL:
        return True
    if length == 1 and n == 1 and p[0] == b'>':
        return False
    child = NULL if star else <Node*>bytemap_get(&node.children, p, length)
    if child != NULL:
        if length == n:
            if not set_is_empty(&child.subs):
                return True
        elif _covers_any(child, p + length + 1, n - length - 1):
            return True
    child = node.star
    if child == NULL:
        return False
    if length == n:
        return not set_is_empty(&child.subs)
    return _covers_any(child, p + length + 1, n - length - 1)


cdef bint _others_below(Node* node, const char* p, size_t n, Subscription sub) noexcept:
    """Whether a subscription besides `sub` could match something below a prefix (with its dot at the
    end)."""
    cdef size_t length
    cdef Node* child
    if n == 0:
        return (
            node.children.used != 0 or node.star != NULL or node.gt != NULL
            and not _holds_only(&node.gt.subs, sub)
        )
    if node.gt != NULL:
        return True
    length = _token_length(p, n)
    child = <Node*>bytemap_get(&node.children, p, length)
    if child != NULL and _others_below(child, p + length + 1, n - length - 1, sub):
        return True
    return node.star != NULL and _others_below(node.star, p + length + 1, n - length - 1, sub)


cdef bint _holds_only(SubSet* subs, Subscription sub) noexcept:
    return (
        subs.queues == NULL and subs.plain.length == 1
        and array_items(&subs.plain)[0] == <void*>sub
    )


# --- the list ----------------------------------------------------------------------------------

cdef class Observer:
    cdef int changed(self, Subscription sub) except -1:
        raise NotImplementedError


cdef class Sublist:
    def __cinit__(self, cache_max=DEFAULT_CACHE_MAX):
        self.root = _new_node(b"", 0)
        self.cache_max = cache_max

    def __dealloc__(self):
        cdef uint32_t i
        cdef Literal* literal
        self._drop_cache()
        for i in range(CHANGES_KEPT):
            if self.changed[i] != NULL:
                Py_DECREF(<Subscription>self.changed[i])
        for i in range(self.literals.capacity):
            literal = <Literal*>self.literals.slots[i].value
            if literal != NULL:
                set_free(&literal.subs)
                free(literal)
        bytemap_free(&self.literals)
        for i in range(self.n_shortcuts):
            Py_DECREF(<Subscription>self.shortcuts[i].sub)
        free(self.shortcuts)
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
            set_add(&node.subs, sub)
            self._change(sub)
        else:
            self._insert_literal(p, n, sub)
            self._invalidate(p, n)
            if self.observer is not None:
                self.observer.changed(sub)
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
        return set_add(&literal.subs, sub)

    cdef int remove(self, Subscription sub) except -1:
        cdef const char* p = sub.c_subject()
        cdef size_t n = sub.subject_len
        cdef Literal* literal
        if sub.wildcard:
            if not _trie_remove(self.root, p, n, sub):
                raise KeyError(sub.subject)
            self._change(sub)
        else:
            literal = <Literal*>bytemap_get(&self.literals, p, n)
            if literal == NULL or not set_remove(&literal.subs, sub):
                raise KeyError(sub.subject)
            if set_is_empty(&literal.subs):
                bytemap_pop(&self.literals, p, n)
                free(literal)
            self._invalidate(p, n)
            if self.observer is not None:
                self.observer.changed(sub)
        self.count -= 1
        self.removes += 1
        return 0

    cdef int touch(self, Subscription sub) except -1:
        if sub.wildcard:
            self._change(sub)
        else:
            self._invalidate(sub.c_subject(), sub.subject_len)
        return 0

    cdef void touch_all(self) noexcept:
        self.generation += CHANGES_KEPT + 1

    cdef void _change(self, Subscription sub) noexcept:
        """A wildcard was added, removed or touched: puts every match in doubt."""
        cdef uint32_t at
        self.generation += 1
        at = self.generation % CHANGES_KEPT
        Py_INCREF(sub)
        if self.changed[at] != NULL:
            Py_DECREF(<Subscription>self.changed[at])
        self.changed[at] = <void*>sub

    cdef bint _still_holds(self, Match* match) noexcept:
        """Whether no wildcard that changed since the match was built reaches its subject."""
        cdef uint64_t behind = self.generation - match.generation
        cdef uint64_t i
        cdef Subscription sub
        if behind > CHANGES_KEPT or behind > DOUBTS_MIN + match.weight // DOUBTS_SHARE:
            return False
        self.steps += behind
        for i in range(behind):
            sub = <Subscription>self.changed[(self.generation - i) % CHANGES_KEPT]
            if subject_matches(
                match.subject, match.subject_len, sub.c_subject(), sub.subject_len
            ):
                return False
        match.generation = self.generation
        return True

    cdef Match* match(self, const char* subject, size_t length) except NULL:
        cdef Match* match = self.cached_match(subject, length)
        return match if match != NULL else self.new_match(subject, length)

    cdef Match* cached_match(self, const char* subject, size_t length) noexcept:
        cdef Match* match
        self.matches += 1
        match = <Match*>bytemap_get(&self.cache, subject, length)
        if match != NULL:
            if match.generation == self.generation or self._still_holds(match):
                self.cache_hits += 1
                return match
            self._invalidate(subject, length)
        return NULL

    cdef bint only(self, const char* subject, size_t length, void** sub) noexcept:
        cdef Literal* literal = <Literal*>bytemap_get(&self.literals, subject, length)
        sub[0] = NULL
        self.steps += 1
        if literal != NULL and not _is_only(&literal.subs, sub):
            return False
        return (
            _node_is_empty(self.root) or subject_has_gap(subject, length)
            or _walk_only(self.root, subject, length, sub, &self.steps)
        )

    cdef Match* new_match(self, const char* subject, size_t length) except NULL:
        cdef Match* match = self._collect(subject, length)
        match.generation = self.generation
        self._make_room(match.weight)
        bytemap_put(&self.cache, match.subject, length, match)
        self.cache_weight += match.weight
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
        hits.steps = 1
        try:
            if literal != NULL:
                add_hit(&hits, &literal.subs)
            if not _node_is_empty(self.root) and not subject_has_gap(subject, length):
                _walk(self.root, subject, length, &hits)
            return match_build(&hits, subject, length)
        finally:
            self.steps += hits.steps
            free(hits.sets)

    cdef int add_shortcut(self, Subscription sub) except -1:
        cdef Shortcut* grown = <Shortcut*>realloc(
            self.shortcuts, (self.n_shortcuts + 1) * sizeof(Shortcut)
        )
        if grown == NULL:
            raise MemoryError()
        self.shortcuts = grown
        grown[self.n_shortcuts].sub = <void*>sub
        grown[self.n_shortcuts].length = sub.subject_len - 1
        grown[self.n_shortcuts].generation = 0
        grown[self.n_shortcuts].alone = False
        self.n_shortcuts += 1
        Py_INCREF(sub)
        return 0

    cdef void drop_shortcut(self, Subscription sub) noexcept:
        cdef uint32_t i
        for i in range(self.n_shortcuts):
            if self.shortcuts[i].sub == <void*>sub:
                self.n_shortcuts -= 1
                self.shortcuts[i] = self.shortcuts[self.n_shortcuts]
                Py_DECREF(sub)
                return

    cdef bint is_alone(self, Shortcut* shortcut, const char* subject, size_t length) noexcept:
        cdef Subscription sub = <Subscription>shortcut.sub
        if shortcut.generation != self.generation:
            shortcut.generation = self.generation
            shortcut.alone = not _others_below(self.root, sub.c_subject(), shortcut.length, sub)
        return (
            shortcut.alone
            and not subject_has_gap(subject, length)
            and bytemap_get(&self.literals, subject, length) == NULL
        )

    cdef bint has_match(self, const char* subject, size_t length) noexcept:
        if bytemap_get(&self.literals, subject, length) != NULL:
            return True
        return not subject_has_gap(subject, length) and _walk_any(self.root, subject, length)

    cdef bint covers(self, const char* subject, size_t length) noexcept:
        if bytemap_get(&self.literals, subject, length) != NULL:
            return True
        return not subject_has_gap(subject, length) and _covers_any(self.root, subject, length)

    cdef void _invalidate(self, const char* p, size_t n) noexcept:
        cdef Match* match = <Match*>bytemap_pop(&self.cache, p, n)
        if match != NULL:
            self.cache_weight -= match.weight
            match.valid = False
            match_release(match)

    cdef void _make_room(self, uint64_t weight) noexcept:
        """Drops matches until one more fits. What that costs was paid when they came."""
        cdef Match* match
        while self.cache.used and (
            self.cache.used >= (self.cache_max or 1)
            or self.cache_weight + weight > CACHE_WEIGHT_MAX
        ):
            match = NULL
            while match == NULL:
                self.evict_at = (self.evict_at + 1) & (self.cache.capacity - 1)
                match = <Match*>self.cache.slots[self.evict_at].value
            self._invalidate(match.subject, match.subject_len)

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

    def sole(self, bytes subject) -> tuple:
        """(whether a literal subject reaches one plain subscription at most, that one or None)"""
        cdef void* sub
        if not self.only(subject, len(subject), &sub):
            return False, None
        return True, <Subscription>sub if sub != NULL else None

    def interested(self, bytes subject) -> bool:
        """Whether a literal subject reaches anybody."""
        return self.has_match(subject, len(subject))

    def covering(self, bytes subject) -> bool:
        """Whether one entry matches all that `subject` (wildcards allowed) matches."""
        return self.covers(subject, len(subject))

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
