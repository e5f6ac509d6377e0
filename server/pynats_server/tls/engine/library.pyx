"""See library.pxd. Where the addresses come from: the OpenSSL inside the `cryptography` wheel, or the
libssl that the interpreter has loaded.

The wheel's is first: newer, built for speed, there whatever the interpreter was built with. It hides
its symbols, but its cffi module tells their addresses. That module is private to pyOpenSSL, so every
name is looked up when an engine is chosen, and one that is missing leads to the next engine.

The two copies of OpenSSL share nothing: no pointer of one may reach the other.
"""
from libc.stdint cimport uintptr_t

cdef extern from "<dlfcn.h>" nogil:
    void* dlopen(const char* path, int flags)
    void* dlsym(void* handle, const char* name)
    int RTLD_NOW
    int RTLD_NOLOAD

OLDEST = 0x10101000  # 1.1.1: the first with TLS 1.3
OTHERS = ("LibreSSL", "BoringSSL", "AWS-LC")  # same names, other behaviour


class Unusable(Exception):
    """This OpenSSL cannot be the engine; says why."""


cdef class OpenSSL:
    def __repr__(self) -> str:
        return f"<OpenSSL {self.name}>"


def from_cryptography() -> OpenSSL:
    """The OpenSSL inside the `cryptography` wheel."""
    try:
        from cryptography.hazmat.bindings._rust import _openssl
    except ImportError as error:
        raise Unusable(f"cryptography has no OpenSSL to offer: {error}") from error
    ffi, lib = _openssl.ffi, _openssl.lib

    def find(str name) -> int:
        try:
            return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
        except AttributeError:
            return 0

    cdef OpenSSL library = OpenSSL.__new__(OpenSSL)
    library.keeper = _openssl
    fill(&library.calls, find)
    return _judged(library, "cryptography")


def from_interpreter() -> OpenSSL:
    """The libssl that the interpreter's `_ssl` is linked with, where that is a shared library."""
    import ssl  # so that it is loaded

    cdef void* handle = NULL
    for path in _loaded():
        handle = dlopen(<bytes>path.encode(), RTLD_NOW | RTLD_NOLOAD)
        if handle != NULL and _version_of(handle) == ssl.OPENSSL_VERSION_NUMBER:
            break
        handle = NULL
    if handle == NULL:
        raise Unusable("the interpreter has no shared libssl")

    def find(str name) -> int:
        return _exported(handle, name) or _replacement(name)

    _bind_controls(handle)
    cdef OpenSSL library = OpenSSL.__new__(OpenSSL)
    fill(&library.calls, find)
    return _judged(library, "interpreter")


def _loaded() -> list:
    """The files called libssl that the process has loaded."""
    with open("/proc/self/maps") as maps:
        paths = {line[line.index("/"):].rstrip() for line in maps if "/" in line and "libssl" in line}
    return sorted(paths, key=lambda path: (not path.rpartition("/")[2].startswith("libssl.so"), path))


cdef unsigned long _version_of(void* handle) noexcept:
    cdef void* found = dlsym(handle, b"OpenSSL_version_num")
    return (<Number>found)() if found != NULL else 0


def _judged(OpenSSL library, str source) -> OpenSSL:
    cdef const char* text = library.calls.OpenSSL_version(0)
    version = text.decode(errors="replace")
    check_version(library.calls.OpenSSL_version_num(), version)
    library.name = f"{source}/{' '.join(version.split()[:2])}"
    return library


def check_version(number: int, text: str) -> None:
    """Raises Unusable for what is not OpenSSL, or too old."""
    if not text.startswith("OpenSSL ") or any(other in text for other in OTHERS):
        raise Unusable(f"{text} is not OpenSSL")
    if number < OLDEST:
        raise Unusable(f"{text} is older than 1.1.1")


# --- the names ---

cdef int put(void* place, find, str name) except -1:
    address = find(name)
    if not address:
        raise Unusable(f"it has no {name}")
    (<void**>place)[0] = <void*><uintptr_t>address
    return 0


