"""Messages on the wire: publishing, subscribing, services (`micro`), traces, measuring."""
