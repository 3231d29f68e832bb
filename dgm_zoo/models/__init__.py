"""One file per system: its players, its train_step, its samplers."""

from dgm_zoo.models.aacvae import AACVAE
from dgm_zoo.models.aae import AAE
from dgm_zoo.models.aasvae import AASVAE
from dgm_zoo.models.aavae import AAVAE
from dgm_zoo.models.activation import Activated
from dgm_zoo.models.ae import AE
from dgm_zoo.models.base import GenerativeModel
from dgm_zoo.models.bihm import BiHM
from dgm_zoo.models.cgan import CGAN
from dgm_zoo.models.classifier import Classifier
from dgm_zoo.models.comparison import compare
from dgm_zoo.models.cvae import CVAE
from dgm_zoo.models.gan import GAN
from dgm_zoo.models.helmholtz import HelmholtzMachine
from dgm_zoo.models.hsymvae import HierarchicalSymmetricVAE
from dgm_zoo.models.hvae import HierarchicalVAE
from dgm_zoo.models.infogan import Codes, InfoGAN
from dgm_zoo.models.iwae import IWAE
from dgm_zoo.models.iwcgan import IWCGAN
from dgm_zoo.models.iwgan import IWGAN
from dgm_zoo.models.registry import create, formulation_of, list_formulations, list_models, model_class
from dgm_zoo.models.rws import RWS
from dgm_zoo.models.segvae import SegmentationVAE
from dgm_zoo.models.ssaae import SSAAE
from dgm_zoo.models.ssymvae import SemiSupervisedSymmetricVAE
from dgm_zoo.models.svae import SVAE
from dgm_zoo.models.symvae import SymmetricVAE
from dgm_zoo.models.vae import VAE
from dgm_zoo.models.vaegan import VAEGAN

__all__ = [
    "AACVAE",
    "AAE",
    "AASVAE",
    "AAVAE",
    "AE",
    "Activated",
    "BiHM",
    "CGAN",
    "CVAE",
    "Classifier",
    "Codes",
    "GAN",
    "IWAE",
    "IWCGAN",
    "IWGAN",
    "RWS",
    "SSAAE",
    "SVAE",
    "VAE",
    "VAEGAN",
    "GenerativeModel",
    "HelmholtzMachine",
    "HierarchicalSymmetricVAE",
    "HierarchicalVAE",
    "InfoGAN",
    "SegmentationVAE",
    "SemiSupervisedSymmetricVAE",
    "SymmetricVAE",
    "compare",
    "create",
    "formulation_of",
    "list_formulations",
    "list_models",
    "model_class",
]
