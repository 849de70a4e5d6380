"""Looking at clips before training."""
