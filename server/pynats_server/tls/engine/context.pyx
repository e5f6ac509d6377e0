"""See context.pxd."""
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, strchr, strlen

import hashlib

from pynats_server.tls.engine.library cimport (
    CACHE_OFF, EVP_PKEY, HOST_NAME, MODE_AUTO_RETRY, MODE_MOVING_WRITE_BUFFER, MODE_RELEASE_BUFFERS,
    NAME_NOT_MINDED, OP_CIPHER_SERVER_PREFERENCE, OP_NO_COMPRESSION, OP_NO_RENEGOTIATION,
    OP_NO_TICKET, PARTIAL_CHAIN, SSL, SSL_CTX, BIO, VERIFY_PEER, VERIFY_REQUIRED, X509, X509_STORE,
    Library, OpenSSL,
)
from pynats_server.tls.engine.secured cimport Shared
from pynats_server.tls.engine.session cimport session_judge, session_refuse_name

from pynats_server.tls.engine.base import GROUPS, OLD_GROUPS, SUITES_12, SUITES_13

cdef class Context(Shared):
    """Of a server or of clients; see `server_context` and `client_context`."""

    def __cinit__(self, OpenSSL library not None, bint client=False, *args):
        cdef const Library* lib = &library.calls
        self.library = library
        self.client = client
        self.kept = []
        self.choice.lib = lib
        self.ctx = lib.SSL_CTX_new(lib.TLS_client_method() if client else lib.TLS_server_method())
        if self.ctx == NULL:
            raise MemoryError()

    def __dealloc__(self):
        cdef const Library* lib = self.choice.lib
        cdef int i
        if self.ctx != NULL:
            lib.SSL_CTX_free(self.ctx)
        for i in range(self.choice.count):
            lib.X509_free(self.choice.held[i].certificate)
            lib.EVP_PKEY_free(self.choice.held[i].key)
            free(self.choice.held[i].names)
        free(self.choice.held)

    def __repr__(self) -> str:
        return f"<{'client' if self.client else 'server'} context of {self.library.name}>"


def server_context(OpenSSL library not None, plan) -> Context:
    cdef Context context = Context(library)
    cdef const Library* lib = context.choice.lib
    _set_rules(context, plan)
    _take_certificates(context, plan.certificates)
    if context.choice.count == 0:
        lib.SSL_CTX_set_tlsext_servername_callback(context.ctx, session_refuse_name)
    elif context.choice.count == 1:
        _use(context, &context.choice.held[0])
    else:
        # None is set here: it would be one more to choose from, by the kind of its key, besides the
        # one that is chosen by name.
        lib.SSL_CTX_set_cert_cb(context.ctx, _choose, &context.choice)
    identity = hashlib.sha256(plan.session_context).digest()
    lib.SSL_CTX_set_session_id_context(context.ctx, <const unsigned char*><char*>identity, 32)
    if not plan.resumption:
        # Otherwise a ticket would make do where a certificate has to be looked at again.
        lib.SSL_CTX_set_options(context.ctx, OP_NO_TICKET)
        if lib.SSL_CTX_set_num_tickets != NULL:
            lib.SSL_CTX_set_num_tickets(context.ctx, 0)
    elif lib.SSL_CTX_set_num_tickets != NULL:
        lib.SSL_CTX_set_num_tickets(context.ctx, 1)  # as in Go; each is a tenth of a handshake
    if plan.verify:
        context.verifies = True
        _trust(context, plan.authorities, tell=True)
        lib.SSL_CTX_set_verify(context.ctx, VERIFY_REQUIRED, session_judge)
    if plan.staple is not None:
        context.kept.append(plan.staple)
        context.choice.staple = plan.staple
        context.choice.staple_length = len(plan.staple)
        lib.SSL_CTX_set_tlsext_status_cb(context.ctx, _staple)
        lib.SSL_CTX_set_tlsext_status_arg(context.ctx, &context.choice)
    return context


def client_context(OpenSSL library not None, plan) -> Context:
    cdef Context context = Context(library, True)
    cdef const Library* lib = context.choice.lib
    _set_rules(context, plan)
    _take_certificates(context, plan.certificates)
    if context.choice.count:
        _use(context, &context.choice.held[0])
    if plan.verify:
        context.verifies = True
        _trust(context, plan.authorities, tell=False)
        lib.SSL_CTX_set_verify(context.ctx, VERIFY_PEER, session_judge)
    return context