cdef int fill(Library* calls, find) except -1:
    """All names, or Unusable."""
    put(&calls.OpenSSL_version_num, find, "OpenSSL_version_num")
    put(&calls.OpenSSL_version, find, "OpenSSL_version")
    put(&calls.OPENSSL_malloc, find, "OPENSSL_malloc")
    put(&calls.ERR_clear_error, find, "ERR_clear_error")
    put(&calls.ERR_peek_error, find, "ERR_peek_error")
    put(&calls.ERR_reason_error_string, find, "ERR_reason_error_string")
    put(&calls.BIO_new, find, "BIO_new")
    put(&calls.BIO_s_mem, find, "BIO_s_mem")
    put(&calls.BIO_new_mem_buf, find, "BIO_new_mem_buf")
    put(&calls.BIO_free, find, "BIO_free")
    put(&calls.BIO_read, find, "BIO_read")
    put(&calls.BIO_write, find, "BIO_write")
    put(&calls.BIO_get_mem_data, find, "BIO_get_mem_data")
    put(&calls.BIO_set_mem_eof_return, find, "BIO_set_mem_eof_return")
    put(&calls.d2i_X509_bio, find, "d2i_X509_bio")
    put(&calls.i2d_X509_bio, find, "i2d_X509_bio")
    put(&calls.X509_up_ref, find, "X509_up_ref")
    put(&calls.X509_free, find, "X509_free")
    put(&calls.sk_X509_num, find, "sk_X509_num")
    put(&calls.sk_X509_value, find, "sk_X509_value")
    put(&calls.sk_X509_free, find, "sk_X509_free")
    put(&calls.d2i_PrivateKey_bio, find, "d2i_PrivateKey_bio")
    put(&calls.EVP_PKEY_free, find, "EVP_PKEY_free")
    put(&calls.X509_STORE_add_cert, find, "X509_STORE_add_cert")
    put(&calls.X509_STORE_set_flags, find, "X509_STORE_set_flags")
    put(&calls.X509_STORE_CTX_get_error, find, "X509_STORE_CTX_get_error")
    put(&calls.X509_STORE_CTX_set_error, find, "X509_STORE_CTX_set_error")
    put(&calls.X509_STORE_CTX_get1_chain, find, "X509_STORE_CTX_get1_chain")
    put(&calls.X509_verify_cert_error_string, find, "X509_verify_cert_error_string")
    put(&calls.X509_VERIFY_PARAM_set1_host, find, "X509_VERIFY_PARAM_set1_host")
    put(&calls.X509_VERIFY_PARAM_set_hostflags, find, "X509_VERIFY_PARAM_set_hostflags")
    put(&calls.X509_VERIFY_PARAM_set1_ip, find, "X509_VERIFY_PARAM_set1_ip")
    put(&calls.TLS_server_method, find, "TLS_server_method")
    put(&calls.TLS_client_method, find, "TLS_client_method")
    put(&calls.SSL_CTX_new, find, "SSL_CTX_new")
    put(&calls.SSL_CTX_free, find, "SSL_CTX_free")
    put(&calls.SSL_CTX_set_options, find, "SSL_CTX_set_options")
    put(&calls.SSL_CTX_set_mode, find, "SSL_CTX_set_mode")
    put(&calls.SSL_CTX_clear_mode, find, "SSL_CTX_clear_mode")
    put(&calls.SSL_CTX_set_min_proto_version, find, "SSL_CTX_set_min_proto_version")
    put(&calls.SSL_CTX_set_cipher_list, find, "SSL_CTX_set_cipher_list")
    put(&calls.SSL_CTX_set_ciphersuites, find, "SSL_CTX_set_ciphersuites")
    put(&calls.SSL_CTX_set1_curves_list, find, "SSL_CTX_set1_curves_list")
    put(&calls.SSL_CTX_set_session_id_context, find, "SSL_CTX_set_session_id_context")
    put(&calls.SSL_CTX_set_session_cache_mode, find, "SSL_CTX_set_session_cache_mode")
    put(&calls.SSL_CTX_set_verify, find, "SSL_CTX_set_verify")
    put(&calls.SSL_CTX_get_cert_store, find, "SSL_CTX_get_cert_store")
    put(&calls.SSL_CTX_load_verify_locations, find, "SSL_CTX_load_verify_locations")
    put(&calls.SSL_CTX_add_client_CA, find, "SSL_CTX_add_client_CA")
    put(&calls.SSL_CTX_use_certificate, find, "SSL_CTX_use_certificate")
    put(&calls.SSL_CTX_use_PrivateKey, find, "SSL_CTX_use_PrivateKey")
    put(&calls.SSL_CTX_check_private_key, find, "SSL_CTX_check_private_key")
    put(&calls.SSL_CTX_add_extra_chain_cert, find, "SSL_CTX_add_extra_chain_cert")
    put(&calls.SSL_CTX_set_cert_cb, find, "SSL_CTX_set_cert_cb")
    put(&calls.SSL_CTX_set_tlsext_servername_callback, find, "SSL_CTX_set_tlsext_servername_callback")
    put(&calls.SSL_CTX_set_tlsext_status_cb, find, "SSL_CTX_set_tlsext_status_cb")
    put(&calls.SSL_CTX_set_tlsext_status_arg, find, "SSL_CTX_set_tlsext_status_arg")
    put(&calls.SSL_new, find, "SSL_new")
    put(&calls.SSL_free, find, "SSL_free")
    put(&calls.SSL_set_bio, find, "SSL_set_bio")
    put(&calls.SSL_set_accept_state, find, "SSL_set_accept_state")
    put(&calls.SSL_set_connect_state, find, "SSL_set_connect_state")
    put(&calls.SSL_do_handshake, find, "SSL_do_handshake")
    put(&calls.SSL_read, find, "SSL_read")
    put(&calls.SSL_write, find, "SSL_write")
    put(&calls.SSL_shutdown, find, "SSL_shutdown")
    put(&calls.SSL_get_error, find, "SSL_get_error")
    put(&calls.SSL_set_shutdown, find, "SSL_set_shutdown")
    put(&calls.SSL_use_certificate, find, "SSL_use_certificate")
    put(&calls.SSL_use_PrivateKey, find, "SSL_use_PrivateKey")
    put(&calls.SSL_set_tlsext_status_ocsp_resp, find, "SSL_set_tlsext_status_ocsp_resp")
    put(&calls.SSL_set_tlsext_host_name, find, "SSL_set_tlsext_host_name")
    put(&calls.SSL_get0_param, find, "SSL_get0_param")
    put(&calls.SSL_get_servername, find, "SSL_get_servername")
    put(&calls.SSL_version, find, "SSL_version")
    put(&calls.SSL_get_current_cipher, find, "SSL_get_current_cipher")
    put(&calls.SSL_CIPHER_get_name, find, "SSL_CIPHER_get_name")
    put(&calls.SSL_get_peer_certificate, find, "SSL_get_peer_certificate")
    put(&calls.SSL_get_peer_cert_chain, find, "SSL_get_peer_cert_chain")
    put(&calls.SSL_get0_verified_chain, find, "SSL_get0_verified_chain")
    (<void**>&calls.SSL_CTX_set_num_tickets)[0] = <void*><uintptr_t>find("SSL_CTX_set_num_tickets")
    return 0


