from .graph import LEAVES, Graph, remake, toposort, verify
from .node import Node

__all__ = ['LEAVES', 'Graph', 'Node', 'remake', 'toposort', 'verify']
