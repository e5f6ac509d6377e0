"""What figures prove: ratios and how sure they are, and whether others disturbed the machine."""
