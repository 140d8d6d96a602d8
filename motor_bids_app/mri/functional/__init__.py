"""Resting-state bold: cleaned, moved once, ready for connectivity; arrays in, arrays out."""
