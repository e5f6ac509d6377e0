"""What can be looked up without a server: examples, error codes, schemas."""
