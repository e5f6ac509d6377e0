"""What a stream's consumers are and do, without a change of them."""
