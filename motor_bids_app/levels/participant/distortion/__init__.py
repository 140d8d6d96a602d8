"""Distortion of an echo-planar series of one participant: what shows it is read and used."""
