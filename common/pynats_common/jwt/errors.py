"""Errors of tokens. The decoders of this package raise only these."""


class JwtError(ValueError):
    """Base of every error raised by `pynats_common.jwt`."""


class MalformedTokenError(JwtError):
    """Not three base64url parts of JSON, or larger than allowed."""


class UnsupportedTokenError(JwtError):
    """A well-formed token of an unknown algorithm, type or version."""


class SignatureError(JwtError):
    """The signature was not made by the issuer that the token names."""


class IssuerError(JwtError):
    """This kind of claim may not be issued by this kind of key, or for this kind of subject."""


class ClaimsError(JwtError):
    """A field has the wrong JSON type; the message names its path."""
