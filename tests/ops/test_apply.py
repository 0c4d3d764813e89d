"""The door to the operations: attributes that a caller leaves out."""

import inspect

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import eager


@pytest.mark.parametrize('name', [n for n in sorted(core.records()) if core.record(n).samples is not None])
def test_a_node_has_every_attribute(name):
    """Whatever the caller gave: passes and lowering read attributes without asking whether they are there."""
    spec = core.record(name).spec
    options = {n: p for n, p in inspect.signature(spec).parameters.items()
               if p.kind is not p.VAR_POSITIONAL and (p.kind is p.KEYWORD_ONLY or p.default is not p.empty)}
    assert all(p.kind is p.KEYWORD_ONLY for p in options.values()), 'attributes are keywords: write * before them'
    for sample in core.record(name).samples():
        attrs = {k: v for k, v in sample.attrs.items() if v != options[k].default}
        inputs = [Tensor('input', (), {'index': k}, a.shape, a.dtype.name) for k, a in enumerate(sample.inputs)]
        node = core.apply(name, inputs, **attrs)
        node = node[0].inputs[0] if isinstance(node, tuple) else node
        if node.op == name:
            assert set(node.attrs) == set(options)


def test_the_product_that_is_written_as_an_operator_has_them():
    x = Tensor('input', (), {'index': 0}, (3, 4), 'float32')
    assert (x @ np.ones((4, 2), 'float32')).attrs == {'transpose_a': False, 'transpose_b': False}


def test_evaluation_keeps_one_plan_however_attributes_are_given():
    a, b = np.ones((3, 7), 'float32'), np.ones((7, 2), 'float32')
    ops.matmul(a, b)
    before = len(eager._plans)
    core.apply('matmul', (a, b))
    core.apply('matmul', (a, b), transpose_b=False)
    core.apply('matmul', (a, b), transpose_b=False, transpose_a=False)
    assert len(eager._plans) == before
