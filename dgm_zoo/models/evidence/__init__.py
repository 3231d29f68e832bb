"""Auto-encoders and models that maximise an evidence bound, some with a discriminator that weights it."""
