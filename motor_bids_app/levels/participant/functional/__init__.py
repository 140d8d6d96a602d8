"""Resting-state bold: read, preprocess, save."""
