"""What reports call the models."""

LABELS = {
    "prevalence": "Base rate only",
    "nuisance": "Missing values, image quality and site (no biology)",
    "demographics": "Age, sex and time since stroke",
    "persistence": "Baseline score",
    "lesion_volume": "Lesion volume",
    "tract_load": "Lesion load of the corticospinal tract",
    "combined": "Age, sex, time, lesion volume and tract load together",
    "regional": "Regional features and asymmetries (elastic net)",
    "rbf": "Radial kernel machine on all columns",
    "boosting": "Gradient-boosted trees on all columns",
    "kernel_demographics": "All voxels of the maps, age, sex and time (linear kernel machine)",
    "kernel": "All voxels of the maps (linear kernel machine)",
    "karakis2023": "3D residual network (Karakis et al. 2023)",
    "cbam2025": "3D attention networks, one per map, averaged (cbam2025)",
    "physiology": "Features of EEG and EMG (elastic net)",
    "signals": "LSTM on windows of EEG and EMG",
    "slices": "2D network on slices of the bold",
    "shi2025": "Slices of the bold, EEG and EMG, fused late (Shi et al. 2025)",
    "gao2025": "3D network on sliding windows of connectivity (Gao et al. 2025)",
}
