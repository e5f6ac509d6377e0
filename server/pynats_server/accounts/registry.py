"""The accounts of one server, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pynats_server.core.account import Account
from pynats_server.options import GLOBAL_ACCOUNT, Options


class AccountRegistry(Mapping[str, Account]):
    """`$G` and the system account always exist; the others exist while the options name them.

    Where the options want no system account, it is an object that nobody finds by name."""

    def __init__(self, options: Options) -> None:
        self._accounts: dict[str, Account] = {}
        self._claimed: set[str] = set()  # those of operator mode, which no options name
        cached = not options.disable_sublist_cache
        self.system_account = Account(options.system_account_name, cached, True)
        self.add(options)
        self.global_account = self._accounts[GLOBAL_ACCOUNT]

    def __getitem__(self, name: str) -> Account:
        return self._accounts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def add(self, options: Options) -> None:
        """Makes the accounts that the options name and that do not exist yet. A system account that
        there is only for JetStream comes and goes with it: it never has a client."""
        cached = not options.disable_sublist_cache
        if options.has_system_account:
            self._accounts[self.system_account.name] = self.system_account
        else:
            self._accounts.pop(self.system_account.name, None)
        for name in (GLOBAL_ACCOUNT, *options.accounts):
            if name not in self._accounts:
                self._accounts[name] = Account(name, cached)

    def claim(self, name: str, options: Options) -> Account:
        """The account of operator mode with that key, made if it does not exist yet."""
        self._claimed.add(name)
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = Account(name, not options.disable_sublist_cache)
        return found

    def configured(self) -> dict[str, Account]:
        """Without those of operator mode, of which there may be very many."""
        return {name: each for name, each in self._accounts.items() if name not in self._claimed}

    def surplus(self, options: Options) -> list[Account]:
        """The accounts that the options no longer name."""
        kept = {GLOBAL_ACCOUNT, self.system_account.name, *options.accounts}
        return [account for name, account in self.configured().items() if name not in kept]

    def remove(self, options: Options) -> list[Account]:
        """Forgets the surplus accounts, and returns them. Their clients must be disconnected
        before."""
        gone = self.surplus(options)
        for account in gone:
            del self._accounts[account.name]
            account.close()
        return gone
