"""A folder of certificates and keys, good and bad, that configurations name."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from tests.support.authorities import DAY, Authority, key_pem, new_key, spare_rsa_key


def write_tls_files(folder: Path) -> None:
    """Writes all of them; the names say what they are."""
    ca, other = Authority(), Authority("Other CA")
    between = Authority("Between", parent=ca)
    rsa = spare_rsa_key()

    def write(name: str, *parts: bytes) -> None:
        (folder / name).write_bytes(b"".join(parts))

    write("ca.pem", ca.pem)
    write("cas.pem", ca.pem, other.pem)
    write("other-ca.pem", other.pem)
    server = ca.issue()
    server.write(folder, "server")
    ca.issue().write(folder, "second")
    ca.issue(key=rsa).write(folder, "rsa")
    ca.issue(key=new_key("ed25519")).write(folder, "ed25519")
    ca.issue(key=new_key("p521")).write(folder, "p521")
    ca.issue(key=new_key("p224")).write(folder, "p224")
    between.issue().write(folder, "chained")
    ca.issue(starts=-10 * DAY, ends=-DAY).write(folder, "expired")
    ca.issue(starts=DAY).write(folder, "future")
    ca.issue(usage=("client",)).write(folder, "client-only")
    write("both.pem", server.pem, server.key_pem)
    write("both-key-first.pem", server.key_pem, server.pem)
    write("text.pem", b"Certificate of a server\n\n", server.pem, b"\ntrailing words\n")
    write("crlf.pem", server.pem.replace(b"\n", b"\r\n"))
    write("ca-first.pem", ca.pem, server.pem)
    write("sec1-key.pem", key_pem(server.key, PrivateFormat.TraditionalOpenSSL))
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    write("sec1-parameters-key.pem", parameters, (folder / "sec1-key.pem").read_bytes())
    write("pkcs1-key.pem", key_pem(rsa, PrivateFormat.TraditionalOpenSSL))
    write("encrypted-key.pem", key_pem(server.key, password=b"secret"))
    write("encrypted-sec1-key.pem", key_pem(rsa, PrivateFormat.TraditionalOpenSSL, b"secret"))
    write("public-key.pem", server.key_pem.replace(b"PRIVATE", b"PUBLIC"))
    write("server.der", server.certificate.public_bytes(Encoding.DER))
    write("empty.pem", b"")
    write("words.pem", b"this is no certificate\n")
    write("cut.pem", server.pem[: len(server.pem) // 2])
    write("cut-key.pem", server.key_pem[: len(server.key_pem) // 2])
    head, body, tail = b"-----BEGIN %s-----\n", b"AAAA\n", b"-----END %s-----\n"
    write("damaged.pem", head % b"CERTIFICATE", body, tail % b"CERTIFICATE")
    write("damaged-key.pem", head % b"PRIVATE KEY", body, tail % b"PRIVATE KEY")
    write("damaged-second.pem", server.pem, (folder / "damaged.pem").read_bytes())
    write("ca-damaged-second.pem", ca.pem, (folder / "damaged.pem").read_bytes())
    write("crl.pem", head % b"X509 CRL", body, tail % b"X509 CRL")
    write("trusted.pem", server.pem.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"))
    (folder / "unreadable").mkdir()
