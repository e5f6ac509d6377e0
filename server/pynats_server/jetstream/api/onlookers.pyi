from collections.abc import Callable
from typing import Any

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine

WHOLE_API: bytes

class Onlookers:
    def __init__(self, engine: Engine, who: Callable[[Any, Account, bool], bytes]) -> None: ...
    @property
    def account(self) -> Account | None: ...
    def gather(self, account: Account | None) -> None: ...
