"""Looking at recordings before training."""
