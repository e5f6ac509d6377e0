"""Rows about consumers, and about what clients build on them: key-value buckets and objects."""
