"""Errors of keys. Messages never contain key material."""


class NkeyError(ValueError):
    """Base of every error raised by `pynats_common.nkeys`."""


class InvalidEncodingError(NkeyError):
    """The text is not canonical, unpadded, upper-case base32."""


class InvalidPrefixError(NkeyError):
    """The first letter names no known kind of key."""


class InvalidSeedError(NkeyError):
    """The text is not a seed, or a seed of an unknown kind."""


class InvalidChecksumError(NkeyError):
    """The two bytes at the end do not match the rest of the key."""


class InvalidKeyLengthError(NkeyError):
    """The checksum holds, but the key inside has the wrong number of bytes."""


class IncompatibleKeyError(NkeyError):
    """The key is valid but of another kind than the operation needs."""


class PublicKeyOnlyError(NkeyError):
    """The operation needs the private half, and only the public half is here."""


class CannotSignError(NkeyError):
    """Curve keys seal and open; they do not sign."""


class CannotSealError(NkeyError):
    """Only curve keys can seal."""


class CannotOpenError(NkeyError):
    """Only curve keys can open; also raised when a sealed box is damaged or for someone else."""


class InvalidSignatureError(NkeyError):
    """The signature does not belong to this data and key."""


class WipedKeyError(NkeyError):
    """The private half was erased with `wipe()`."""
