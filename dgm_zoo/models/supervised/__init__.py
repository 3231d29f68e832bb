"""Supervised models: the classifier that evaluates samples of other models."""
