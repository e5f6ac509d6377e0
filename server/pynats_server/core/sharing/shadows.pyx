"""See shadows.pxd."""
from libc.stdint cimport uint64_t

from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.subscription cimport new_subscription
from pynats_server.core.limits cimport REMOVE_STEPS, SUBSCRIBE_STEPS
from pynats_server.core.receiver cimport Receiver
from pynats_server.core.subject cimport subject_overlaps


cdef class StreamImport:
    """`subjects_of(subject)` has the exporter's subjects of which messages reach a subscription to
    `subject` here: where a token stands for a wildcard of the import, it stands there, too."""

    def __init__(
        self, Account importer not None, Account exporter not None, bytes local not None, Rename rename, subjects_of,
        bint allow_trace=False,
    ):
        self.importer = importer
        self.exporter = exporter
        self.local = local
        self.rename = rename or Rename([-1])  # what has one does not get requests
        self.subjects_of = subjects_of
        self.allow_trace = allow_trace


cdef class StreamImports(Borrowing):
    def __init__(self, imports):
        self.imports = tuple(imports)

    cdef int joined(self, Subscription sub) except -1:
        cdef StreamImport each
        for each in self.imports:
            if subject_overlaps(sub.text, sub.subject_len, each.local, len(each.local)):
                for subject in each.subjects_of(sub.subject):
                    self._shadow(sub, each, subject)
        return 0

    cdef int _shadow(self, Subscription sub, StreamImport found, bytes subject) except -1:
        cdef Subscription shadow = new_subscription(
            sub.sink, subject, len(subject), sub.c_queue(), sub.queue_len, sub.c_sid(), sub.sid_len
        )
        shadow.rename = found.rename
        shadow.filtered = sub.filtered
        found.exporter.sublist.insert(shadow)
        shadow.home = found.exporter
        shadow.origin = sub
        shadow.taken = found
        if sub.shadows is None:
            sub.shadows = []
        sub.shadows.append(shadow)
        return 0


cdef class Following(Chore):
    cdef bint work(self, Engine engine, uint64_t until) except -1:
        try:
            while self.left or self.clients:
                if engine.routing.steps >= until:
                    return True
                if self.left:
                    engine.routing.steps += REMOVE_STEPS + SUBSCRIBE_STEPS
                    self.account.reborrow(self.left.pop())
                    continue
                engine.routing.steps += 1
                client = self.clients.pop()
                if isinstance(client, Receiver) and (<Receiver>client).account is self.account:
                    self.left = client.subscription_list()
        except BaseException:
            self.over()
            raise
        self.over()
        return False


def borrow(
    Engine engine not None, Account account not None, StreamImports imports, uint64_t until, over
) -> None:
    """What an account takes of others from now on; None = nothing. Subscriptions that are there follow,
    as many as there are steps for `until` that many were made, the others in turns of the engine. Then
    `over()` is called."""
    cdef Following following = Following()
    account.borrowing = imports
    following.account = account
    following.left = list(account.takers)
    following.clients = list(account.clients)
    following.over = over
    if following.work(engine, until):
        engine.add_chore(following)
