"""What models see: the features table and the stored volumes."""
