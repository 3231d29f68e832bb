"""Two-domain models (ADA, CycleGAN) and predictability minimisation (PM)."""
