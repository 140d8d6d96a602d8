"""Diffusion that another tool has finished: its maps, or its series fitted, placed by the head."""
