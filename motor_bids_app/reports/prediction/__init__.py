"""Pages of a model applied to people."""
