"""EEG and EMG: recordings in, recordings out."""
