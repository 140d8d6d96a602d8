"""Diffusion MRI: denoising, motion, tensor maps."""
