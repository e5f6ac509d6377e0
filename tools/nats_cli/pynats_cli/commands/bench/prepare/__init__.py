"""What a benchmark needs at the server before its clients begin: streams, consumers, buckets."""
