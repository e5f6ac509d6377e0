"""Key-value buckets: their streams, values, reading and writing, screens.

For the commands of `pynats kv`, and of `pynats object` what all buckets have in common.
"""
