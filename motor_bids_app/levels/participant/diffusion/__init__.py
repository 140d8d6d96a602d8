"""Diffusion: read, preprocess, save."""
