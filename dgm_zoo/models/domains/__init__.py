"""Models of two domains, and predictability minimisation: ADA, CycleGAN, PM."""
