"""What a student is to have in common with its teacher, as losses."""

from __future__ import annotations

from typing import Any

from fastkeras import losses, ops
from fastkeras.saving import objects
from fastkeras.utils import nest


def loss_of(given: Any, owner: str) -> Any:
    """A loss, or a nesting of losses, of names, functions, Losses and None. ValueError for an unknown name."""
    made = _losses(given)
    if all(one is None for one in nest.flatten(made)):
        raise ValueError(f'{owner}: expected at least one loss, got {given!r}')
    return made


def _losses(given):
    if isinstance(given, dict) and 'class_name' not in given:
        return {k: _losses(v) for k, v in given.items()}
    return type(given)(map(_losses, given)) if isinstance(given, (list, tuple)) else losses.get(given)


def apart(loss: Any, first: Any, second: Any, owner: str) -> Any:
    """Pairs ((loss, a, b), …) of corresponding leaves; ValueError where the nestings differ."""
    if isinstance(loss, (list, tuple, dict)):
        keys = list(loss) if isinstance(loss, dict) else range(len(loss))
        for other in (first, second):
            if isinstance(other, dict) != isinstance(loss, dict) or not isinstance(other, (list, tuple, dict)) or (
                    set(other) != set(loss) if isinstance(loss, dict) else len(other) != len(loss)):
                raise ValueError(f'{owner}: expected outputs in the nesting of its losses, {loss!r:.80}, got {other!r:.80}')
        return [row for k in keys for row in apart(loss[k], first[k], second[k], owner)]
    if nest.is_nest(first) or nest.is_nest(second):
        raise ValueError(f'{owner}: the outputs are nested and its loss is not: give one loss, or None, for each of '
                         f'{len(nest.flatten(first))} outputs')
    return [(loss, first, second)]


class DistillationLoss:
    """Base of losses between a teacher and a student. A class of one's own defines `compute_loss`."""

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """A scalar for the outputs of both, tensors or nestings of them."""
        raise TypeError(f'{type(self).__name__} must define compute_loss(self, teacher_outputs, student_outputs)')

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """ValueError where the outputs of both are not nested alike."""
        a, b = (nest.map_structure(lambda _: None, outputs) for outputs in (teacher_outputs, student_outputs))
        if a != b:
            raise ValueError(f'{type(self).__name__}: expected outputs of teacher and student in the same nesting, got '
                             f'{teacher_outputs!r:.80} and {student_outputs!r:.80}')

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """ValueError where the models do not suit this loss."""


class FeatureDistillation(DistillationLoss):
    """The outputs of a layer of the student become like those of a layer of the teacher (Romero et al. 2015).

    loss: a name, function or Loss, or a nesting of them, None for what does not count, as the layers' outputs are nested.
    teacher_layer_name, student_layer_name: layers of models with a graph; by default the outputs of the models.
    """

    def __init__(self, loss: Any = 'mse', teacher_layer_name: str | None = None, student_layer_name: str | None = None) -> None:
        self.loss = loss_of(loss, 'FeatureDistillation')
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """ValueError where a model has no such layer, or no graph to find it in."""
        for role, model, name in (('teacher', teacher, self.teacher_layer_name), ('student', student, self.student_layer_name)):
            if name is None:
                continue
            if model.inputs is None:
                raise ValueError(f'FeatureDistillation: the {role} {model.name!r} has no graph in which to find the layer '
                                 f'{name!r}; use a Sequential or functional model, or no names of layers')
            try:
                model.get_layer(name)
            except ValueError as error:
                raise ValueError(f'FeatureDistillation: in the {role}: {error}') from None

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """ValueError where the outputs of both, or the losses, are not nested alike."""
        super().validate_outputs(teacher_outputs, student_outputs)
        apart(self.loss, teacher_outputs, student_outputs, 'FeatureDistillation')

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum, over the outputs, of the mean of the loss between them."""
        rows = apart(self.loss, teacher_outputs, student_outputs, 'FeatureDistillation')
        return sum((ops.mean(loss(a, b)) for loss, a, b in rows if loss is not None), 0.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {'loss': nest.map_structure(_written, self.loss), 'teacher_layer_name': self.teacher_layer_name,
                'student_layer_name': self.student_layer_name}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The loss of a configuration."""
        return cls(**config)


class LogitsDistillation(DistillationLoss):
    """The student's logits become like the teacher's, both divided by a temperature (Hinton, Vinyals and Dean 2015).

    temperature: above 0; higher ones tell more of the classes that are not the first. loss: as for FeatureDistillation. The
    divergence of Kullback and Leibler is taken between their softmaxes, times temperature², so that gradients keep their size;
    any other loss gets the divided logits themselves.
    """

    def __init__(self, temperature: float = 3.0, loss: Any = 'kl_divergence') -> None:
        if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or not temperature > 0:
            raise ValueError(f'LogitsDistillation: temperature: expected a number above 0, got {temperature!r}')
        self.temperature = temperature
        self.loss = loss_of(loss, 'LogitsDistillation')

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum over the outputs of the losses between them."""
        total = 0.0
        for loss, a, b in apart(self.loss, teacher_outputs, student_outputs, 'LogitsDistillation'):
            if loss is None:
                continue
            a, b = a / self.temperature, b / self.temperature
            if losses.loss_function(loss) is losses.kullback_leibler_divergence:
                total = total + ops.mean(loss(ops.softmax(a, axis=-1), ops.softmax(b, axis=-1))) * self.temperature ** 2
            else:
                total = total + ops.mean(loss(a, b))
        return total

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {'temperature': self.temperature, 'loss': nest.map_structure(_written, self.loss)}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The loss of a configuration."""
        return cls(**config)


def _written(loss):
    return None if loss is None else losses.serialize(loss)


objects.add_family('distillation', {c.__name__: c for c in (DistillationLoss, FeatureDistillation, LogitsDistillation)})
