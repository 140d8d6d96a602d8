"""The analysis levels: the only code that reads, computes and saves."""
