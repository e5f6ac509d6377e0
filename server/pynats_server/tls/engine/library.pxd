"""OpenSSL as a table of addresses. Its functions are called through it, without headers, and without
the interpreter or its lock. Who fills it is in `library.pyx`.

The signatures are the same in OpenSSL 1.1.1, 3 and 4.
"""
from libc.stdint cimport uint64_t

cdef extern from *:
    """
    typedef struct pn_ssl SSL;
    typedef struct pn_ssl_ctx SSL_CTX;
    typedef struct pn_ssl_method SSL_METHOD;
    typedef struct pn_ssl_cipher SSL_CIPHER;
    typedef struct pn_bio BIO;
    typedef struct pn_bio_method BIO_METHOD;
    typedef struct pn_x509 X509;
    typedef struct pn_x509_chain X509_CHAIN;
    typedef struct pn_x509_store X509_STORE;
    typedef struct pn_x509_store_ctx X509_STORE_CTX;
    typedef struct pn_x509_param X509_VERIFY_PARAM;
    typedef struct pn_pkey EVP_PKEY;
    """
    ctypedef struct SSL:
        pass
    ctypedef struct SSL_CTX:
        pass
    ctypedef struct SSL_METHOD:
        pass
    ctypedef struct SSL_CIPHER:
        pass
    ctypedef struct BIO:
        pass
    ctypedef struct BIO_METHOD:
        pass
    ctypedef struct X509:
        pass
    ctypedef struct X509_CHAIN:
        pass
    ctypedef struct X509_STORE:
        pass
    ctypedef struct X509_STORE_CTX:
        pass
    ctypedef struct X509_VERIFY_PARAM:
        pass
    ctypedef struct EVP_PKEY:
        pass

ctypedef int (*Chooser)(SSL*, void*) noexcept nogil
ctypedef int (*NameChecker)(SSL*, int*, void*) noexcept nogil
ctypedef int (*Verifier)(int, X509_STORE_CTX*) noexcept nogil
ctypedef int (*Stapler)(SSL*, void*) noexcept nogil


cdef enum:
    # SSL_get_error
    ERROR_SSL = 1
    ERROR_WANT_READ = 2
    ERROR_ZERO_RETURN = 6
    # SSL_CTX_set_mode
    MODE_AUTO_RETRY = 0x4
    MODE_RELEASE_BUFFERS = 0x10
    MODE_MOVING_WRITE_BUFFER = 0x2
    # SSL_CTX_set_options
    OP_NO_TICKET = 0x4000
    OP_NO_COMPRESSION = 0x20000
    OP_CIPHER_SERVER_PREFERENCE = 0x400000
    OP_NO_RENEGOTIATION = 0x40000000
    # SSL_CTX_set_session_cache_mode
    CACHE_OFF = 0
    # SSL_CTX_set_verify
    VERIFY_NONE = 0
    VERIFY_PEER = 1
    VERIFY_REQUIRED = 3  # a certificate is, too
    # SSL_set_shutdown: both sides have said goodbye
    SHUTDOWN_BOTH = 3
    # What a name callback answers, and the alert that it names.
    NAME_FATAL = 2
    NAME_NOT_MINDED = 3
    ALERT_UNRECOGNIZED_NAME = 112
    HOST_NAME = 0
    # X509_STORE_set_flags: whatever is in the store is trusted, not only roots
    PARTIAL_CHAIN = 0x80000
    # X509_VERIFY_PARAM_set_hostflags: a wildcard is a whole label, and the subject names no host
    NO_PARTIAL_WILDCARDS = 0x4
    NEVER_CHECK_SUBJECT = 0x20
    # X509_STORE_CTX_get_error
    V_OK = 0
    V_UNABLE_TO_GET_ISSUER = 2
    V_NOT_YET_VALID = 9
    V_EXPIRED = 10
    V_SELF_SIGNED = 18
    V_SELF_SIGNED_IN_CHAIN = 19
    V_NO_LOCAL_ISSUER = 20
    V_LEAF_SIGNATURE_UNVERIFIED = 21
    V_UNTRUSTED = 27
    V_REJECTED = 28


