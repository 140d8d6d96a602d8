"""Splits, metrics and statistics."""
