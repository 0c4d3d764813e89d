"""Going on with a training that was interrupted."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

import numpy as np

from fastkeras.callbacks.base import Callback
from fastkeras.saving import atomic
from fastkeras.utils.paths import check_writable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike


class BackupAndRestore(Callback):
    """Keeps a backup of the training in a folder, so that the same call of `fit`, made again after an interruption, goes on
    from it.

    A backup is made at the end of each epoch (save_freq='epoch') or every `save_freq` batches: weights, state of the
    optimizer, random states and the order of samples, and the number of the epoch. `fit` begins with the first epoch that was
    not finished; one that was interrupted in its middle is done again from its start. backup_dir: a folder for this training
    alone. double_checkpoint: keep the backup before the last too, in case the last was being written. delete_checkpoint:
    delete the folder when the training has ended.

    The model must be built and compiled as it was. ValueError for a model that is not built, and for a backup of another model.
    """

    def __init__(self, backup_dir: str | PathLike[str], save_freq: Any = 'epoch', double_checkpoint: bool = False,
                 delete_checkpoint: bool = True) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError(f'BackupAndRestore: backup_dir: expected the name of a folder, got {backup_dir!r}')
        if save_freq != 'epoch' and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f"BackupAndRestore: save_freq must be 'epoch' or a number of batches, got {save_freq!r}")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._epoch = self._batch = self._since = 0

    def _paths(self):
        return [os.path.join(self.backup_dir, name)
                for name in ('latest.weights.h5', 'training_state.npz', 'training_metadata.json')]

    def _new(self):
        return [os.path.join(self.backup_dir, f'new.{os.path.basename(path)}') for path in self._paths()]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._epoch = self._batch = self._since = 0
        if not getattr(self.model, 'built', True) or not self.model.weights:
            raise ValueError(f'BackupAndRestore: the model {self.model.name!r} has no weights yet; build it, or call it on an '
                             'array, before fit')
        paths = self._paths()
        os.makedirs(self.backup_dir, exist_ok=True)
        check_writable('BackupAndRestore: backup_dir', paths[0])
        self._put_in_place()
        if not os.path.exists(paths[2]):
            return
        try:
            self._restore(paths)
        except (OSError, ValueError, KeyError) as error:
            before = [f'{path}.bkp' for path in paths]
            if not all(map(os.path.exists, before)):
                raise ValueError(f'BackupAndRestore: the backup in {self.backup_dir!r} cannot be restored to the model '
                                 f'{self.model.name!r}: {error}; delete the folder to begin anew') from error
            self._restore(before)

    def _restore(self, paths):
        with open(paths[2]) as f:
            epoch = int(json.load(f)['epoch'])
        with np.load(paths[1]) as stored:
            state = {name: stored[name] for name in stored.files}
        self.model.load_weights(paths[0])
        optimizer = self.model.optimizer
        slots = {k: v for k, v in state.items() if k.startswith('optimizer/')}
        if slots:
            optimizer.build(self.model.trainable_weights)
            optimizer.load_own_variables({k.removeprefix('optimizer/'): v for k, v in slots.items()})
        self.model._set_training_state({k.removeprefix('training/'): v for k, v in state.items()
                                        if k.startswith('training/')})
        self._epoch = epoch
        self.model._initial_epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch, self._batch = epoch + 1, 0
        if self.save_freq == 'epoch':
            self._save()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.save_freq == 'epoch':
            return
        self._batch = batch
        self._since += 1
        if self._since >= self.save_freq:
            self._since = 0
            self._save()

    def _save(self):
        self._put_in_place()
        new = self._new()
        self.model.save_weights(new[0], overwrite=True)
        state = {f'training/{k}': v for k, v in self.model._training_state().items()}
        kept = {}
        if getattr(self.model.optimizer, 'built', False):
            self.model.optimizer.save_own_variables(kept)
        state.update((f'optimizer/{k}', v) for k, v in kept.items())
        with atomic.replacing(new[1]) as f:
            np.savez(f, **state)
        atomic.write(new[2], json.dumps({'epoch': self._epoch, 'batch': self._batch}))
        self._put_in_place()

    def _put_in_place(self):
        """Put the new files in the places of the old. That the last of them, the metadata, was written says that all are
        whole: where this was interrupted, it is done to the end before anything else."""
        paths = self._paths()
        new = self._new()
        if not os.path.exists(new[2]):
            return
        for source, path in zip(new, paths):
            if os.path.exists(source):
                if self.double_checkpoint and os.path.exists(path):
                    os.replace(path, f'{path}.bkp')
                os.replace(source, path)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.delete_checkpoint and os.path.isdir(self.backup_dir):
            shutil.rmtree(self.backup_dir)
