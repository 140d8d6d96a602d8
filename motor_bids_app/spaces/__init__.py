"""Standard spaces, grids, transforms and atlases."""