# --- what is a macro in the headers of OpenSSL ---
#
# A shared library exports only the three functions that the macros come down to; the wheel's table
# has functions of its own for them. A process has one such library, hence the globals.

ctypedef long (*SslControl)(SSL*, int, long, void*) noexcept nogil
ctypedef long (*CtxControl)(SSL_CTX*, int, long, void*) noexcept nogil
ctypedef void (*AnyCallback)() noexcept nogil
ctypedef long (*CtxCallbackControl)(SSL_CTX*, int, AnyCallback) noexcept nogil
ctypedef long (*BioControl)(BIO*, int, long, void*) noexcept nogil
ctypedef void* (*Malloc)(size_t, const char*, int) noexcept nogil
ctypedef unsigned long (*Number)() noexcept nogil

cdef SslControl ssl_control
cdef CtxControl ctx_control
cdef CtxCallbackControl ctx_callback_control
cdef BioControl bio_control
cdef Malloc crypto_malloc


cdef int _bind_controls(void* handle) except -1:
    global ssl_control, ctx_control, ctx_callback_control, bio_control, crypto_malloc
    ssl_control = <SslControl>_must(handle, "SSL_ctrl")
    ctx_control = <CtxControl>_must(handle, "SSL_CTX_ctrl")
    ctx_callback_control = <CtxCallbackControl>_must(handle, "SSL_CTX_callback_ctrl")
    bio_control = <BioControl>_must(handle, "BIO_ctrl")
    crypto_malloc = <Malloc>_must(handle, "CRYPTO_malloc")
    return 0


