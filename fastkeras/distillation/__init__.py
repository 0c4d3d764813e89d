"""Knowledge distillation: a small model learns from a large one (Hinton, Vinyals and Dean 2015)."""

from fastkeras.distillation.distiller import Distiller
from fastkeras.distillation.transfer import DistillationLoss, FeatureDistillation, LogitsDistillation

__all__ = ['DistillationLoss', 'Distiller', 'FeatureDistillation', 'LogitsDistillation']
