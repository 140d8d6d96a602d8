"""Names, files, scores and validation of BIDS datasets."""
