"""The model that trains a student by its teacher."""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.distillation.transfer import loss_of
from fastkeras.metrics import Mean
from fastkeras.models import Model
from fastkeras.saving import objects
from fastkeras.utils import nest


class Distiller(Model):
    """Trains `student` to give the targets and to be like `teacher`, which is frozen. As a model it is the student.

    teacher, student: models of the same inputs and outputs, for LogitsDistillation both giving logits. distillation_losses: a
    DistillationLoss or a list of them; distillation_loss_weights: a factor for each, 1 by default. student_loss_weight: share
    of the loss of the targets in the total, from 0 to 1; what is left is the share of the losses of distillation.

    `compile` takes the loss of the targets. The metrics student_loss, distillation_loss and total_loss are shown.
    ValueError for models that do not fit each other or a loss.
    """

    _untracked = Model._untracked | {'_teacher_parts', '_student_parts'}    # their layers are those of the models

    def __init__(self, teacher: Any, student: Any, distillation_losses: Any, distillation_loss_weights: Any = None,
                 student_loss_weight: float = 0.5, name: str = 'distiller', **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        if isinstance(student_loss_weight, bool) or not isinstance(student_loss_weight, (int, float)) or not (
                0 <= student_loss_weight <= 1):
            raise ValueError(f'Distiller: student_loss_weight: expected a number from 0 to 1, got {student_loss_weight!r}')
        if distillation_losses is None:
            raise ValueError('Distiller: distillation_losses: expected a DistillationLoss, such as LogitsDistillation(), or a '
                             'list of them, got None')
        listed = nest.to_list(distillation_losses)
        weights = [1.0] * len(listed) if distillation_loss_weights is None else nest.to_list(distillation_loss_weights)
        if len(weights) != len(listed):
            raise ValueError(f'Distiller: distillation_loss_weights: expected one for each of {len(listed)} losses, got '
                             f'{len(weights)}')
        for loss in listed:
            loss.validate_model_compatibility(teacher, student)
        teacher.trainable = False
        self.teacher, self.student = teacher, student
        self.distillation_losses, self.distillation_loss_weights = listed, weights
        self.student_loss_weight = student_loss_weight
        self._teacher_parts = _parts(teacher, [getattr(loss, 'teacher_layer_name', None) for loss in listed])
        self._student_parts = _parts(student, [getattr(loss, 'student_layer_name', None) for loss in listed])
        self.student_loss_tracker = Mean(name='student_loss')
        self.distillation_loss_tracker = Mean(name='distillation_loss')
        self.total_loss_tracker = Mean(name='total_loss')

    def compile(self, optimizer: Any = 'adam', loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """Settle the training of the student. loss: that of its targets, nested as they are. The rest: as Model.compile."""
        if loss is None:
            raise ValueError('Distiller.compile: loss: expected the loss of the targets, got None')
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise ValueError(f'Distiller.compile: metrics: expected a list, got {metrics!r}')
        loss_of(loss, 'Distiller.compile')
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: Any = None, **kwargs: Any) -> Any:
        """The outputs of the student."""
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Any:
        """student_loss_weight times the loss of the targets, and the losses of distillation, times their weights, for the
        rest. sample_weight counts in the loss of the targets."""
        if y_pred is None:
            y_pred = self(x, training=training)
        share, of_targets, of_teacher = self.student_loss_weight, 0.0, 0.0
        if share > 0 and y is not None:
            of_targets = self._compiled_loss(y, y_pred, sample_weight)
        if share < 1:
            for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights):
                of_teacher = of_teacher + weight * self._distance(loss, x, y_pred, training)
        total = of_targets * share + of_teacher * (1.0 - share)
        for penalty in self.student.losses:
            total = total + penalty
        for tracker, value in ((self.student_loss_tracker, of_targets), (self.distillation_loss_tracker, of_teacher),
                               (self.total_loss_tracker, total)):
            tracker.update_state(value)
        return total

    def _distance(self, loss, x, y_pred, training):
        name = getattr(loss, 'teacher_layer_name', None)
        teacher = (self.teacher if name is None else self._teacher_parts[name])(x, training=False)
        name = getattr(loss, 'student_layer_name', None)
        student = y_pred if name is None else self._student_parts[name](x, training=training)
        teacher = nest.map_structure(ops.stop_gradient, teacher)
        loss.validate_outputs(teacher, student)
        value = loss.compute_loss(teacher, student)
        if getattr(value, 'shape', ()) != ():
            raise ValueError(f'{type(loss).__name__}.compute_loss: expected a scalar, got shape {tuple(value.shape)}')
        return value

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with both models."""
        return {'name': self.name, 'trainable': self.trainable, 'teacher': objects.serialize_keras_object(self.teacher),
                'student': objects.serialize_keras_object(self.student),
                'distillation_losses': [objects.serialize_keras_object(loss) for loss in self.distillation_losses],
                'distillation_loss_weights': list(self.distillation_loss_weights),
                'student_loss_weight': self.student_loss_weight}

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The distiller of a configuration, with new weights."""
        config = dict(config)
        for name in ('teacher', 'student'):
            config[name] = objects.deserialize_keras_object(config[name], custom_objects)
        config['distillation_losses'] = [objects.deserialize_keras_object(one, custom_objects)
                                         for one in config['distillation_losses']]
        return cls(**config)


def _check_models(teacher, student):
    for role, model in (('teacher', teacher), ('student', student)):
        if not isinstance(model, Model):
            raise ValueError(f'Distiller: {role}: expected a Model, got {type(model).__name__}')
    for what in ('inputs', 'outputs'):
        a, b = getattr(teacher, what), getattr(student, what)
        if a is None or b is None:
            continue
        if len(a) != len(b):
            raise ValueError(f'Distiller: expected teacher and student of as many {what}, got {len(a)} and {len(b)}')
        for s, t in zip(a, b):
            if len(s.shape) != len(t.shape) or any(None not in (m, n) and m != n for m, n in zip(s.shape, t.shape)):
                raise ValueError(f'Distiller: expected teacher and student of {what} of the same shapes, got {s.shape} '
                                 f'and {t.shape}')
            if s.dtype != t.dtype:
                raise ValueError(f'Distiller: expected teacher and student of {what} of the same type, got {s.dtype} '
                                 f'and {t.dtype}')


def _parts(model, names):
    """name → the model up to that layer."""
    return {name: Model(model.inputs if len(model.inputs) > 1 else model.inputs[0], model.get_layer(name).output)
            for name in names if name is not None}

