"""See session.pxd."""
from libc.limits cimport INT_MAX
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from pynats_server.core.sockets.layer cimport (
    LAYER_ENDED, LAYER_FAILED, LAYER_MORE, LAYER_READY, LayerCalls,
)
from pynats_server.tls.engine.heads cimport heads_at_end, heads_follow, heads_may_begin
from pynats_server.tls.engine.library cimport (
    ALERT_UNRECOGNIZED_NAME, BIO, NAME_FATAL, ERROR_WANT_READ, ERROR_ZERO_RETURN, SHUTDOWN_BOTH, SSL, SSL_CTX, V_EXPIRED,
    V_LEAF_SIGNATURE_UNVERIFIED, V_NO_LOCAL_ISSUER, V_NOT_YET_VALID, V_REJECTED, V_SELF_SIGNED,
    V_SELF_SIGNED_IN_CHAIN, V_UNABLE_TO_GET_ISSUER, V_UNTRUSTED, X509_STORE_CTX, Library,
)

cdef extern from *:
    """
    /* The session whose handshake this thread is in: OpenSSL's verify callback has no argument. */
    static __thread void *pn_shaking;
    """
    void* pn_shaking

cdef extern from *:
    """
    static const char pn_protocol_version[] = "\\x15\\x03\\x01\\x00\\x02\\x02\\x46";
    """
    const char PROTOCOL_VERSION "pn_protocol_version"[8]

cdef enum:  # kinds of records
    ALERT = 21
    HANDSHAKE = 22
    SSL_2 = 0x80


cdef int session_start(
    Session* self, const Library* lib, SSL_CTX* ctx, bint client, const char* name, size_t most,
) noexcept nogil:
    memset(self, 0, sizeof(Session))
    self.lib = lib
    self.ctx = ctx
    self.shake_most = most
    self.client = client
    if client:
        if not _begin(self):
            return -1
        if name != NULL:
            lib.SSL_set_tlsext_host_name(self.ssl, name)
    return 0


cdef bint _begin(Session* self) noexcept nogil:
    self.ssl = self.lib.SSL_new(self.ctx)
    if self.ssl == NULL or not _renew(self):
        self.lib.ERR_clear_error()
        session_free(self)
        return False
    if self.client:
        self.lib.SSL_set_connect_state(self.ssl)
    else:
        self.lib.SSL_set_accept_state(self.ssl)
    return True


cdef bint _renew(Session* self) noexcept nogil:
    """New, small BIOs. What the old ones held is gone: only when that is nothing."""
    cdef const Library* lib = self.lib
    cdef BIO* incoming = lib.BIO_new(lib.BIO_s_mem())
    cdef BIO* outgoing = lib.BIO_new(lib.BIO_s_mem())
    if incoming == NULL or outgoing == NULL:
        lib.BIO_free(incoming)
        lib.BIO_free(outgoing)
        return False
    self.incoming = incoming
    self.outgoing = outgoing
    self.keeps = True
    self.grown = False
    lib.SSL_set_bio(self.ssl, incoming, outgoing)  # which owns them from now on
    return True


cdef void session_free(Session* self) noexcept nogil:
    if self.ssl != NULL:
        # Without that, a session that was not said goodbye to cannot be resumed.
        self.lib.SSL_set_shutdown(self.ssl, SHUTDOWN_BOTH)
        self.lib.SSL_free(self.ssl)
        self.ssl = NULL
    free(self.early)
    self.early = NULL
    if self.refused != NULL:
        for i in range(self.lib.sk_X509_num(self.refused)):
            self.lib.X509_free(self.lib.sk_X509_value(self.refused, i))
        self.lib.sk_X509_free(self.refused)
        self.refused = NULL


# --- the handshake ---

cdef int session_greet(Session* self, const char* data, size_t length) noexcept nogil:
    cdef int answer
    if self.failed:
        return LAYER_FAILED
    if self.ssl != NULL:
        return _shake(self, data, length)
    if self.early != NULL or not heads_may_begin(data, length):
        if not _keep_early(self, data, length):
            return _fail(self, b"tls: out of memory")
        if not heads_may_begin(self.early, self.early_length):
            return LAYER_MORE
        data, length = self.early, self.early_length
    if not _begin(self):  # which has let go of what there was
        return _fail(self, b"tls: out of memory")
    answer = _shake(self, data, length)
    free(self.early)
    self.early = NULL
    return answer


