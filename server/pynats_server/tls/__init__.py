"""TLS of clients: `options` is what can be configured, `pem` and `plan` read the files into what an
engine needs, `suites` has the names of ciphers and groups, `arrival` is the way of a client from its
first byte to the protocol, `watch` looks for changed files."""
