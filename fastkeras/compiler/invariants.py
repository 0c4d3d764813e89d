"""What every pass must leave as it is: `FASTKERAS_DEBUG=verify` checks it after each, and the tests run with that."""

from ..graph import LEAVES, verify
from ..ops import registry

OWN = ('fused', 'result')   # nodes that no op's record describes: region.py says what they hold


def check(name, before, after):
    """ValueError, naming the pass, unless `after` is a sound graph that takes, gives and updates the same as `before`."""
    try:
        verify(after, {*registry.records(), *OWN})
        _same_surface(before, after)
        for node in after.nodes():
            _KINDS.get(node.op, _operation)(node)
    except ValueError as error:
        raise ValueError(f'[{name}] this pass breaks the graph: {error}') from error


def _expect(right, node, text):
    if not right:
        raise ValueError(f'{node!r}: {text}')


def _like(node, shape, dtype):
    return tuple(node.shape) == tuple(shape) and node.dtype == dtype


def _same_surface(before, after):
    for what, old, new in (('inputs', before.inputs, after.inputs), ('outputs', before.outputs, after.outputs),
                           ('updates', [n for _, n in before.updates], [n for _, n in after.updates])):
        if len(old) != len(new) or not all(_like(a, b.shape, b.dtype) for a, b in zip(new, old)):
            raise ValueError(f'its {what} were {old} and are {new}')
    if any(a is not b for (a, _), (b, _) in zip(before.updates, after.updates)):
        raise ValueError('it updates other variables, or in another order')


def _variable(node):
    var = node.attrs['var']
    _expect(_like(node, var.shape, var.dtype), node, f'its variable {var.name!r} has {var.dtype}{list(var.shape)}')


def _operation(node):
    """An op's node is one that its record's rule of shapes allows, with all attributes that it takes."""
    if node.op in LEAVES:
        return
    record = registry.record(node.op)
    missing = record.defaults.keys() - node.attrs.keys()
    _expect(not missing, node, f'it lacks the attributes {sorted(missing)}')
    try:
        made = record.spec(*node.inputs, **node.attrs)
    except TypeError as error:
        raise ValueError(f'{node!r}: its attributes or inputs are not those of the op ({error})') from error
    if record.several:
        _expect(node.shape == (), node, 'a node of several results has the shape ()')
        return
    shape, dtype = made
    _expect(_like(node, shape, dtype), node, f'the op says {dtype}{list(shape)}')


def _fused(node):
    """Its inputs are those of the region's root, then the region's sources."""
    region = node.attrs['region']
    read = [*(region.root.inputs if region.root is not None else ()), *region.sources]
    _expect(len(read) == len(node.inputs) and all(_like(i, r.shape, r.dtype) for i, r in zip(node.inputs, read)), node,
            f'the region {region!r} reads {read}, the node {list(node.inputs)}')
    inside = {id(n) for n in [*region.nodes, *region.sums, *([] if region.root is None else [region.root])]}
    _expect(region.results and all(id(r) in inside for r in region.results), node, 'a result of the region is not in it')
    known = {id(s) for s in region.sources} | ({id(region.root)} if region.root is not None else set())
    for n in [*region.nodes, *region.sums]:
        _expect(all(id(i) in known for i in n.inputs), node, f'{n!r} reads what the region has not made by then')
        known.add(id(n))
        _operation(n)


def _result(node):
    fused, = node.inputs
    if fused.op in registry.records() and registry.record(fused.op).several:
        _operation(node)
        return
    _expect(fused.op == 'fused', node, f'it is no result of a region but of {fused!r}')
    results, index = fused.attrs['region'].results, node.attrs['index']
    _expect(0 <= index < len(results), node, f'the region has {len(results)} results, not one at {index}')
    _expect(_like(node, results[index].shape, results[index].dtype), node, f'that result of the region is {results[index]!r}')


_KINDS = {'variable': _variable, 'fused': _fused, 'result': _result}
