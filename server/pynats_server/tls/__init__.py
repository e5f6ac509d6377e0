"""TLS: `options` is what can be configured, `pem` and `plan` read the files into what an engine
needs, `suites` has the names of ciphers and groups; `force` is what new connections get, `watch`
looks for changed files."""
