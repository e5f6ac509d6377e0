"""See secured.pxd."""
import ipaddress

from pynats_server.tls.engine.library cimport (
    BIO, HOST_NAME, NEVER_CHECK_SUBJECT, NO_PARTIAL_WILDCARDS, SSL_CTX, X509, X509_CHAIN,
    X509_VERIFY_PARAM, Library, OpenSSL,
)
from pynats_server.tls.engine.session cimport (
    HELLO_MOST, HELLO_MOST_CERTIFIED, session_calls, session_free, session_start,
)

from pynats_server.tls.engine.base import VERSIONS, PeerTls
from pynats_server.tls.engine.faults import reason_text, verdict_text
from pynats_server.tls.suites import iana_name

LONGEST_NAME = 255  # that the extension of the handshake takes


cdef class Shared:
    def layer(self, str name="") -> TlsLayer:
        """For a new connection; a client gives the name of the server that it wants."""
        return TlsLayer(self, name)


cdef class TlsLayer(Layer):
    def __cinit__(self, Shared context not None, str name=""):
        cdef bytes sni
        self.context = context
        self.speaks_first = context.client
        self.calls = session_calls()
        self.state = &self.session
        sni = name.encode("idna") if name and not _address(name) else b""
        if len(sni) > LONGEST_NAME or 0 in sni:
            raise ValueError("not the name of a host")
        if session_start(
            &self.session, &context.library.calls, context.ctx, context.client,
            <const char*>sni if sni else NULL,
            HELLO_MOST_CERTIFIED if context.verifies else HELLO_MOST,
        ) < 0:
            raise MemoryError()
        if context.client and context.verifies and name:
            self._expect(sni, _address(name))

    def __dealloc__(self):
        session_free(&self.session)

    cdef _expect(self, bytes name, bytes address):
        """Only a certificate for the name, or for the address, will do: its alternative names, as
        Go has it."""
        cdef const Library* lib = self.session.lib
        cdef X509_VERIFY_PARAM* rules = lib.SSL_get0_param(self.session.ssl)
        cdef int answer
        if address:
            answer = lib.X509_VERIFY_PARAM_set1_ip(
                rules, <const unsigned char*><char*>address, len(address)
            )
        else:
            lib.X509_VERIFY_PARAM_set_hostflags(rules, NEVER_CHECK_SUBJECT | NO_PARTIAL_WILDCARDS)
            answer = lib.X509_VERIFY_PARAM_set1_host(rules, name, len(name))
        if answer != 1:  # any certificate would do
            lib.ERR_clear_error()
            raise MemoryError()

    def peer(self) -> PeerTls:
        cdef const Library* lib = self.session.lib
        cdef const char* name = lib.SSL_get_servername(self.session.ssl, HOST_NAME)
        cdef const char* cipher = lib.SSL_CIPHER_get_name(
            lib.SSL_get_current_cipher(self.session.ssl)
        )
        version = lib.SSL_version(self.session.ssl)
        verifies = self.context.verifies
        return PeerTls(
            VERSIONS.get(version, hex(version)),
            iana_name(cipher.decode()),
            self._sent(),
            _ders(lib, lib.SSL_get0_verified_chain(self.session.ssl)) if verifies else (),
            name.decode(errors="replace") if name != NULL else "",
        )

    def _sent(self) -> tuple:
        """The peer's certificate, and those that it sent with it."""
        cdef const Library* lib = self.session.lib
        cdef X509* leaf = lib.SSL_get_peer_certificate(self.session.ssl)
        if leaf == NULL:
            return ()
        try:
            own = _der(lib, leaf)
        finally:
            lib.X509_free(leaf)
        others = _ders(lib, lib.SSL_get_peer_cert_chain(self.session.ssl))
        return others if others[:1] == (own,) else (own, *others)  # a client has all in the list

    def failure(self) -> str:
        cdef const char* words
        if self.session.fault != NULL:
            return self.session.fault.decode()
        if self.session.ssl == NULL:
            return "tls: not begun"
        if self.session.refused != NULL:
            words = self.session.lib.X509_verify_cert_error_string(self.session.verdict)
            chain = _ders(self.session.lib, self.session.refused)
            return verdict_text(self.session.verdict, words.decode(), chain)
        words = self.session.lib.ERR_reason_error_string(self.session.error)
        return reason_text(words.decode() if words != NULL else "")


cdef bytes _address(str name):
    try:
        return ipaddress.ip_address(name).packed
    except ValueError:
        return b""


cdef tuple _ders(const Library* lib, const X509_CHAIN* chain):
    if chain == NULL:
        return ()
    return tuple([_der(lib, lib.sk_X509_value(chain, i)) for i in range(lib.sk_X509_num(chain))])


cdef bytes _der(const Library* lib, X509* certificate):
    cdef BIO* bio = lib.BIO_new(lib.BIO_s_mem())
    cdef char* data = NULL
    cdef long length
    if bio == NULL:
        raise MemoryError()
    lib.i2d_X509_bio(bio, certificate)
    length = lib.BIO_get_mem_data(bio, &data)
    try:
        return data[:length]
    finally:
        lib.BIO_free(bio)
