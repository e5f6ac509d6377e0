OK: int
TRUNCATED: int
DEPTH: int
VALUE: int
KEY: int
AFTER_KEY: int
AFTER_MEMBER: int
AFTER_ELEMENT: int
STRING: int
ESCAPE: int
NUMBER: int
LITERAL: int
DEPTH_MAX: int

def skip_space(body: bytes, at: int) -> int: ...
def scan(body: bytes, at: int) -> tuple[int, int]: ...
def elements(body: bytes, at: int) -> list[tuple[int, int]]: ...
def members(body: bytes, at: int) -> list[tuple[int, int, int, int]]: ...
