"""Whether searches answer what they can and say so when nothing fits."""
