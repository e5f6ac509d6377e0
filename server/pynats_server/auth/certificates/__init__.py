"""Users that a TLS certificate names (`tls { verify_and_map }`)."""

from pynats_server.auth.certificates.login import CertificateLogin

__all__ = ["CertificateLogin"]
