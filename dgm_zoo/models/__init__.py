"""One file per system: its players, its train_step, its samplers."""

from dgm_zoo.models.ae import AE
from dgm_zoo.models.base import GenerativeModel
from dgm_zoo.models.cvae import CVAE
from dgm_zoo.models.iwae import IWAE
from dgm_zoo.models.registry import create, list_models, model_class
from dgm_zoo.models.vae import VAE

__all__ = ["AE", "CVAE", "IWAE", "VAE", "GenerativeModel", "create", "list_models", "model_class"]
