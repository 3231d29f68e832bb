"""What is measured of a trained model, and drawn: one file for each measure, which declares it.

Every file of this folder is imported here and registers its measures, so that a new one is one new file and nothing
else; `docs/add_a_measure.md` has the steps. `training.measure` holds the loops over the table `MEASURES`.
"""

import importlib
import pkgutil

from dgm_zoo.training.measures.base import MEASURES, Context, Measure, register_measure

for _file in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_file.name)

__all__ = ["MEASURES", "Context", "Measure", "register_measure"]
