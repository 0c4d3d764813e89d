"""A student that learns from a teacher. Numbers by NumPy; those of Keras 3 are in tests/parity."""

import numpy as np
import pytest

from fastkeras import losses, ops
from fastkeras.distillation import DistillationLoss, Distiller, FeatureDistillation, LogitsDistillation
from fastkeras.layers import Dense, Dropout, Input
from fastkeras.models import Model, Sequential
from fastkeras.optimizers import Adam

RNG = np.random.RandomState(0)
X = RNG.randn(30, 4).astype('float32')
Y = np.argmax(X[:, :3], axis=1)


def network(size, name, outputs=3):
    return Sequential([Dense(size, activation='relu', input_shape=(4,), name='h'), Dense(outputs, name='logits')], name=name)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_the_loss():
    teacher, student = network(8, 'teacher'), network(8, 'student')
    distiller = Distiller(teacher, student, [LogitsDistillation(2.0), FeatureDistillation('mse', 'h', 'h')], [1.0, 0.5], 0.3)
    distiller.compile('sgd', losses.SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])
    s, t = student.predict(X), teacher.predict(X)
    targets = -np.mean(np.log(softmax(s)[np.arange(30), Y]))
    p, q = softmax(t / 2), softmax(s / 2)
    logits = 4 * np.mean(np.sum(p * np.log(p / q), axis=1))
    features = np.mean((teacher.layers[0](X) - student.layers[0](X)) ** 2)
    expected = 0.3 * targets + 0.7 * (logits + 0.5 * features)
    found = distiller.evaluate(X, Y, batch_size=30, verbose=0, return_dict=True)
    assert found['loss'] == found['total_loss'] == pytest.approx(expected, rel=1e-4)
    assert found['student_loss'] == pytest.approx(targets, rel=1e-4)
    assert found['distillation_loss'] == pytest.approx(logits + 0.5 * features, rel=1e-4)
    assert found['acc'] == pytest.approx(np.mean(s.argmax(1) == Y), abs=1e-5)


def test_only_the_student_learns():
    teacher = network(16, 'teacher')
    teacher.compile(Adam(0.05), losses.SparseCategoricalCrossentropy(from_logits=True))
    teacher.fit(X, Y, epochs=60, verbose=0)
    before = teacher.get_weights()
    student = network(8, 'student')
    distiller = Distiller(teacher, student, LogitsDistillation(temperature=3.0), student_loss_weight=0.0)
    assert not teacher.trainable and len(distiller.trainable_weights) == 4
    distiller.compile(Adam(0.05), losses.SparseCategoricalCrossentropy(from_logits=True))
    history = distiller.fit(X, Y, epochs=60, verbose=0).history
    assert history['distillation_loss'][-1] < 0.1 * history['distillation_loss'][0]
    assert np.mean(student.predict(X).argmax(1) == teacher.predict(X).argmax(1)) > 0.9
    np.testing.assert_array_equal(distiller.predict(X), student.predict(X))
    for a, b in zip(before, teacher.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_nested_outputs_and_losses_of_ones_own():
    def two(name):
        a = Input((4,))
        return Model(a, [Dense(3, name='one')(a), Dense(2, name='two')(a)], name=name)

    class Squares(DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
            return sum(ops.mean(ops.square(a - b)) for a, b in zip(teacher_outputs, student_outputs))

    teacher, student = two('teacher'), two('student')
    given = [Squares(), FeatureDistillation(['mae', None]), LogitsDistillation(1.0, [None, 'mse'])]
    distiller = Distiller(teacher, student, given, student_loss_weight=0.0)
    distiller.compile('sgd', ['mse', 'mse'])
    (a, b), (c, d) = teacher.predict(X), student.predict(X)
    expected = np.mean((a - c) ** 2) + 2 * np.mean((b - d) ** 2) + np.mean(np.abs(a - c))
    found = distiller.test_on_batch(X, [a, b], return_dict=True)
    assert found['loss'] == pytest.approx(expected, rel=1e-4)


def test_configurations():
    distiller = Distiller(network(8, 'teacher'), network(4, 'student'), [LogitsDistillation(2.5, 'mse'), FeatureDistillation(
        losses.Huber(0.5), 'logits', 'logits')], [1.0, 2.0], 0.25, name='d')
    again = Distiller.from_config(distiller.get_config())
    assert again.name == 'd' and again.student_loss_weight == 0.25 and again.distillation_loss_weights == [1.0, 2.0]
    assert again.distillation_losses[0].temperature == 2.5 and again.distillation_losses[1].student_layer_name == 'logits'
    assert [w.shape for w in again.get_weights()] == [w.shape for w in distiller.get_weights()]
    one = LogitsDistillation.from_config(LogitsDistillation(4.0).get_config())
    assert one.get_config() == LogitsDistillation(4.0).get_config()


class Subclassed(Model):
    def call(self, x):
        return x


@pytest.mark.parametrize('make, words', [
    (lambda t, s: Distiller(t, 'student', LogitsDistillation()), 'student: expected a Model'),
    (lambda t, s: Distiller(t, network(3, 's', 2), LogitsDistillation()), 'of outputs of the same shapes'),
    (lambda t, s: Distiller(t, s, None), 'distillation_losses'),
    (lambda t, s: Distiller(t, s, [LogitsDistillation()], [1.0, 2.0]), 'expected one for each of 1 losses, got 2'),
    (lambda t, s: Distiller(t, s, LogitsDistillation(), student_loss_weight=2), 'from 0 to 1'),
    (lambda t, s: Distiller(t, s, FeatureDistillation('mse', 'g', 'h')), "in the teacher: .*No such layer: 'g'"),
    (lambda t, s: Distiller(t, Subclassed(), FeatureDistillation('mse', None, 'h')), 'no graph'),
    (lambda t, s: LogitsDistillation(0), 'above 0'),
    (lambda t, s: LogitsDistillation(loss=None), 'at least one loss'),
    (lambda t, s: FeatureDistillation([None, None]), 'at least one loss'),
    (lambda t, s: FeatureDistillation('msee'), 'msee'),
    (lambda t, s: Distiller(t, s, LogitsDistillation()).compile('sgd'), 'loss of the targets'),
    (lambda t, s: Distiller(t, s, LogitsDistillation()).compile('sgd', 'mse', metrics='mae'), 'metrics'),
    (lambda t, s: LogitsDistillation().compute_loss([X, X], [X, X]), 'its loss is not'),
    (lambda t, s: DistillationLoss().validate_outputs([X], X), 'same nesting'),
])
def test_what_cannot_be_is_said(make, words):
    with pytest.raises(ValueError, match=words):
        make(network(8, 'teacher'), network(4, 'student'))


def test_a_loss_must_be_a_scalar():
    class Rows(DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
            return ops.mean(teacher_outputs - student_outputs, axis=1)

    distiller = Distiller(network(8, 'teacher'), Sequential([Dense(3, input_shape=(4,)), Dropout(0.1)]), Rows())
    distiller.compile('sgd', 'mse')
    with pytest.raises(ValueError, match='Rows.compute_loss: expected a scalar'):
        distiller.train_on_batch(X, np.eye(3)[Y])
    with pytest.raises(TypeError, match='must define compute_loss'):
        DistillationLoss().compute_loss(X, X)
