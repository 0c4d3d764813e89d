"""Callbacks: what is called while a model is trained, evaluated or asked for predictions."""

from fastkeras.callbacks.base import Callback, LambdaCallback
from fastkeras.callbacks.callback_list import CallbackList
from fastkeras.callbacks.checkpoint import ModelCheckpoint
from fastkeras.callbacks.loggers import BaseLogger, CSVLogger, History, ProgbarLogger
from fastkeras.callbacks.schedule import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN

__all__ = ['BaseLogger', 'CSVLogger', 'Callback', 'CallbackList', 'EarlyStopping', 'History', 'LambdaCallback',
           'LearningRateScheduler', 'ModelCheckpoint', 'ProgbarLogger', 'ReduceLROnPlateau', 'TerminateOnNaN']
