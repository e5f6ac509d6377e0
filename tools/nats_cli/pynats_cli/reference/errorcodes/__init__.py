"""The error codes of servers: what each means, and files of them as developers keep them."""