cdef bint _keep_early(Session* self, const char* data, size_t length) noexcept nogil:
    cdef char* grown = <char*>realloc(self.early, self.early_length + length + 1)
    if grown == NULL:
        return False
    memcpy(grown + self.early_length, data, length)
    self.early = grown
    self.early_length += length
    return True


cdef int _shake(Session* self, const char* data, size_t length) noexcept nogil:
    global pn_shaking
    cdef const Library* lib = self.lib
    cdef int answer
    if length:
        if not self.client and _is_no_hello(self, data, length):
            return LAYER_FAILED
        self.shaken += length
        if self.shaken > self.shake_most:
            return _fail(self, b"tls: handshake is too long")
        if lib.BIO_write(self.incoming, data, <int>length) != <int>length:
            return _fail(self, b"tls: out of memory")
        heads_follow(&self.heads, data, length)
        self.grown = True
    lib.ERR_clear_error()
    pn_shaking = self
    answer = lib.SSL_do_handshake(self.ssl)
    pn_shaking = NULL
    if answer == 1:
        self.ready = True
        return LAYER_READY
    return _outcome(self, answer)


cdef bint _is_no_hello(Session* self, const char* data, size_t length) noexcept nogil:
    """Looks at the head of the first record as Go does, for whom a stranger hears nothing."""
    cdef unsigned char kind, version
    if self.shaken or length < 2:
        return False
    kind, version = <unsigned char>data[0], <unsigned char>data[1]
    if kind == SSL_2:
        self.lib.BIO_write(self.outgoing, PROTOCOL_VERSION, sizeof(PROTOCOL_VERSION) - 1)
        _fail(self, b"tls: unsupported SSLv2 handshake received")
        return True
    if kind not in (ALERT, HANDSHAKE) or version >= 0x10:
        _fail(self, b"tls: first record does not look like a TLS handshake")
        return True
    return False


cdef int _outcome(Session* self, int answer) noexcept nogil:
    cdef int error = self.lib.SSL_get_error(self.ssl, answer)
    if error == ERROR_WANT_READ:
        return LAYER_MORE
    if error == ERROR_ZERO_RETURN:
        return LAYER_ENDED
    return _fail(self, NULL)


cdef int _fail(Session* self, const char* why) noexcept nogil:
    self.failed = True
    if self.fault == NULL:
        self.fault = why
    self.error = self.lib.ERR_peek_error()
    self.lib.ERR_clear_error()
    return LAYER_FAILED


cdef int session_judge(int fine, X509_STORE_CTX* store) noexcept nogil:
    """Remembers what is wrong with which certificates, and has the peer told what Go would tell."""
    cdef Session* self = <Session*>pn_shaking
    cdef int error
    if fine:
        return 1
    if self == NULL:
        return 0
    error = self.lib.X509_STORE_CTX_get_error(store)
    if self.refused == NULL:
        self.verdict = error
        self.refused = self.lib.X509_STORE_CTX_get1_chain(store)
    if error in (
        V_UNABLE_TO_GET_ISSUER, V_SELF_SIGNED, V_SELF_SIGNED_IN_CHAIN, V_NO_LOCAL_ISSUER,
        V_LEAF_SIGNATURE_UNVERIFIED, V_UNTRUSTED,
    ):
        error = V_NO_LOCAL_ISSUER  # unknown_ca
    elif error in (V_EXPIRED, V_NOT_YET_VALID):
        error = V_EXPIRED  # certificate_expired
    else:
        error = V_REJECTED  # bad_certificate
    self.lib.X509_STORE_CTX_set_error(store, error)
    return 0


cdef int session_refuse_name(SSL* ssl, int* alert, void* argument) noexcept nogil:
    """There is no certificate for anybody."""
    if pn_shaking != NULL:
        (<Session*>pn_shaking).fault = b"tls: no certificates configured"
    alert[0] = ALERT_UNRECOGNIZED_NAME
    return NAME_FATAL


# --- records ---

