"""Hoisting: what depends on variables alone is computed once per version of them, outside the plan.

Batch-norm scales, folded kernels, constant masks: a node 'variable' that reads a Static takes their place.
"""

from ..graph import LEAVES, Graph, Node, toposort


def hoist(graph, cache):
    """Returns (graph, statics). Values of variables that the graph itself updates stay in it."""
    nodes = graph.nodes()
    static = graph.static()
    worth = {id(n) for n in nodes if id(n) in static and n.op not in LEAVES}
    edge = {}
    for n in nodes:
        if id(n) not in worth:
            edge.update({id(i): i for i in n.inputs if id(i) in worth})
    edge.update({id(n): n for n in graph.roots() if id(n) in worth})
    if not edge:
        return graph, []
    replaced, statics = {}, []
    for n in sorted(edge.values(), key=lambda n: n.serial):
        value = cache.static(n)
        statics.append(value)
        replaced[id(n)] = Node('variable', (), {'var': value}, n.shape, n.dtype, n.name)

    def rule(node, inputs):
        return replaced.get(id(node), node) if id(node) in worth else None  # nothing reads what is not replaced of these

    return graph.rewrite(rule), statics


def static_graph(node):
    """The graph that computes one hoisted node."""
    return Graph([], [node])


def variables_of(node):
    """The variables (or Statics) that a static node reads."""
    return [n.attrs['var'] for n in toposort([node]) if n.op == 'variable']
