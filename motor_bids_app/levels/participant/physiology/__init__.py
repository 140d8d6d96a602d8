"""EEG and EMG: read, preprocess, save."""
