"""`python -m dgm_zoo`, for use if the command `dgm-zoo` is not on the path."""

from dgm_zoo.cli.main import console

console()
