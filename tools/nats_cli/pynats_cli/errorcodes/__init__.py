"""The error codes of servers: what each means, and files of them that developers of servers keep."""
