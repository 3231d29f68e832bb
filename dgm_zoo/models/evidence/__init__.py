"""Auto-encoders and models that ascend an evidence bound, also with a discriminator that weighs it."""
