"""One TLS connection in C: bytes in, bytes out, without sockets, the interpreter or its lock.

Also for other compiled code that speaks TLS (the load generator): make a context in Python, take its
`library` and `ctx`, and call these. One thread at a time may use a session.

    session_start(&session, library, ctx, client, name)
    session_greet(&session, data, n) until LAYER_READY; session_take(...) after each
    session_feed, session_open until it answers LAYER_MORE; session_seal; session_take now and then
    session_finish, session_take; session_free

Input is not copied where it is much: OpenSSL reads it through a memory BIO that lies over the
caller's buffer, and keeps only the beginning of a record. Output is taken out after every call that
can make some, errors included: alerts, tickets and answers to key updates come unasked.

What the peer can make us keep or do is bounded: bytes of a handshake (`shake_most`), and records in
a row that carry nothing (`IDLE_RECORDS`), which a flood of key updates consists of.
"""
from pynats_server.core.sockets.layer cimport LayerCalls
from pynats_server.tls.engine.heads cimport Heads
from pynats_server.tls.engine.library cimport BIO, SSL, SSL_CTX, X509_CHAIN, X509_STORE_CTX, Library

cdef enum:
    # Records in a row without a byte for the protocol, after which the connection ends. As in Go.
    IDLE_RECORDS = 16
    # Bytes that a handshake may consist of, without and with a certificate of the client.
    HELLO_MOST = 32768
    HELLO_MOST_CERTIFIED = 65536
    # From here on input is read where it lies: less is copied, which costs less than a BIO.
    IN_PLACE = 1024


cdef struct Session:
    const Library* lib
    SSL_CTX* ctx
    SSL* ssl  # of a server's from the first record on: who only connects costs little
    char* early  # what a client has said before it is looked at
    size_t early_length
    BIO* incoming
    BIO* outgoing
    bint client
    bint keeps  # `incoming` owns its memory
    bint grown  # a BIO has memory that it may not need any more
    bint ready
    bint failed
    bint finished
    Heads heads
    long unread  # bytes that OpenSSL had not read when it was asked last
    bint carried  # what it was asked last had bytes for the protocol
    int idle  # records in a row that had none
    size_t shaken
    size_t shake_most
    const char* fault  # why it failed, where OpenSSL does not say
    unsigned long error  # what OpenSSL says
    int verdict  # X509 error of the chain below, before it was made what the alert must be
    X509_CHAIN* refused  # the certificates that were not accepted, owned


cdef int session_start(
    Session* self, const Library* lib, SSL_CTX* ctx, bint client, const char* name, size_t most,
) noexcept nogil
cdef void session_free(Session* self) noexcept nogil
cdef int session_greet(Session* self, const char* data, size_t length) noexcept nogil
cdef int session_feed(Session* self, const char* data, size_t length) noexcept nogil
cdef ssize_t session_open(Session* self, char* to, size_t room) noexcept nogil
cdef ssize_t session_seal(
    Session* self, const char* data, size_t length, char* to, size_t room
) noexcept nogil
cdef ssize_t session_take(Session* self, char* to, size_t room) noexcept nogil
cdef void session_finish(Session* self) noexcept nogil
cdef void session_rest(Session* self) noexcept nogil
# For contexts that ask the client for a certificate.
cdef int session_judge(int fine, X509_STORE_CTX* store) noexcept nogil
# For those without certificates.
cdef int session_refuse_name(SSL* ssl, int* alert, void* argument) noexcept nogil
# The same as a layer; the state is a Session.
cdef const LayerCalls* session_calls() noexcept nogil
