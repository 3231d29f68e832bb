"""`python -m dgm_zoo.cli`, for use if the console script is not on the path."""

import sys

from dgm_zoo.cli.main import main

sys.exit(main())
