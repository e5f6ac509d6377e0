"""Key-value buckets and object stores, as clients build them of streams, consumers and direct gets
(ADR-8, ADR-20): what each request of a client is answered is recorded of the real server."""
