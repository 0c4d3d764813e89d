"""Nodes."""

import gc
import weakref

from fastkeras.graph import Node


def test_fields():
    x = Node('input', (), {'index': 0}, [None, 3], 'float32', 'x')
    y = Node('exp', [x], {}, iter((None, 3)), 'float32')
    assert x.shape == (None, 3) and y.shape == (None, 3) and y.inputs == (x,) and y.ndim == 2
    assert x.serial < y.serial
    assert Node('const', (), {}, (4, 0, 2), 'int32').size == 0 and Node('const', (), {}, (), 'int32').size == 1
    assert Node('const', (), {}, (1 << 40, 1 << 40), 'int32').size == 1 << 80       # no overflow


def test_text_says_name_op_and_shape():
    assert repr(Node('exp', (), {}, (2,), 'float32')) == '<Node exp float32[2]>'
    assert repr(Node('exp', (), {}, (None,), 'int32', 'a')) == "<Node 'a' exp int32[None]>"


def test_a_node_keeps_what_it_reads_and_no_more():
    x = Node('input', (), {}, (1,), 'float32')
    seen = weakref.ref(Node('exp', (x,), {}, (1,), 'float32'))
    gc.collect()
    assert seen() is None and not hasattr(x, '__dict__')
    kept = weakref.ref(x)
    y = Node('exp', (x,), {}, (1,), 'float32')
    del x
    assert kept() is y.inputs[0]


def test_size_is_the_number_of_elements():
    assert [Node('input', (), {}, shape, 'float32').size for shape in ((), (2, 3), (4, 0))] == [1, 6, 0]
    assert Node('input', (), {}, (None, 3), 'float32').size is None
