"""The participant level: from the images and recordings of one person to derivatives."""
