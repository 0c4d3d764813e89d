"""A graph: what goes in, what comes out, and what is written back to variables."""

from .node import Node

LEAVES = ('input', 'const', 'variable')


def toposort(outputs):
    """All nodes that the outputs need, in the order of their making: inputs before users, forward before backward before
    update, as the trace made them."""
    found, stack = {}, list(outputs)
    while stack:
        node = stack.pop()
        if node.serial not in found:
            found[node.serial] = node
            stack += node.inputs
    return [found[k] for k in sorted(found)]


class Graph:
    """inputs: 'input' leaves in the order they are fed. outputs: Nodes. updates: list of (variable, Node): after a run the
    variable holds the Node's value. Immutable once made, so that what is asked of it is computed once."""

    __slots__ = ('inputs', 'outputs', 'updates', '_nodes', '_users')

    def __init__(self, inputs, outputs, updates=()):
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.updates = list(updates)
        self._nodes = self._users = None

    def roots(self):
        return self.outputs + [n for _, n in self.updates]

    def nodes(self):
        """All nodes, in the order of their making. The list is the graph's own."""
        if self._nodes is None:
            self._nodes = toposort(self.roots())
        return self._nodes

    def users(self):
        """id(node) → list of the nodes that read it. The dictionary is the graph's own."""
        if self._users is None:
            users = self._users = {}
            for node in self.nodes():
                for i in node.inputs:
                    k = id(i)
                    if k in users:
                        users[k].append(node)
                    else:
                        users[k] = [node]
        return self._users

    def static(self):
        """ids of the nodes whose values depend on nothing but constants and variables that the graph does not update."""
        updated, static = {id(v) for v, _ in self.updates}, set()
        for n in self.nodes():
            if n.inputs:
                if all(id(i) in static for i in n.inputs):
                    static.add(id(n))
            elif n.op == 'const' or n.op == 'variable' and id(n.attrs['var']) not in updated:
                static.add(id(n))
        return static

    def rewrite(self, rule):
        """A new graph in which rule(node, inputs) made each node from its already rewritten inputs. A rule returns a Node,
        or None for the same operation. All but leaves are made anew, so that the order of making stays the order."""
        new = {}
        for node in self.nodes():
            inputs = tuple([new[id(i)] for i in node.inputs])
            made = rule(node, inputs)
            if made is None:
                made = node if node.op in LEAVES else remake(node, inputs)
            new[id(node)] = made
        for node in self.inputs:
            new.setdefault(id(node), node)
        return Graph([new[id(n)] for n in self.inputs], [new[id(n)] for n in self.outputs],
                     [(v, new[id(n)]) for v, n in self.updates])

    def __str__(self):
        number, lines = {}, []
        for k, node in enumerate(self.nodes()):
            number[id(node)] = k
            args = ', '.join(f'%{number[id(i)]}' for i in node.inputs)
            attrs = ', '.join(f'{a}={_short(v)}' for a, v in node.attrs.items())
            lines.append(f'%{k} = {node.op}({args}{", " if args and attrs else ""}{attrs}) : '
                         f'{node.dtype}{list(node.shape)}' + (f'  # {node.name}' if node.name else ''))
        lines.append('return ' + ', '.join(f'%{number[id(n)]}' for n in self.outputs))
        lines += [f'update {getattr(v, "name", v)} = %{number[id(n)]}' for v, n in self.updates]
        return '\n'.join(lines)


def remake(node, inputs):
    """The same operation on other inputs."""
    return Node(node.op, inputs, node.attrs, node.shape, node.dtype, node.name)


def _short(value):
    text = getattr(value, 'name', None) or repr(value)
    text = str(text).replace('\n', ' ')
    return text if len(text) <= 60 else text[:57] + '...'


def verify(graph, known_ops=None):
    """Raise ValueError where an invariant of the graph is broken: unknown op, unknown size, foreign placeholder, a node made
    before what it reads, an update whose shape or type is not its variable's."""
    fed = {id(n) for n in graph.inputs}
    for node in graph.nodes():
        for i in node.inputs:
            if i.serial >= node.serial:
                raise ValueError(f'[graph] {node!r} was made before {i!r}, which it reads')
        if node.op == 'input' and id(node) not in fed:
            raise ValueError(f'[graph] {node!r} is used but is not among the inputs of the graph')
        if node.op not in LEAVES and known_ops is not None and node.op not in known_ops:
            raise ValueError(f'[graph] unknown op {node.op!r}')
        if node.size is None or node.shape and min(node.shape) < 0:
            raise ValueError(f'[graph] {node!r} has an unknown size')
    for var, node in graph.updates:
        if tuple(var.shape) != node.shape or var.dtype != node.dtype:
            raise ValueError(f'[graph] variable {var.name!r} of {var.dtype}{list(var.shape)} cannot take '
                             f'{node.dtype}{list(node.shape)}')
    return graph
