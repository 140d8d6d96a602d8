"""Models of many samples per scan: windows of series and signals, slices, and their fusion."""
