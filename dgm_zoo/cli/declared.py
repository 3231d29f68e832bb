"""Names that the sources of the package declare, read without importing them, since that takes TensorFlow."""

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def models() -> list[str]:
    """Returns the names of the registered models, sorted; of the running process if it has imported them."""
    return _names("dgm_zoo.core.registry", "MODELS", PACKAGE / "models", "register_model")


def measures() -> list[str]:
    """Returns the names of the registered measures, sorted; of the running process if it has imported them."""
    return _names("dgm_zoo.training.measures", "MEASURES", PACKAGE / "training" / "measures", "Measure")


def _names(module, table, folder, function):
    """Returns the keys of a module's table, or the first arguments of the calls of `function` that would fill it.

    A process that has imported the module may have registered more, from a user's own files.
    """
    loaded = getattr(sys.modules.get(module), table, {})
    calls = [
        node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    ]
    firsts = [call.args[0] for call in calls if call.args]
    written = {one.value for one in firsts if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return sorted({*written, *loaded})