cdef void* _must(void* handle, str name) except NULL:
    cdef void* found = dlsym(handle, <bytes>name.encode())
    if found == NULL:
        raise Unusable(f"it has no {name}")
    return found


cdef uintptr_t _exported(void* handle, str name):
    """Where a function is, by the name that it has in 1.1.1, or in 3."""
    cdef void* found = dlsym(handle, <bytes>name.encode())
    if found == NULL and name in RENAMED:
        found = dlsym(handle, <bytes>RENAMED[name])
    return <uintptr_t>found


RENAMED = {
    "SSL_get_peer_certificate": b"SSL_get1_peer_certificate",
    "sk_X509_num": b"OPENSSL_sk_num",
    "sk_X509_value": b"OPENSSL_sk_value",
    "sk_X509_free": b"OPENSSL_sk_free",
}

cdef long set_mode(SSL_CTX* ctx, long mode) noexcept nogil:
    return ctx_control(ctx, 33, mode, NULL)

cdef long clear_mode(SSL_CTX* ctx, long mode) noexcept nogil:
    return ctx_control(ctx, 78, mode, NULL)

cdef long set_cache_mode(SSL_CTX* ctx, long mode) noexcept nogil:
    return ctx_control(ctx, 44, mode, NULL)

cdef long set_min_version(SSL_CTX* ctx, int version) noexcept nogil:
    return ctx_control(ctx, 123, version, NULL)

cdef long set_groups(SSL_CTX* ctx, const char* names) noexcept nogil:
    return ctx_control(ctx, 92, 0, <void*>names)

cdef long add_extra_chain_cert(SSL_CTX* ctx, X509* certificate) noexcept nogil:
    return ctx_control(ctx, 14, 0, certificate)

cdef void set_name_callback(SSL_CTX* ctx, NameChecker callback) noexcept nogil:
    ctx_callback_control(ctx, 53, <AnyCallback>callback)

cdef long set_status_callback(SSL_CTX* ctx, Stapler callback) noexcept nogil:
    return ctx_callback_control(ctx, 63, <AnyCallback>callback)

cdef long set_status_argument(SSL_CTX* ctx, void* argument) noexcept nogil:
    return ctx_control(ctx, 64, 0, argument)

cdef long set_status_response(SSL* ssl, unsigned char* response, int length) noexcept nogil:
    return ssl_control(ssl, 71, length, response)

cdef void set_host_name(SSL* ssl, const char* name) noexcept nogil:
    ssl_control(ssl, 55, HOST_NAME, <void*>name)

cdef long mem_data(BIO* bio, char** data) noexcept nogil:
    return bio_control(bio, 3, 0, data)

cdef long mem_eof_return(BIO* bio, int answer) noexcept nogil:
    return bio_control(bio, 130, answer, NULL)

cdef void* openssl_malloc(size_t size) noexcept nogil:
    return crypto_malloc(size, b"", 0)


cdef uintptr_t _replacement(str name):
    cdef void* found = NULL
    if name == "SSL_CTX_set_mode":
        found = <void*>&set_mode
    elif name == "SSL_CTX_clear_mode":
        found = <void*>&clear_mode
    elif name == "SSL_CTX_set_session_cache_mode":
        found = <void*>&set_cache_mode
    elif name == "SSL_CTX_set_min_proto_version":
        found = <void*>&set_min_version
    elif name == "SSL_CTX_set1_curves_list":
        found = <void*>&set_groups
    elif name == "SSL_CTX_add_extra_chain_cert":
        found = <void*>&add_extra_chain_cert
    elif name == "SSL_CTX_set_tlsext_servername_callback":
        found = <void*>&set_name_callback
    elif name == "SSL_CTX_set_tlsext_status_cb":
        found = <void*>&set_status_callback
    elif name == "SSL_CTX_set_tlsext_status_arg":
        found = <void*>&set_status_argument
    elif name == "SSL_set_tlsext_status_ocsp_resp":
        found = <void*>&set_status_response
    elif name == "SSL_set_tlsext_host_name":
        found = <void*>&set_host_name
    elif name == "BIO_get_mem_data":
        found = <void*>&mem_data
    elif name == "BIO_set_mem_eof_return":
        found = <void*>&mem_eof_return
    elif name == "OPENSSL_malloc":
        found = <void*>&openssl_malloc
    return <uintptr_t>found
