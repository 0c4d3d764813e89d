from .body import Body
from .graph import LEAVES, Graph, remake, toposort, verify
from .node import Node

__all__ = ['LEAVES', 'Body', 'Graph', 'Node', 'remake', 'toposort', 'verify']
