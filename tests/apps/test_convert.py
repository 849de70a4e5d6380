"""`unpaired convert`, `image_convert.py` and `unpaired export` with a small untrained model."""
