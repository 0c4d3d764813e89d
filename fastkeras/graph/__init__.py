from .graph import Graph, toposort, verify
from .node import Node

__all__ = ['Graph', 'Node', 'toposort', 'verify']
