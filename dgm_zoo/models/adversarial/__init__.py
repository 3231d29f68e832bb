"""Models with a discriminator between real and generated examples, in x or in z."""
