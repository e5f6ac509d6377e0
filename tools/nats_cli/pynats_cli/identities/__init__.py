"""Operators, accounts and users of the store that `nsc` has, as `pynats auth` changes them."""
