"""What is drawn, one widget a file; every one draws its own lines."""
