"""`python -m dgm_zoo.cli`, for use if the console script is not on the path."""

from dgm_zoo.cli.main import console

console()
