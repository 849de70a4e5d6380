"""Recipes of `unpaired train --recipe NAME`, a YAML file each; `apps/recipe.py` reads them."""
