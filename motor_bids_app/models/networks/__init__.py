"""Neural networks, and the estimators that hold them."""
