"""The experiment schema and the presets."""
