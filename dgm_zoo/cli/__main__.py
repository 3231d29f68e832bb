"""`python -m dgm_zoo.cli`, for where the console script is not on the path."""

import sys

from dgm_zoo.cli.main import main

sys.exit(main())
