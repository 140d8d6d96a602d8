"""Distortion of echo-planar images by the magnetic field of the head: found and undone."""
