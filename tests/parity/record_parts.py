"""Write the numbers that tests/ compare losses, metrics, regularizers, constraints and optimizers with.

Run it in an environment with the Keras to be recorded, from this folder: `python record_parts.py keras2.2.4` with
Keras 2.2.4 on a TensorFlow 1 graph, or `python record_parts.py keras3` with Keras 3. Inputs are in the file too.
"""

import json
import sys

import numpy as np


def inputs():
    rng = np.random.RandomState(7)
    p = rng.uniform(0.02, 0.98, (6, 4))
    return {
        'p': p,
        'shares': p / p.sum(-1, keepdims=True),
        'x': rng.normal(0, 2, (6, 4)),
        'y': rng.normal(0, 2, (6, 4)),
        'one_hot': np.eye(4)[[0, 3, 1, 2, 2, 1]],
        'binary': rng.randint(0, 2, (6, 4)),
        'positive': rng.uniform(0, 3, (6, 4)),
        'labels': np.array([[0], [3], [1], [2], [2], [1]]),
        'signs': rng.randint(0, 2, (6, 4)) * 2 - 1,
        'weights': rng.uniform(0, 2, (6,)),
    }


LOSSES = {
    'mean_squared_error': 'y x',
    'mean_absolute_error': 'y x',
    'mean_absolute_percentage_error': 'y x',
    'mean_squared_logarithmic_error': 'positive p',
    'hinge': 'signs x',
    'squared_hinge': 'signs x',
    'categorical_hinge': 'one_hot x',
    'logcosh': 'y x',
    'kullback_leibler_divergence': 'shares p',
    'poisson': 'positive p',
    'cosine_proximity': 'y x',
    'binary_crossentropy': 'binary p',
    'categorical_crossentropy': 'one_hot p',
    'sparse_categorical_crossentropy': 'labels p',
}
METRICS = {
    'binary_accuracy': 'binary p',
    'categorical_accuracy': 'one_hot p',
    'sparse_categorical_accuracy': 'labels p',
    'top_k_categorical_accuracy': 'one_hot p',
    'sparse_top_k_categorical_accuracy': 'labels p',
}
OPTIMIZERS_2 = [
    ('SGD', {}),
    ('SGD', {'lr': 0.05, 'momentum': 0.9, 'decay': 0.1}),
    ('SGD', {'momentum': 0.8, 'nesterov': True}),
    ('SGD', {'clipnorm': 0.5}),
    ('SGD', {'clipvalue': 0.1}),
    ('RMSprop', {}),
    ('RMSprop', {'lr': 0.01, 'decay': 0.05}),
    ('Adagrad', {}),
    ('Adagrad', {'lr': 0.1, 'decay': 0.01}),
    ('Adadelta', {}),
    ('Adam', {}),
    ('Adam', {'lr': 0.05, 'amsgrad': True, 'decay': 0.02}),
    ('Adam', {'clipnorm': 1.0, 'epsilon': 1e-3}),
    ('Adamax', {}),
    ('Adamax', {'lr': 0.05, 'decay': 0.1}),
    ('Nadam', {}),
    ('Nadam', {'lr': 0.02, 'schedule_decay': 0.1}),
]
OPTIMIZERS_3 = [
    ('SGD', {}),
    ('SGD', {'learning_rate': 0.05, 'momentum': 0.9}),
    ('SGD', {'momentum': 0.8, 'nesterov': True}),
    ('SGD', {'clipnorm': 0.5}),
    ('SGD', {'global_clipnorm': 0.5}),
    ('SGD', {'clipvalue': 0.1, 'weight_decay': 0.1}),
    ('RMSprop', {}),
    ('RMSprop', {'learning_rate': 0.01, 'momentum': 0.5, 'centered': True, 'epsilon': 1e-3}),
    ('Adagrad', {'learning_rate': 0.1}),
    ('Adadelta', {'learning_rate': 1.0}),
    ('Adam', {}),
    ('Adam', {'learning_rate': 0.05, 'amsgrad': True}),
    ('Adam', {'use_ema': True, 'ema_momentum': 0.5, 'ema_overwrite_frequency': 3}),
    ('SGD', {'gradient_accumulation_steps': 3, 'learning_rate': 0.1, 'momentum': 0.9}),
    ('Adamax', {}),
    ('Nadam', {}),
    ('AdamW', {'learning_rate': 0.01}),
    ('Lion', {}),
    ('Lamb', {'learning_rate': 0.01}),
    (
        'Ftrl',
        {
            'learning_rate': 0.1,
            'l1_regularization_strength': 0.01,
            'l2_regularization_strength': 0.1,
            'l2_shrinkage_regularization_strength': 0.05,
            'beta': 0.1,
        },
    ),
    ('Adafactor', {'learning_rate': 0.1}),
]
SCHEDULES = [
    ('ExponentialDecay', {'initial_learning_rate': 0.1, 'decay_steps': 7, 'decay_rate': 0.9}),
    ('ExponentialDecay', {'initial_learning_rate': 0.1, 'decay_steps': 7, 'decay_rate': 0.9, 'staircase': True}),
    ('InverseTimeDecay', {'initial_learning_rate': 0.1, 'decay_steps': 7, 'decay_rate': 0.5}),
    ('InverseTimeDecay', {'initial_learning_rate': 0.1, 'decay_steps': 7, 'decay_rate': 0.5, 'staircase': True}),
    ('PiecewiseConstantDecay', {'boundaries': [3, 10], 'values': [0.1, 0.05, 0.01]}),
    ('PolynomialDecay', {'initial_learning_rate': 0.1, 'decay_steps': 10, 'end_learning_rate': 0.01, 'power': 2.0}),
    ('PolynomialDecay', {'initial_learning_rate': 0.1, 'decay_steps': 10, 'cycle': True}),
    ('CosineDecay', {'initial_learning_rate': 0.1, 'decay_steps': 12, 'alpha': 0.1}),
    ('CosineDecay', {'initial_learning_rate': 0.01, 'decay_steps': 12, 'warmup_target': 0.1, 'warmup_steps': 4}),
    ('CosineDecayRestarts', {'initial_learning_rate': 0.1, 'first_decay_steps': 5, 'm_mul': 0.9, 'alpha': 0.05}),
    ('CosineDecayRestarts', {'initial_learning_rate': 0.1, 'first_decay_steps': 5, 't_mul': 1.0}),
]
METRICS_3 = [
    ('Mean', {}, 'x'),
    ('Sum', {}, 'x'),
    ('Accuracy', {}, 'binary binary'),
    ('BinaryAccuracy', {'threshold': 0.3}, 'binary p'),
    ('CategoricalAccuracy', {}, 'one_hot p'),
    ('SparseCategoricalAccuracy', {}, 'labels p'),
    ('TopKCategoricalAccuracy', {'k': 2}, 'one_hot p'),
    ('SparseTopKCategoricalAccuracy', {'k': 2}, 'labels p'),
    ('MeanSquaredError', {}, 'y x'),
    ('RootMeanSquaredError', {}, 'y x'),
    ('MeanAbsoluteError', {}, 'y x'),
    ('MeanAbsolutePercentageError', {}, 'y x'),
    ('MeanSquaredLogarithmicError', {}, 'positive p'),
    ('CosineSimilarity', {}, 'y x'),
    ('LogCoshError', {}, 'y x'),
    ('Hinge', {}, 'binary x'),
    ('SquaredHinge', {}, 'signs x'),
    ('CategoricalHinge', {}, 'one_hot x'),
    ('KLDivergence', {}, 'shares p'),
    ('Poisson', {}, 'positive p'),
    ('BinaryCrossentropy', {'label_smoothing': 0.1}, 'binary p'),
    ('BinaryCrossentropy', {'from_logits': True}, 'binary x'),
    ('CategoricalCrossentropy', {'label_smoothing': 0.1}, 'one_hot p'),
    ('SparseCategoricalCrossentropy', {'from_logits': True}, 'labels x'),
    ('PearsonCorrelation', {}, 'y x'),
    ('TruePositives', {'thresholds': [0.2, 0.5]}, 'binary p'),
    ('FalsePositives', {}, 'binary p'),
    ('TrueNegatives', {}, 'binary p'),
    ('FalseNegatives', {}, 'binary p'),
    ('Precision', {}, 'binary p'),
    ('Precision', {'top_k': 2}, 'binary p'),
    ('Recall', {'class_id': 1, 'thresholds': 0.3}, 'binary p'),
    ('AUC', {}, 'binary p'),
    ('AUC', {'curve': 'PR'}, 'binary p'),
    ('AUC', {'multi_label': True}, 'binary p'),
    ('AUC', {'curve': 'PR', 'summation_method': 'majoring'}, 'binary p'),
    ('AUC', {'curve': 'PRGAIN', 'summation_method': 'minoring', 'thresholds': [0.2, 0.4, 0.7]}, 'binary p'),
    ('SensitivityAtSpecificity', {'specificity': 0.5}, 'binary p'),
    ('PrecisionAtRecall', {'recall': 0.5}, 'binary p'),
    ('SpecificityAtSensitivity', {'sensitivity': 0.5}, 'binary p'),
    ('RecallAtPrecision', {'precision': 0.5}, 'binary p'),
    ('F1Score', {'average': 'macro'}, 'one_hot p'),
    ('FBetaScore', {'beta': 2.0, 'threshold': 0.5}, 'binary p'),
    ('F1Score', {'average': 'micro', 'threshold': 0.5}, 'binary p'),
    ('F1Score', {'average': 'weighted'}, 'one_hot p'),
    ('R2Score', {}, 'y x'),
    ('R2Score', {'class_aggregation': 'variance_weighted_average', 'num_regressors': 2}, 'y x'),
    ('R2Score', {'class_aggregation': None}, 'y x'),
    ('BinaryIoU', {'threshold': 0.4}, 'binary p'),
    ('OneHotMeanIoU', {'num_classes': 4}, 'one_hot p'),
    ('OneHotIoU', {'num_classes': 4, 'target_class_ids': [1, 2]}, 'one_hot p'),
    ('MeanIoU', {'num_classes': 4}, 'labels labels'),
]
LOSSES_3 = [
    ('Huber', {'delta': 0.7}, 'y x'),
    ('CategoricalGeneralizedCrossEntropy', {'q': 0.3}, 'flat shares'),
    ('BinaryFocalCrossentropy', {'apply_class_balancing': True}, 'binary p'),
    ('BinaryFocalCrossentropy', {'from_logits': True, 'gamma': 1.0}, 'binary x'),
    ('CategoricalFocalCrossentropy', {'gamma': 1.5}, 'one_hot p'),
    ('Dice', {'axis': 1}, 'binary p'),
    ('Dice', {}, 'binary p'),
    ('Tversky', {'alpha': 0.3, 'beta': 0.7}, 'binary p'),
    ('Circle', {'gamma': 8.0}, 'labels unit'),
    ('CategoricalCrossentropy', {'from_logits': True}, 'one_hot x'),
    ('CosineSimilarity', {}, 'y x'),
    ('SparseCategoricalCrossentropy', {'ignore_class': 2}, 'labels p'),
    ('Hinge', {'reduction': 'sum'}, 'binary x'),
    ('MeanSquaredError', {'reduction': None}, 'y x'),
    ('MeanSquaredError', {'reduction': 'mean_with_sample_weight'}, 'y x'),
]
CONSTRAINTS = [
    ('MaxNorm', {'max_value': 1.5}),
    ('MaxNorm', {'max_value': 1.0, 'axis': 1}),
    ('NonNeg', {}),
    ('UnitNorm', {}),
    ('MinMaxNorm', {'min_value': 1.0, 'max_value': 2.0, 'rate': 0.5, 'axis': 1}),
]
ACTIVATIONS_2 = [
    'softmax',
    'elu',
    'selu',
    'softplus',
    'softsign',
    'relu',
    'tanh',
    'sigmoid',
    'hard_sigmoid',
    'exponential',
]
ACTIVATIONS_3 = [
    'celu',
    'gelu',
    'glu',
    'hard_shrink',
    'hard_sigmoid',
    'hard_silu',
    'hard_tanh',
    'leaky_relu',
    'log_sigmoid',
    'log_softmax',
    'mish',
    'relu6',
    'silu',
    'soft_shrink',
    'sparse_plus',
    'sparse_sigmoid',
    'sparsemax',
    'squareplus',
    'tanh_shrink',
]


