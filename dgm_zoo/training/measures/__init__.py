"""Measures of a trained model, as numbers or pictures: one file declares each measure.

This module imports every file of this folder, which registers its measures, so that a new measure needs only a new
file; `docs/add_a_measure.md` has the steps. `training.measure` holds the loops over the table `MEASURES`.
"""

import importlib
import pkgutil

from dgm_zoo.training.measures.base import MEASURES, Context, Measure, register_measure

for _file in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_file.name)

__all__ = ["MEASURES", "Context", "Measure", "register_measure"]
