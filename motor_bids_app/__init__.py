"""Predict motor impairment after stroke from a BIDS dataset, and say how well."""

__version__ = "0.2.0"
