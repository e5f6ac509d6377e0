"""The one kind of failure that commands raise on purpose."""


class StoreError(Exception):
    """An error and a hint what to do next. Never contains secrets."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message
