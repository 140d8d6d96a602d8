"""T1w, T2w and FLAIR: read, preprocess, save."""