cdef int session_feed(Session* self, const char* data, size_t length) noexcept nogil:
    cdef const Library* lib = self.lib
    cdef BIO* over
    if not self.ready:
        return -1
    # Something that others have left there would be taken for ours. Looking costs less than clearing.
    if lib.ERR_peek_error():
        lib.ERR_clear_error()
    heads_follow(&self.heads, data, length)
    self.unread = length
    if self.keeps and (length < IN_PLACE or _unread(self)):  # the end of the handshake, it may be
        self.grown = True
        if lib.BIO_write(self.incoming, data, <int>length) != <int>length:
            return -1
        self.unread = _unread(self)
        return 0
    if length < IN_PLACE:
        over = lib.BIO_new(lib.BIO_s_mem())
        if over != NULL and lib.BIO_write(over, data, <int>length) != <int>length:
            lib.BIO_free(over)
            over = NULL
    else:
        over = lib.BIO_new_mem_buf(data, <int>length)
        if over != NULL:
            lib.BIO_set_mem_eof_return(over, -1)
    if over == NULL:
        lib.ERR_clear_error()
        return -1
    self.keeps = length < IN_PLACE
    self.incoming = over
    lib.SSL_set_bio(self.ssl, over, self.outgoing)  # frees the one before, and keeps `outgoing`
    return 0


cdef long _unread(Session* self) noexcept nogil:
    cdef char* where
    return self.lib.BIO_get_mem_data(self.incoming, &where)


cdef ssize_t session_open(Session* self, char* to, size_t room) noexcept nogil:
    cdef const Library* lib = self.lib
    cdef long unread
    cdef int n
    cdef int outcome
    if self.failed or not self.ready:
        return LAYER_FAILED
    while True:
        n = lib.SSL_read(self.ssl, to, <int>min(room, <size_t>INT_MAX))
        if n > 0:
            self.carried = True
            self.idle = 0
            return n
        outcome = _outcome(self, n)
        if outcome != LAYER_MORE:
            return outcome
        # It stops after each record that carries nothing, whether or not there is more; and once
        # without having read anything, when it has sent the answer to a key update.
        unread = _unread(self)
        if unread != self.unread if unread else heads_at_end(&self.heads) and not self.carried:
            self.idle += 1
            if self.idle > IDLE_RECORDS:
                return _fail(self, b"tls: too many ignored records")
        self.carried = False
        self.unread = unread
        if unread == 0:
            return LAYER_MORE


cdef ssize_t session_seal(
    Session* self, const char* data, size_t length, char* to, size_t room
) noexcept nogil:
    cdef int n
    if not self.ready or self.failed or self.finished:
        return LAYER_FAILED
    n = self.lib.SSL_write(self.ssl, data, <int>length)
    if n != <int>length:
        _outcome(self, n)
        self.failed = True
        return LAYER_FAILED
    self.grown = True
    return session_take(self, to, room)


cdef ssize_t session_take(Session* self, char* to, size_t room) noexcept nogil:
    cdef int n
    if self.ssl == NULL:
        return 0
    n = self.lib.BIO_read(self.outgoing, to, <int>min(room, <size_t>INT_MAX))
    return n if n > 0 else 0


cdef void session_finish(Session* self) noexcept nogil:
    if self.ready and not self.failed and not self.finished:
        self.finished = True
        self.lib.ERR_clear_error()
        self.lib.SSL_shutdown(self.ssl)
        self.lib.ERR_clear_error()


cdef void session_rest(Session* self) noexcept nogil:
    cdef char* where
    if self.ready and self.grown and not self.failed and not _unread(self):
        if self.lib.BIO_get_mem_data(self.outgoing, &where) <= 0:
            _renew(self)


# --- as a layer ---

cdef int _feed(void* state, const char* data, size_t length) noexcept nogil:
    return session_feed(<Session*>state, data, length)

cdef ssize_t _open(void* state, char* to, size_t room) noexcept nogil:
    return session_open(<Session*>state, to, room)

cdef ssize_t _seal(
    void* state, const char* data, size_t length, char* to, size_t room
) noexcept nogil:
    return session_seal(<Session*>state, data, length, to, room)

cdef ssize_t _take(void* state, char* to, size_t room) noexcept nogil:
    return session_take(<Session*>state, to, room)

cdef int _greet(void* state, const char* data, size_t length) noexcept nogil:
    return session_greet(<Session*>state, data, length)

cdef void _finish(void* state) noexcept nogil:
    session_finish(<Session*>state)

cdef void _rest(void* state) noexcept nogil:
    session_rest(<Session*>state)


cdef LayerCalls calls
calls.feed = _feed
calls.open = _open
calls.seal = _seal
calls.take = _take
calls.greet = _greet
calls.finish = _finish
calls.rest = _rest


cdef const LayerCalls* session_calls() noexcept nogil:
    return &calls
