"""Models that learn labels: the classifier by which samples are judged."""
