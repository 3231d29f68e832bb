"""Models with a discriminator that tells real from generated, in x or in z."""
