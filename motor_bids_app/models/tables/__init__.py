"""Models of tables and kernels, and what is fitted around them."""
