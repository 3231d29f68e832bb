"""TFDS builders for data sets that TFDS lacks: one file each, and one entry in `registry.py`."""