cdef int _must(const Library* lib, long answer) except -1:
    """Raises ValueError with OpenSSL's words where a call has failed."""
    cdef const char* words
    if answer > 0:
        return 0
    words = lib.ERR_reason_error_string(lib.ERR_peek_error())
    lib.ERR_clear_error()
    raise ValueError("OpenSSL: " + (words.decode() if words != NULL else "no reason given"))


cdef int _use(Context context, Held* held) except -1:
    cdef const Library* lib = context.choice.lib
    _must(lib, lib.SSL_CTX_use_certificate(context.ctx, held.certificate))
    return _must(lib, lib.SSL_CTX_use_PrivateKey(context.ctx, held.key))


def _set_rules(Context context, plan) -> None:
    cdef const Library* lib = context.choice.lib
    cdef SSL_CTX* ctx = context.ctx
    lib.SSL_CTX_set_options(
        ctx, OP_NO_COMPRESSION | OP_NO_RENEGOTIATION | OP_CIPHER_SERVER_PREFERENCE
    )
    lib.SSL_CTX_set_mode(ctx, MODE_RELEASE_BUFFERS | MODE_MOVING_WRITE_BUFFER)
    # Reads stop after each record without content, so that those can be counted.
    lib.SSL_CTX_clear_mode(ctx, MODE_AUTO_RETRY)
    # Tickets need no cache, and what a cache has resumes in spite of what is said of tickets.
    lib.SSL_CTX_set_session_cache_mode(ctx, CACHE_OFF)
    _must(lib, lib.SSL_CTX_set_min_proto_version(ctx, plan.min_version))
    suites = ":".join(SUITES_12 if plan.ciphers_12 is None else plan.ciphers_12).encode()
    if suites:
        _must(lib, lib.SSL_CTX_set_cipher_list(ctx, suites))
    _must(lib, lib.SSL_CTX_set_ciphersuites(ctx, SUITES_13.encode()))
    if plan.groups is not None:
        _must(lib, lib.SSL_CTX_set1_curves_list(ctx, ":".join(plan.groups).encode()))
    elif lib.SSL_CTX_set1_curves_list(ctx, ":".join(GROUPS).encode()) <= 0:
        lib.ERR_clear_error()
        _must(lib, lib.SSL_CTX_set1_curves_list(ctx, ":".join(OLD_GROUPS).encode()))


def _take_certificates(Context context, certificates) -> None:
    cdef const Library* lib = context.choice.lib
    cdef Held* held
    cdef X509* above
    if not certificates:
        return
    context.choice.held = <Held*>calloc(len(certificates), sizeof(Held))
    if context.choice.held == NULL:
        raise MemoryError()
    sent = {}
    for each in certificates:
        held = &context.choice.held[context.choice.count]
        context.choice.count += 1
        held.certificate = _certificate(lib, each.chain[0])
        held.key = _key(lib, each.key)
        names = [name.lower().rstrip(".").encode("idna" if not name.isascii() else "ascii")
                 for name in each.names]
        _must_match(context, held)
        held.names = <const char**>calloc(max(1, len(names)), sizeof(char*))
        if held.names == NULL:
            raise MemoryError()
        context.kept.append(names)
        for name in names:
            held.names[held.count] = name
            held.count += 1
        sent.update(dict.fromkeys(each.chain[1:]))
    # One list for all: what stands above a certificate cannot be given per connection. Where chains
    # differ, clients get some that they do not need, and ignore them.
    for der in sent:
        above = _certificate(lib, der)
        _must(lib, lib.SSL_CTX_add_extra_chain_cert(context.ctx, above))  # it owns it now


cdef int _must_match(Context context, Held* held) except -1:
    """A session finds out too late."""
    cdef const Library* lib = context.choice.lib
    cdef SSL_CTX* trial = lib.SSL_CTX_new(lib.TLS_server_method())
    if trial == NULL:
        raise MemoryError()
    try:
        _must(lib, lib.SSL_CTX_use_certificate(trial, held.certificate))
        _must(lib, lib.SSL_CTX_use_PrivateKey(trial, held.key))
        _must(lib, lib.SSL_CTX_check_private_key(trial))
    finally:
        lib.SSL_CTX_free(trial)
    return 0