def gradients(step, w, b):
    """Of sum c · (w - target)² / 2 plus a bump: simple to write anywhere, different in each step."""
    rng = np.random.RandomState(100 + step)
    return w - 1.0 + rng.normal(0, 0.3, w.shape), 0.01 * b + rng.normal(0, 0.001, b.shape)


def start():
    rng = np.random.RandomState(3)
    return rng.normal(0, 1, (3, 2)).astype('float32'), rng.normal(0, 1, (4,)).astype('float32')


def listed(x):
    return np.asarray(x, 'float64').tolist()


def keras2():
    import keras
    from keras import activations, constraints, losses, metrics, optimizers, regularizers
    from keras import backend as K

    data = {k: v.astype('float32') for k, v in inputs().items()}
    out = {
        'keras': keras.__version__,
        'losses': {},
        'metrics': {},
        'optimizers': [],
        'constraints': [],
        'activations': {},
    }
    for kind, names, module in (('losses', LOSSES, losses), ('metrics', METRICS, metrics)):
        for name, args in names.items():
            tensors = [K.variable(data[a]) for a in args.split()]
            kwargs = {'k': 2} if 'top_k' in name else {}
            out[kind][name] = listed(K.eval(getattr(module, name)(*tensors, **kwargs)))
    for name, kwargs in CONSTRAINTS:
        out['constraints'].append(
            [name, kwargs, listed(K.eval(getattr(constraints, name)(**kwargs)(K.variable(data['x']))))]
        )
    out['regularizers'] = [float(K.eval(regularizers.l1_l2(0.1, 0.2)(K.variable(data['x']))))]
    for name in ACTIVATIONS_2:
        out['activations'][name] = listed(K.eval(activations.get(name)(K.variable(data['x']))))
    for name, kwargs in OPTIMIZERS_2:
        opt = getattr(optimizers, name)(**kwargs)
        w, b = map(K.variable, start())
        gw, gb = K.placeholder((3, 2)), K.placeholder((4,))
        updates = opt.get_updates(K.sum(gw * w) + K.sum(gb * b), [w, b])
        step = K.function([gw, gb], [], updates=updates)
        path = []
        for i in range(20):
            step(list(gradients(i, K.get_value(w), K.get_value(b))))
            path.append([listed(K.get_value(w)), listed(K.get_value(b))])
        out['optimizers'].append(
            [
                name,
                kwargs,
                [path[0], path[1], path[9], path[19]],
                [list(np.shape(v)) for v in opt.get_weights()],
                opt.get_config(),
            ]
        )
    return out


