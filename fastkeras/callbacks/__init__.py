"""Callbacks: what is called while a model is trained, evaluated or asked for predictions."""

from fastkeras.callbacks.averages import SwapEMAWeights
from fastkeras.callbacks.backup import BackupAndRestore
from fastkeras.callbacks.base import Callback, LambdaCallback
from fastkeras.callbacks.callback_list import CallbackList
from fastkeras.callbacks.checkpoint import ModelCheckpoint
from fastkeras.callbacks.loggers import BaseLogger, CSVLogger, History, ProgbarLogger
from fastkeras.callbacks.remote import OrbaxCheckpoint, RemoteMonitor
from fastkeras.callbacks.schedule import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN
from fastkeras.callbacks.tensorboard import TensorBoard

__all__ = ['BackupAndRestore', 'BaseLogger', 'CSVLogger', 'Callback', 'CallbackList', 'EarlyStopping', 'History',
           'LambdaCallback', 'LearningRateScheduler', 'ModelCheckpoint', 'OrbaxCheckpoint', 'ProgbarLogger',
           'ReduceLROnPlateau', 'RemoteMonitor', 'SwapEMAWeights', 'TensorBoard', 'TerminateOnNaN']