cdef X509* _certificate(const Library* lib, bytes der) except NULL:
    cdef BIO* bio = lib.BIO_new_mem_buf(<const char*>der, <int>len(der))
    cdef X509* found = lib.d2i_X509_bio(bio, NULL)
    lib.BIO_free(bio)
    _must(lib, found != NULL)
    return found


cdef EVP_PKEY* _key(const Library* lib, bytes der) except NULL:
    cdef BIO* bio = lib.BIO_new_mem_buf(<const char*>der, <int>len(der))
    cdef EVP_PKEY* found = lib.d2i_PrivateKey_bio(bio, NULL)
    lib.BIO_free(bio)
    _must(lib, found != NULL)
    return found


def _trust(Context context, authorities, bint tell) -> None:
    """Whose certificates are accepted; None = whom the system trusts. `tell` = clients hear whose."""
    cdef const Library* lib = context.choice.lib
    cdef X509_STORE* store = lib.SSL_CTX_get_cert_store(context.ctx)
    cdef X509* authority
    lib.X509_STORE_set_flags(store, PARTIAL_CHAIN)  # as in Go
    if authorities is None:
        _trust_system(context)
        return
    for der in authorities:
        authority = _certificate(lib, der)
        try:
            _must(lib, lib.X509_STORE_add_cert(store, authority))
            if tell:
                _must(lib, lib.SSL_CTX_add_client_CA(context.ctx, authority))
        finally:
            lib.X509_free(authority)


def _trust_system(Context context) -> None:
    """The library's own idea of where that is can be a folder that was there when it was built."""
    import ssl

    cdef const Library* lib = context.choice.lib
    paths = ssl.get_default_verify_paths()
    cafile = paths.cafile.encode() if paths.cafile else None
    capath = paths.capath.encode() if paths.capath else None
    if cafile is not None or capath is not None:
        _must(lib, lib.SSL_CTX_load_verify_locations(
            context.ctx,
            <const char*>cafile if cafile is not None else NULL,
            <const char*>capath if capath is not None else NULL,
        ))


# --- in handshakes ---

cdef int _choose(SSL* ssl, void* argument) noexcept nogil:
    """The certificate for the name that the client asks for: the first that has it, or the first."""
    cdef Choice* choice = <Choice*>argument
    cdef Held* chosen = &choice.held[0]
    cdef const char* asked
    cdef char name[256]
    cdef size_t length
    cdef int i
    asked = choice.lib.SSL_get_servername(ssl, HOST_NAME)
    if asked != NULL:
        length = strlen(asked)
        if 0 < length < sizeof(name):
            for i in range(<int>length):
                name[i] = asked[i] + 32 if b'A' <= asked[i] <= b'Z' else asked[i]
            if name[length - 1] == b'.':
                length -= 1
            name[length] = 0
            for i in range(choice.count):
                if _is_for(&choice.held[i], name, length):
                    chosen = &choice.held[i]
                    break
    if choice.lib.SSL_use_certificate(ssl, chosen.certificate) != 1:
        return 0
    return choice.lib.SSL_use_PrivateKey(ssl, chosen.key) == 1


cdef bint _is_for(Held* held, const char* name, size_t length) noexcept nogil:
    """Whether a certificate has the name, or `*` instead of the name's first label."""
    cdef const char* rest = strchr(name, b'.')
    cdef const char* own
    cdef size_t label
    cdef int i
    for i in range(held.count):
        own = held.names[i]
        if strlen(own) == length and memcmp(own, name, length) == 0:
            return True
        if rest != NULL and rest != name and own[0] == b'*' and own[1] == b'.':
            label = rest - name
            if strlen(own + 1) == length - label and memcmp(own + 1, rest, length - label) == 0:
                return True
    return False


cdef int _staple(SSL* ssl, void* argument) noexcept nogil:
    """The answer of the certificate's OCSP responder, for clients that ask for it."""
    cdef Choice* choice = <Choice*>argument
    cdef void* copy = choice.lib.OPENSSL_malloc(choice.staple_length)  # the session frees it
    if copy == NULL:
        return NAME_NOT_MINDED
    memcpy(copy, choice.staple, choice.staple_length)
    choice.lib.SSL_set_tlsext_status_ocsp_resp(ssl, <unsigned char*>copy, choice.staple_length)
    return 0
