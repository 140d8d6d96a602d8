"""Preprocessing of MR images: images in, images out."""