def keras3():
    import keras

    data = {k: v.astype('float32') for k, v in inputs().items()}
    data['unit'] = data['x'] / np.linalg.norm(data['x'], axis=-1, keepdims=True)
    data['labels'] = data['labels'].astype('int32')
    data['flat'] = data['labels'][:, 0]
    out = {
        'keras': keras.__version__,
        'losses': [],
        'metrics': [],
        'optimizers': [],
        'schedules': [],
        'activations': {},
    }
    for name, kwargs, args in LOSSES_3:
        loss = getattr(keras.losses, name)(**kwargs)
        weights = {} if name in ('Dice', 'Tversky') else {'sample_weight': data['weights']}
        arrays = [data[a] for a in args.split()]
        out['losses'].append([name, kwargs, args, listed(loss(*arrays)), listed(loss(*arrays, **weights))])
    for name, kwargs, args in METRICS_3:
        metric = getattr(keras.metrics, name)(**kwargs)
        arrays = [data[a] for a in args.split()]
        metric.update_state(*arrays)
        plain = listed(metric.result())
        metric.update_state(*[a[::-1][:4] for a in arrays[:1]], *[a[:4] for a in arrays[1:]])
        twice = listed(metric.result())
        metric.reset_state()
        weighted = None
        if 'IoU' not in name:
            try:
                metric.update_state(*arrays, sample_weight=data['weights'])
                weighted = listed(metric.result())
            except Exception:
                weighted = None
        out['metrics'].append([name, kwargs, args, plain, twice, weighted])
    for name in ACTIVATIONS_3:
        out['activations'][name] = listed(getattr(keras.activations, name)(data['x']))
    for name, kwargs in OPTIMIZERS_3:
        opt = getattr(keras.optimizers, name)(**kwargs)
        w, b = map(keras.Variable, start())
        opt.build([w, b])
        path = []
        for i in range(20):
            opt.apply(
                [keras.ops.convert_to_tensor(g, 'float32') for g in gradients(i, np.array(w), np.array(b))], [w, b]
            )
            path.append([listed(w), listed(b)])
        out['optimizers'].append(
            [
                name,
                kwargs,
                [path[0], path[1], path[9], path[19]],
                [list(v.shape) for v in opt.variables],
                opt.get_config(),
            ]
        )
    for name, kwargs in SCHEDULES:
        schedule = getattr(keras.optimizers.schedules, name)(**kwargs)
        out['schedules'].append([name, kwargs, [float(schedule(i)) for i in range(25)]])
    return out


def main():
    name = sys.argv[1]
    result = keras2() if name == 'keras2.2.4' else keras3()
    result['inputs'] = {k: v.tolist() for k, v in inputs().items()}
    with open(f'parts_{name}.json', 'w') as f:
        json.dump(result, f, default=float)


if __name__ == '__main__':
    main()
