"""What reports call the models."""

LABELS = {
    "prevalence": "Nothing but the share of poor outcomes",
    "demographics": "Age, sex and time since stroke",
    "persistence": "Baseline score (persistence)",
    "lesion_volume": "Lesion volume",
    "tract_load": "Lesion load of the corticospinal tract",
    "regional": "Regional features and asymmetries (elastic net)",
    "kernel": "All voxels of the maps (linear kernel machine)",
    "karakis2023": "3D residual network (Karakis et al. 2023)",
    "cbam2025": "3D attention networks, one per map, averaged (cbam2025)",
    "physiology": "Features of EEG and EMG (elastic net)",
    "signals": "LSTM on windows of EEG and EMG",
    "slices": "2D network on slices of the bold",
    "shi2025": "Slices of the bold, EEG and EMG, fused late (Shi et al. 2025)",
    "gao2025": "3D network on sliding windows of connectivity (Gao et al. 2025)",
}
