"""Music: generators of phrases of several tracks."""
