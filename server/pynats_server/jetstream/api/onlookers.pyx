"""See onlookers.pxd."""
from pynats_server.core.interest.sublist cimport Shortcut, Sublist
from pynats_server.core.sharing.responses cimport SINGLETON, Terms

WHOLE_API = b"$JS.API.>"  # an account without JetStream that imports this asks the other one alone

cdef enum:
    SOON_NS = 1_000_000_000  # a reply subject is forgotten at once


cdef class Onlookers:
    """`who(source, importer, share)` is the JSON that tells who asks."""

    def __init__(self, Engine engine not None, who):
        self.engine = engine
        self.who = who
        self.shown = ServiceExport(Terms(SINGLETON, SOON_NS), shown=True)

    def gather(self, Account account) -> None:
        """In this account they are from now on; None = nowhere."""
        self.account = account

    cdef bint are_there(self, Message* msg) noexcept:
        cdef Sublist sublist = self.account.sublist
        cdef Shortcut* shortcut = sublist.shortcut(msg.subject, msg.subject_len)
        return shortcut == NULL or not sublist.is_alone(shortcut, msg.subject, msg.subject_len)

    cdef ServiceImport show(
        self, Account account, ServiceImport way, Message* msg, Sink source, Trail trail
    ):
        if way is None or way.exporter is not self.account:
            way = ServiceImport(
                self.engine, account, self.account, WHOLE_API, None, self.shown, self.who, True
            )
        if trail is None:
            way.deliver(None, msg, source)
        else:
            way.trace(None, msg, source, trail)
        return way
