"""See permissions.pxd."""
from pynats_server.core.limits cimport FILTER_SCAN_MAX, REPLIES_SWEEP
from pynats_server.core.subject cimport (
    subject_covers, subject_has_gap, subject_has_wildcard, subject_matches, subject_overlaps,
)


cdef Sublist _patterns(entries):
    cdef Sublist patterns = Sublist(0)
    for entry in entries:
        patterns.add(entry)
    return patterns


cdef class Rules:
    def __init__(self, entries):
        self.subjects = []
        self.queued = []
        for entry in entries:  # "subject" or "subject queue"
            parts = entry.split()
            if len(parts) > 1:
                self.queued.append((parts[0], parts[1]))
            else:
                self.subjects.append(parts[0])
        self.plain = _patterns(self.subjects)

    cdef size_t steps(self) noexcept:
        return len(self.queued) + min(len(self.subjects), FILTER_SCAN_MAX)


cdef class Permissions:
    """Compiled form of one user's permissions; subjects are bytes, None means unrestricted.

    `response_max` and `response_ttl_ns` count only with `responses`; negative = unlimited.
    """

    def __init__(
        self, publish_allow=None, publish_deny=(), subscribe_allow=None, subscribe_deny=(),
        responses=False, response_max=1, response_ttl_ns=120_000_000_000,
    ):
        if responses and publish_allow is None and not publish_deny:
            publish_allow = ()  # replying is then all that is allowed
        self.publish_allow = None if publish_allow is None else _patterns(publish_allow)
        self.publish_deny = _patterns(publish_deny) if publish_deny else None
        self.subscribe_allow = None if subscribe_allow is None else Rules(subscribe_allow)
        self.subscribe_deny = Rules(subscribe_deny) if subscribe_deny else None
        if self.subscribe_allow is not None:
            self.subscribe_steps += self.subscribe_allow.steps()
        if self.subscribe_deny is not None:
            self.subscribe_steps += self.subscribe_deny.steps()
        self.responses = responses
        self.response_max = response_max
        self.response_ttl_ns = response_ttl_ns

    cdef bint may_publish(self, const char* subject, size_t length) noexcept:
        if self.publish_allow is not None and not self.publish_allow.has_match(subject, length):
            return False
        return self.publish_deny is None or not self.publish_deny.has_match(subject, length)

    cdef SubscribeVerdict may_subscribe(self, bytes subject, bytes queue):
        cdef bytes pattern, group
        cdef bint allowed = self.subscribe_allow is None
        if subject_has_gap(subject, len(subject)):  # malformed: no pattern matches it
            return SUBSCRIBE_ALLOWED if allowed else SUBSCRIBE_DENIED
        cdef bint queued = False  # an entry with a queue covers the subject
        cdef bint named = False  # ... and with this queue
        if not allowed:
            if queue:
                for pattern, group in self.subscribe_allow.queued:
                    if subject_covers(pattern, len(pattern), subject, len(subject)):
                        queued = True
                        named = named or _queue_matches(queue, group)
            # Where entries name queues for a subject, a queue subscription must be one of them.
            allowed = named if queued else self.subscribe_allow.plain.covers(subject, len(subject))
        if not allowed:
            return SUBSCRIBE_DENIED
        return SUBSCRIBE_ALLOWED if self.subscribe_deny is None else self._denied(subject, queue)

    cdef SubscribeVerdict _denied(self, bytes subject, bytes queue):
        """As in the real server, a rule is compared with the text of the subject: "*" in a rule
        denies the ">" that stands at its place, too."""
        cdef Rules rules = self.subscribe_deny
        cdef bytes pattern, group
        cdef bint literal = not subject_has_wildcard(subject, len(subject))
        cdef bint filtered = False
        if rules.plain.has_match(subject, len(subject)):
            return SUBSCRIBE_DENIED
        for pattern, group in rules.queued:
            if not _queue_matches(queue, group):
                continue
            if subject_matches(subject, len(subject), pattern, len(pattern)):
                return SUBSCRIBE_DENIED
            filtered = filtered or subject_overlaps(pattern, len(pattern), subject, len(subject))
        if not literal and not filtered:
            # Comparing with many rules costs more than looking at each delivery.
            filtered = len(rules.subjects) > FILTER_SCAN_MAX
            for pattern in rules.subjects if not filtered else ():
                if subject_overlaps(pattern, len(pattern), subject, len(subject)):
                    filtered = True
                    break
        return SUBSCRIBE_FILTERED if filtered else SUBSCRIBE_ALLOWED

    cdef bint denies_delivery(
        self, const char* subject, size_t length, const char* queue, size_t queue_len
    ) except -1:
        cdef Rules rules = self.subscribe_deny
        cdef bytes pattern, group
        if rules is None:
            return False
        if rules.plain.has_match(subject, length):
            return True
        for pattern, group in rules.queued:
            if queue_len and subject_covers(group, len(group), queue, queue_len):
                if subject_matches(subject, length, pattern, len(pattern)):
                    return True
        return False


cdef bint _queue_matches(bytes queue, bytes group):
    return len(queue) > 0 and subject_covers(group, len(group), queue, len(queue))


cdef class ReplyGrants:
    def __init__(self, Permissions permissions not None):
        self.grants = {}
        self.most = permissions.response_max
        self.ttl_ns = permissions.response_ttl_ns

    cdef int grant(self, bytes reply, int64_t now) except -1:
        if len(self.grants) >= max(REPLIES_SWEEP, self.sweep_at):
            self.grants = {k: g for k, g in self.grants.items() if not g[1] or g[1] >= now}
            # Twice what is left, so that sweeps cost a constant per grant however many are alive.
            self.sweep_at = 2 * len(self.grants)
        self.grants[reply] = [self.most, now + self.ttl_ns if self.ttl_ns >= 0 else 0]
        return 0

    cdef bint take(self, const char* subject, size_t length, int64_t now) except -1:
        key = subject[:length]
        grant = self.grants.get(key)
        if grant is None:
            return False
        if grant[1] and now > grant[1]:
            del self.grants[key]
            return False
        if grant[0] >= 0:
            grant[0] -= 1
            if grant[0] <= 0:
                del self.grants[key]
        return True
