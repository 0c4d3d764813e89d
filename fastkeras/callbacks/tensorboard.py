"""What happens in a training, as TensorBoard shows it."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from fastkeras import generation
from fastkeras.callbacks import event_file
from fastkeras.callbacks.base import Callback
from fastkeras.utils import nest

_SHOWN = 3      # images of one weight, at most


class TensorBoard(Callback):
    """Writes event files that `tensorboard --logdir log_dir` shows: those of training in log_dir/train, those of validation in
    log_dir/validation, with the tags of Keras 3.

    Scalars: epoch_loss and so on after each epoch, epoch_learning_rate, evaluation_…_vs_iterations after an evaluation; with
    update_freq='batch' batch_loss and so on after each batch, with a number each time so many samples (in generation 3:
    batches) were seen. histogram_freq: epochs between histograms of all weights, 0 for none; with write_grads also of the
    gradients of the loss of the validation arrays. write_graph: the graph of layers. write_images: weights as images, with the
    histograms. write_steps_per_second: batches in a second.

    embeddings_freq: epochs between tables for the projector, 0 for none: the weights of Embedding layers or, where
    embeddings_data (as for predict) is given, the outputs of layers for them; embeddings_layer_names: which layers;
    embeddings_metadata: a file of labels for all, or a dict of them by layer. batch_size: for embeddings_data and gradients.
    profile_batch: 0; ValueError for anything else, as there is no profile in TensorBoard's format.
    """

    def __init__(self, log_dir: Any = './logs', histogram_freq: Any = 0, batch_size: int = 32, write_graph: bool = True,
                 write_grads: bool = False, write_images: bool = False, embeddings_freq: Any = 0,
                 embeddings_layer_names: Any = None, embeddings_metadata: Any = None, embeddings_data: Any = None,
                 update_freq: Any = 'epoch', write_steps_per_second: bool = False, profile_batch: Any = 0) -> None:
        super().__init__()
        if profile_batch not in (0, None, False, '0'):
            raise ValueError(f'TensorBoard: profile_batch: expected 0, got {profile_batch!r}: profiles are not written in '
                             "TensorBoard's format; the environment variable FASTKERAS_DEBUG=profile prints one")
        for name, value in (('histogram_freq', histogram_freq), ('embeddings_freq', embeddings_freq)):
            if isinstance(value, str) or value is not None and int(value) != value or (value or 0) < 0:
                raise ValueError(f'TensorBoard: {name}: expected a whole number of epochs, or 0, got {value!r}')
        if update_freq not in ('epoch', 'batch') and (isinstance(update_freq, (bool, str)) or int(update_freq) != update_freq
                                                      or update_freq < 1):
            raise ValueError(f"TensorBoard: update_freq: expected 'epoch', 'batch' or a whole number, got {update_freq!r}")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = int(histogram_freq or 0)
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = int(embeddings_freq or 0)
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.embeddings_data = embeddings_data
        self.update_freq = update_freq
        self.write_steps_per_second = write_steps_per_second
        self.profile_batch = profile_batch
        self._files = {}
        self._training = False
        self._batches = self._due = 0
        self._began = self._epoch_began = 0.0
        self._first_of_epoch = 0

    # ---- files
    def _file(self, kind):
        """The event file of 'train' or 'validation'."""
        if kind not in self._files:
            self._files[kind] = event_file.EventFile(os.path.join(self.log_dir, kind))
        return self._files[kind]

    def _scalars(self, kind, step, values):
        rows = [event_file.scalar(tag, value) for tag, value in values if np.ndim(value) == 0]
        if rows:
            self._file(kind).summaries(step, *rows)

    def _close(self):
        for file in self._files.values():
            file.close()
        self._files = {}

    def set_model(self, model: Any) -> None:
        """Take the model that is run."""
        self.model = model

    # ---- a run
    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._training = True
        self._batches = self._due = 0
        graph = getattr(self.model, '_graph', None)
        if self.write_graph and graph is not None:
            self._file('train').graph(event_file.graph(_nodes(graph)))
            self._file('train').summaries(0, event_file.text('keras', 'graph_keras_model', self.model.to_json()))
        if self.write_grads and self.histogram_freq and not self.validation_data:
            raise ValueError('TensorBoard: write_grads needs validation data as arrays: give fit validation_data=(x, y), or '
                             'validation_split')
        if self.embeddings_freq:
            self._write_projector_config()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._training = False
        self._close()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        pass

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        iterations = getattr(getattr(self.model, 'optimizer', None), 'iterations', None)
        if iterations is not None:
            self._scalars('validation', int(iterations),
                          [(f'evaluation_{k}_vs_iterations', v) for k, v in (logs or {}).items()])
        if not self._training:
            self._close()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = dict(logs or {})
        size = logs.pop('size', 1)
        logs.pop('batch', None)
        self._batches += 1
        if self.write_steps_per_second:
            spent = max(time.perf_counter() - self._began, 1e-9)
            self._scalars('train', self._batches, [('batch_steps_per_second', 1.0 / spent)])
        if self.update_freq == 'epoch':
            return
        self._due += size if generation.of('tensorboard.update_freq_counts_samples') else 1
        if self.update_freq == 'batch' or self._due >= self.update_freq:
            self._due = 0
            self._scalars('train', self._batches, [(f'batch_{k}', v) for k, v in logs.items()])

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        pass

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch_began, self._first_of_epoch = time.perf_counter(), self._batches

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        train = {k: v for k, v in logs.items() if not k.startswith('val_') and k not in ('lr', 'learning_rate')}
        train.update(self._rates())
        if self.write_steps_per_second:
            spent = max(time.perf_counter() - self._epoch_began, 1e-9)
            train['steps_per_second'] = (self._batches - self._first_of_epoch) / spent
        self._scalars('train', epoch, [(f'epoch_{k}', v) for k, v in train.items()])
        self._scalars('validation', epoch, [(f'epoch_{k[4:]}', v) for k, v in logs.items() if k.startswith('val_')])
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        for file in self._files.values():
            file.flush()

    def _rates(self):
        optimizer = getattr(self.model, 'optimizer', None)
        optimizer = getattr(optimizer, 'inner_optimizer', optimizer)
        several = getattr(optimizer, 'optimizers', None)
        rates = ({f'learning_rate_{o.name}': o.learning_rate for o in several} if several else
                 {'learning_rate': getattr(optimizer, 'learning_rate', None)})
        return {name: float(np.asarray(rate)) for name, rate in rates.items() if rate is not None}

    # ---- weights
    def _write_weights(self, epoch):
        rows = []
        for layer in self.model.layers:
            for v in layer.weights:
                name = v.name.replace(':', '_')
                value = v.numpy()
                rows.append(event_file.histogram(f'{name}/histogram', value))
                if self.write_images:
                    rows += [event_file.image(f'{name}/image/{k}', pixels) for k, pixels in enumerate(_images(value))]
        if self.write_grads:
            for v, gradient in zip(self.model.trainable_weights, self._gradients()):
                if gradient is not None:
                    rows.append(event_file.histogram(f'{v.name.replace(":", "_")}_grad', gradient))
        if rows:
            self._file('train').summaries(epoch, *rows)

    def _gradients(self):
        """Gradients of the loss of the validation arrays, averaged over their samples."""
        steps, arrays = self.model._steps, self.validation_data
        if steps is None:
            raise ValueError('TensorBoard: write_grads needs a model that is trained by what compile was given')
        arrays = arrays[:len(self.model.inputs) + len(steps.objective.slots)]
        samples, totals = len(arrays[0]), None
        for begin in range(0, samples, self.batch_size):
            part = [a[begin:begin + self.batch_size] for a in arrays]
            found = [None if g is None else g * (len(part[0]) / samples) for g in steps.gradients(part)]
            totals = found if totals is None else [a if b is None else a + b for a, b in zip(totals, found)]
        return totals

    # ---- embeddings
    def _embedded(self):
        """(name, layer) of the layers that the projector shows."""
        names = nest.to_list(self.embeddings_layer_names) if self.embeddings_layer_names else None
        layers = [layer for layer in self.model.layers
                  if (layer.name in names if names else type(layer).__name__ == 'Embedding')]
        missing = set(names or ()) - {layer.name for layer in layers}
        if missing:
            raise ValueError(f'TensorBoard: embeddings_layer_names: the model has no layer {sorted(missing)[0]!r}')
        if isinstance(self.embeddings_metadata, dict):
            unknown = set(self.embeddings_metadata) - {layer.name for layer in layers}
            if unknown:
                raise ValueError(f'TensorBoard: embeddings_metadata: {sorted(unknown)[0]!r} is none of the layers '
                                 f'that are shown ({", ".join(layer.name for layer in layers) or "none is"})')
        return [(layer.name, layer) for layer in layers]

    def _write_projector_config(self):
        rows = []
        for name, _ in self._embedded():
            given = self.embeddings_metadata
            labels = given.get(name) if isinstance(given, dict) else given
            path = f'  metadata_path: "{os.fspath(labels)}"\n' if labels else ''
            rows.append(f'embeddings {{\n  tensor_name: "{name}"\n  tensor_path: "{name}.tsv"\n{path}}}\n')
        os.makedirs(os.path.join(self.log_dir, 'train'), exist_ok=True)
        for folder in (self.log_dir, os.path.join(self.log_dir, 'train')):
            prefix = '' if folder != self.log_dir else 'train/'
            with open(os.path.join(folder, 'projector_config.pbtxt'), 'w') as f:
                f.write(''.join(rows).replace('tensor_path: "', f'tensor_path: "{prefix}'))

    def _write_embeddings(self):
        for name, layer in self._embedded():
            if self.embeddings_data is None:
                table = layer.weights[0].numpy() if layer.weights else np.zeros((0, 0))
            else:
                part = self.model._up_to(layer)
                table = np.asarray(part.predict(self.embeddings_data, batch_size=self.batch_size))
            path = os.path.join(self.log_dir, 'train', f'{name}.tsv')
            np.savetxt(path, table.reshape(len(table), -1), fmt='%.7g', delimiter='\t')


def _nodes(graph):
    """Rows for event_file.graph: the calls of layers in a described model."""
    names, taken, rows = {}, set(), []
    for node in graph.nodes:
        name, k = node.layer.name, 1
        while name in taken:
            name, k = f'{node.layer.name}_{k}', k + 1
        taken.add(name)
        names[node] = name
        sources = dict.fromkeys(names[graph._source(t)] for t in node.input_tensors if graph._source(t) is not node)
        rows.append((name, type(node.layer).__name__, list(sources), [t.shape for t in node.output_tensors if t is not None]))
    return rows


def _images(value):
    """Up to a few images of bytes (height, width, channels) that show a weight; none for more than three axes."""
    value = np.squeeze(value)
    if value.ndim == 1:
        value = value[None, :, None, None]
    elif value.ndim == 2:
        value = (value.T if value.shape[0] > value.shape[1] else value)[None, :, :, None]
    elif value.ndim == 3:
        value = np.transpose(value, (2, 0, 1))[..., None]
    else:
        return []
    if not value.size:
        return []
    value = np.nan_to_num(value[:_SHOWN].astype('float64'))
    low, high = value.min(axis=(1, 2, 3), keepdims=True), value.max(axis=(1, 2, 3), keepdims=True)
    scale = np.where(low < 0, 127.0 / np.maximum(np.maximum(-low, high), 1e-30), 255.0 / np.maximum(high, 1e-30))
    return [*np.clip(value * scale + np.where(low < 0, 128.0, 0.0), 0, 255).astype('uint8')]
