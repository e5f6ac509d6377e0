"""TLS: `options` is what can be configured, `pem` and `plan` read the files into what an engine
needs, `suites` has the names of ciphers and groups, `engine` makes contexts of it; `force` is what
new connections get, `peer` what is known of who comes. Nothing of an engine is loaded before a
configuration has TLS."""
