"""Log-ins with the tokens of OpenID Connect providers (docs/guides/oidc.md)."""

from pynats_server.auth.oidc.login import OidcLogin

__all__ = ["OidcLogin"]
