"""Graphs inside of nodes: how a function becomes one, and how one is written out on other tensors."""

from ..graph import LEAVES, Body
from . import core
from .core import placeholder

_COPIED = 64    # elements of a constant that a body holds itself


def leaves(structure):
    """The leaves of nested lists, tuples and dicts in their order, without None."""
    if isinstance(structure, dict):
        return [leaf for key in structure for leaf in leaves(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in leaves(part)]
    return [] if structure is None else [structure]


def over(function, first, *others):
    """The function of corresponding leaves, in the nesting of the first structure; ValueError where nestings differ."""
    if isinstance(first, dict):
        if any(not isinstance(o, dict) or set(o) != set(first) for o in others):
            raise ValueError(f'expected structures with the keys {sorted(first)}')
        return {key: over(function, first[key], *(o[key] for o in others)) for key in first}
    if isinstance(first, (list, tuple)):
        if any(not isinstance(o, (list, tuple)) or len(o) != len(first) for o in others):
            raise ValueError(f'expected structures of {len(first)} parts')
        parts = [over(function, *part) for part in zip(first, *others)]
        return type(first)(*parts) if hasattr(first, '_fields') else type(first)(parts)
    if any(isinstance(o, (dict, list, tuple)) or o is None for o in others) and first is not None:
        raise ValueError(f'expected a tensor where the other has a {type(others[0]).__name__}')
    return None if first is None else function(first, *others)


def packed(structure, values):
    """The structure with these leaves, in order."""
    rest = iter(values)
    return over(lambda _: next(rest), structure)


def body_of(inputs, outputs, since=None):
    """(Body, captured): what makes the outputs of these placeholders; `captured` are the tensors from outside that it reads,
    its inputs behind the given ones. What depends on none of the inputs stays outside, unless it was made after the node with
    the serial number `since`."""
    first = min((n.serial for n in inputs), default=0) if since is None else since
    given = {id(n) for n in inputs}
    found, stack = {}, list(outputs)
    while stack:
        node = stack.pop()
        if id(node) not in found and node.serial >= first:
            found[id(node)] = node
            stack.extend(node.inputs)
    inner, captured = {}, {}
    for node in sorted(found.values(), key=lambda n: n.serial):
        if id(node) in given or node.op not in LEAVES and (since is not None or any(id(i) in inner for i in node.inputs)):
            inner[id(node)] = node
    for node in (*(i for n in inner.values() for i in n.inputs), *outputs):
        if id(node) not in inner and not (node.op == 'const' and node.size <= _COPIED):
            captured[id(node)] = node
    behind = [placeholder(len(inputs) + k, n.shape, n.dtype) for k, n in enumerate(captured.values())]
    known = {id(n): n for n in inputs}
    known.update(zip(captured, behind))
    return Body([*inputs, *behind], written_out(outputs, known)), list(captured.values())


def written_out(outputs, known, again=None):
    """The outputs made again. known: id(node) → what takes its place, to which all that is made is added. again(node, inputs)
    -> Tensor, or a tuple of results: the operation on other inputs, by default the very same."""
    again = again or same
    order, stack = {}, list(outputs)
    while stack:
        node = stack.pop()
        if id(node) not in known and id(node) not in order:
            order[id(node)] = node
            stack.extend(node.inputs)
    for node in sorted(order.values(), key=lambda n: n.serial):
        if node.op in LEAVES:
            known[id(node)] = node
        elif node.op == 'result':
            known[id(node)] = known[id(node.inputs[0])][node.attrs['index']]
        else:
            with core.named(node.name):
                known[id(node)] = again(node, tuple(known[id(i)] for i in node.inputs))
    return [known[id(n)] for n in outputs]


def same(node, inputs):
    """The operation on inputs of the same shapes and types."""
    if core.record(node.op).several:
        return core.several(node.op, inputs, node.attrs)
    return core.remade(node, inputs)


def inlined(body, inputs, again=None):
    """The body's outputs for these inputs; (outputs, id(node of the body) → tensor)."""
    known = dict(zip(map(id, body.inputs), inputs))
    return written_out(body.outputs, known, again), known


def fitted(body, inputs):
    """The body for inputs of other shapes, as when a model that was described with an unknown batch is traced."""
    if all(a.shape == b.shape and a.dtype == b.dtype for a, b in zip(body.inputs, inputs)):
        return body
    fresh = [placeholder(k, x.shape, x.dtype) for k, x in enumerate(inputs)]
    outputs, _ = inlined(body, fresh, lambda node, ins: core.apply(node.op, ins, **node.attrs))
    return Body(fresh, outputs)


def config_of(body, attribute):
    """The body as nested lists and dicts. attribute(value) → the same of an attribute's value."""
    place, rows = {id(n): k for k, n in enumerate(body.inputs)}, []
    for node in body.nodes():
        if id(node) not in place:
            place[id(node)] = len(body.inputs) + len(rows)
            rows.append({'op': node.op, 'inputs': [place[id(i)] for i in node.inputs],
                         'attrs': {k: attribute(v) for k, v in node.attrs.items()}})
    return {'inputs': [[list(n.shape), n.dtype] for n in body.inputs], 'nodes': rows,
            'outputs': [place[id(n)] for n in body.outputs]}


def body_from(config, attribute):
    """The Body of what config_of gave: its operations are applied anew, so that nothing but operations of the registry, of
    shapes that fit, comes out. ValueError for anything else."""
    made = [placeholder(k, tuple(shape), core.dtype_name(dtype)) for k, (shape, dtype) in enumerate(config['inputs'])]
    count = len(made)
    for row in config['nodes']:
        attrs = {k: attribute(v) for k, v in row['attrs'].items()}
        inputs = [made[k] for k in row['inputs']]
        if row['op'] == 'const':
            made.append(core.constant(attrs['value']))
        elif row['op'] == 'result':
            made.append(inputs[0][attrs['index']])
        elif row['op'] in LEAVES:
            raise ValueError(f'the body of an op: {row["op"]!r} is no operation')
        else:
            made.append(core.apply(row['op'], inputs, **attrs))
    return Body(made[:count], [made[k] for k in config['outputs']])
