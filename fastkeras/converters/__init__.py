"""Models of other libraries as models of this one."""

from .caffe import load_caffe

__all__ = ['load_caffe']
