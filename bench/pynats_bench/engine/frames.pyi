class Frames:
    """What the publishes of some clients have in common; see `frames.pyx`."""

    def __init__(
        self,
        subject: bytes,
        payload: bytes,
        headers: bytes = b"",
        width: int = -1,
        modulus: int = 0,
        randomized: bool = False,
        time_at: int = -1,
    ) -> None: ...
