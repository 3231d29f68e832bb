"""Evaluation metrics, each reported with its protocol and its uncertainty."""

from dgm_zoo.metrics.codes import aggregate_posterior, code_error, codes_and_prior
from dgm_zoo.metrics.equilibrium import consistency
from dgm_zoo.metrics.evidence import active_units, bound_terms, factorised, log_likelihood
from dgm_zoo.metrics.features import Extractor, extractor, inception_v3, keras_application, pca
from dgm_zoo.metrics.helmholtz import helmholtz_evidence, log_partition
from dgm_zoo.metrics.independence import (
    constant_units,
    distinct_codes,
    factorial,
    pairwise_information,
    refitted_error,
)
from dgm_zoo.metrics.manifolds import density_coverage, precision_recall
from dgm_zoo.metrics.modes import mode_coverage
from dgm_zoo.metrics.music import music_quality
from dgm_zoo.metrics.phrases import nearest_distances, phrase_features, shuffled_tracks
from dgm_zoo.metrics.quality import least_samples, sample_quality
from dgm_zoo.metrics.reference import Reference, load_reference
from dgm_zoo.metrics.scores import (
    conditional_accuracy,
    frechet_distance,
    frechet_of_moments,
    inception_score,
    kernel_distance,
)
from dgm_zoo.metrics.segmentation import intersection_over_union, segmentation_iou
from dgm_zoo.metrics.translation import counterpart_error, retrieval, share

__all__ = [
    "Extractor",
    "Reference",
    "active_units",
    "aggregate_posterior",
    "bound_terms",
    "code_error",
    "codes_and_prior",
    "conditional_accuracy",
    "consistency",
    "constant_units",
    "counterpart_error",
    "density_coverage",
    "distinct_codes",
    "extractor",
    "factorial",
    "factorised",
    "frechet_distance",
    "frechet_of_moments",
    "helmholtz_evidence",
    "inception_score",
    "inception_v3",
    "intersection_over_union",
    "keras_application",
    "kernel_distance",
    "least_samples",
    "load_reference",
    "log_likelihood",
    "log_partition",
    "mode_coverage",
    "music_quality",
    "nearest_distances",
    "pairwise_information",
    "pca",
    "phrase_features",
    "precision_recall",
    "refitted_error",
    "retrieval",
    "sample_quality",
    "segmentation_iou",
    "shuffled_tracks",
    "share",
]
