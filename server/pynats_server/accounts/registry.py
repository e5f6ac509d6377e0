"""The accounts of one server, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pynats_server.core.account import Account
from pynats_server.options import GLOBAL_ACCOUNT, Options


class AccountRegistry(Mapping[str, Account]):
    """`$G` and the system account exist always; the others while the options name them."""

    def __init__(self, options: Options) -> None:
        self._accounts: dict[str, Account] = {}
        self.add(options)
        self.global_account = self._accounts[GLOBAL_ACCOUNT]
        self.system_account = self._accounts[options.system_account_name]

    def __getitem__(self, name: str) -> Account:
        return self._accounts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def add(self, options: Options) -> None:
        """Makes the accounts that the options name and that do not exist yet."""
        system = options.system_account_name
        for name in (GLOBAL_ACCOUNT, system, *options.accounts):
            if name not in self._accounts:
                cached = not options.disable_sublist_cache
                self._accounts[name] = Account(name, cached, name == system)

    def surplus(self, options: Options) -> list[Account]:
        """The accounts that the options do not name (any more)."""
        kept = {GLOBAL_ACCOUNT, self.system_account.name, *options.accounts}
        return [account for name, account in self._accounts.items() if name not in kept]

    def remove(self, options: Options) -> None:
        """Forgets the surplus accounts; their clients have been sent away by then."""
        for account in self.surplus(options):
            del self._accounts[account.name]
