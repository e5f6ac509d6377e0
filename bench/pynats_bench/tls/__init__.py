"""What TLS costs, without sockets and without a broker."""
