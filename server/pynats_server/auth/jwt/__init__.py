"""Log-ins with user JWTs, which accounts sign (operator mode)."""

from pynats_server.auth.jwt.authenticator import JwtAuthenticator

__all__ = ["JwtAuthenticator"]