cdef struct Library:
    unsigned long (*OpenSSL_version_num)() noexcept nogil
    const char* (*OpenSSL_version)(int) noexcept nogil
    void* (*OPENSSL_malloc)(size_t) noexcept nogil

    void (*ERR_clear_error)() noexcept nogil
    unsigned long (*ERR_peek_error)() noexcept nogil
    const char* (*ERR_reason_error_string)(unsigned long) noexcept nogil

    BIO* (*BIO_new)(const BIO_METHOD*) noexcept nogil
    const BIO_METHOD* (*BIO_s_mem)() noexcept nogil
    BIO* (*BIO_new_mem_buf)(const void*, int) noexcept nogil
    int (*BIO_free)(BIO*) noexcept nogil
    int (*BIO_read)(BIO*, void*, int) noexcept nogil
    int (*BIO_write)(BIO*, const void*, int) noexcept nogil
    long (*BIO_get_mem_data)(BIO*, char**) noexcept nogil
    long (*BIO_set_mem_eof_return)(BIO*, int) noexcept nogil

    X509* (*d2i_X509_bio)(BIO*, X509**) noexcept nogil
    int (*i2d_X509_bio)(BIO*, X509*) noexcept nogil
    int (*X509_up_ref)(X509*) noexcept nogil
    void (*X509_free)(X509*) noexcept nogil
    int (*sk_X509_num)(const X509_CHAIN*) noexcept nogil
    X509* (*sk_X509_value)(const X509_CHAIN*, int) noexcept nogil
    void (*sk_X509_free)(X509_CHAIN*) noexcept nogil
    EVP_PKEY* (*d2i_PrivateKey_bio)(BIO*, EVP_PKEY**) noexcept nogil
    void (*EVP_PKEY_free)(EVP_PKEY*) noexcept nogil
    int (*X509_STORE_add_cert)(X509_STORE*, X509*) noexcept nogil
    int (*X509_STORE_set_flags)(X509_STORE*, unsigned long) noexcept nogil
    int (*X509_STORE_CTX_get_error)(X509_STORE_CTX*) noexcept nogil
    void (*X509_STORE_CTX_set_error)(X509_STORE_CTX*, int) noexcept nogil
    X509_CHAIN* (*X509_STORE_CTX_get1_chain)(X509_STORE_CTX*) noexcept nogil
    const char* (*X509_verify_cert_error_string)(long) noexcept nogil
    int (*X509_VERIFY_PARAM_set1_host)(X509_VERIFY_PARAM*, const char*, size_t) noexcept nogil
    void (*X509_VERIFY_PARAM_set_hostflags)(X509_VERIFY_PARAM*, unsigned int) noexcept nogil
    int (*X509_VERIFY_PARAM_set1_ip)(X509_VERIFY_PARAM*, const unsigned char*, size_t) noexcept nogil

    const SSL_METHOD* (*TLS_server_method)() noexcept nogil
    const SSL_METHOD* (*TLS_client_method)() noexcept nogil
    SSL_CTX* (*SSL_CTX_new)(const SSL_METHOD*) noexcept nogil
    void (*SSL_CTX_free)(SSL_CTX*) noexcept nogil
    uint64_t (*SSL_CTX_set_options)(SSL_CTX*, uint64_t) noexcept nogil
    long (*SSL_CTX_set_mode)(SSL_CTX*, long) noexcept nogil
    long (*SSL_CTX_clear_mode)(SSL_CTX*, long) noexcept nogil
    long (*SSL_CTX_set_min_proto_version)(SSL_CTX*, int) noexcept nogil
    int (*SSL_CTX_set_cipher_list)(SSL_CTX*, const char*) noexcept nogil
    int (*SSL_CTX_set_ciphersuites)(SSL_CTX*, const char*) noexcept nogil
    long (*SSL_CTX_set1_curves_list)(SSL_CTX*, const char*) noexcept nogil
    int (*SSL_CTX_set_session_id_context)(SSL_CTX*, const unsigned char*, unsigned int) noexcept nogil
    long (*SSL_CTX_set_session_cache_mode)(SSL_CTX*, long) noexcept nogil
    void (*SSL_CTX_set_verify)(SSL_CTX*, int, Verifier) noexcept nogil
    X509_STORE* (*SSL_CTX_get_cert_store)(SSL_CTX*) noexcept nogil
    int (*SSL_CTX_load_verify_locations)(SSL_CTX*, const char*, const char*) noexcept nogil
    int (*SSL_CTX_add_client_CA)(SSL_CTX*, X509*) noexcept nogil
    int (*SSL_CTX_use_certificate)(SSL_CTX*, X509*) noexcept nogil
    int (*SSL_CTX_use_PrivateKey)(SSL_CTX*, EVP_PKEY*) noexcept nogil
    int (*SSL_CTX_check_private_key)(SSL_CTX*) noexcept nogil
    long (*SSL_CTX_add_extra_chain_cert)(SSL_CTX*, X509*) noexcept nogil
    void (*SSL_CTX_set_cert_cb)(SSL_CTX*, Chooser, void*) noexcept nogil
    void (*SSL_CTX_set_tlsext_servername_callback)(SSL_CTX*, NameChecker) noexcept nogil
    long (*SSL_CTX_set_tlsext_status_cb)(SSL_CTX*, Stapler) noexcept nogil
    long (*SSL_CTX_set_tlsext_status_arg)(SSL_CTX*, void*) noexcept nogil

    SSL* (*SSL_new)(SSL_CTX*) noexcept nogil
    void (*SSL_free)(SSL*) noexcept nogil
    void (*SSL_set_bio)(SSL*, BIO*, BIO*) noexcept nogil
    void (*SSL_set_accept_state)(SSL*) noexcept nogil
    void (*SSL_set_connect_state)(SSL*) noexcept nogil
    int (*SSL_do_handshake)(SSL*) noexcept nogil
    int (*SSL_read)(SSL*, void*, int) noexcept nogil
    int (*SSL_write)(SSL*, const void*, int) noexcept nogil
    int (*SSL_shutdown)(SSL*) noexcept nogil
    int (*SSL_get_error)(const SSL*, int) noexcept nogil
    void (*SSL_set_shutdown)(SSL*, int) noexcept nogil
    int (*SSL_use_certificate)(SSL*, X509*) noexcept nogil
    int (*SSL_use_PrivateKey)(SSL*, EVP_PKEY*) noexcept nogil
    long (*SSL_set_tlsext_status_ocsp_resp)(SSL*, unsigned char*, int) noexcept nogil
    void (*SSL_set_tlsext_host_name)(SSL*, const char*) noexcept nogil
    X509_VERIFY_PARAM* (*SSL_get0_param)(SSL*) noexcept nogil
    const char* (*SSL_get_servername)(const SSL*, int) noexcept nogil
    int (*SSL_version)(const SSL*) noexcept nogil
    const SSL_CIPHER* (*SSL_get_current_cipher)(const SSL*) noexcept nogil
    const char* (*SSL_CIPHER_get_name)(const SSL_CIPHER*) noexcept nogil
    X509* (*SSL_get_peer_certificate)(const SSL*) noexcept nogil
    X509_CHAIN* (*SSL_get_peer_cert_chain)(const SSL*) noexcept nogil
    X509_CHAIN* (*SSL_get0_verified_chain)(const SSL*) noexcept nogil
    # Not in every table: NULL.
    int (*SSL_CTX_set_num_tickets)(SSL_CTX*, size_t) noexcept nogil


cdef class OpenSSL:
    """One filled table. It lives as long as the process: what has an address of it keeps it."""
    cdef Library calls
    cdef readonly str name  # for the log
    cdef object keeper  # what the code belongs to
