"""A draft as Python code that builds the model, and its weights as a file that the code loads."""

import builtins
import keyword
import os
import re
import textwrap

import numpy as np

from fastkeras.saving import atomic

from .building import keras_shape

_WIDTH = 110


def write_code(draft, model, code_path, data_path=None):
    """Write a Python file with a function build(), and load() where data_path is a file of weights by `write_weights`.

    model: what `build` made of the draft. Raises OSError for a file that cannot be written.
    """
    atomic.write(code_path, source_of(draft, model, _beside(code_path, data_path),
                                      data_path is not None and _is_hdf5(data_path)))


def write_weights(model, path):
    """Write a model's weights: what `save_weights` writes for .h5 and .hdf5, else as an archive of NumPy (.npz), of which the
    array `layer/0` is the first weight of a layer. ValueError for a suffix of model files."""
    if os.fspath(path).lower().endswith('.keras'):
        raise ValueError(f'{path}: expected a file of weights (.npz, .h5), got the suffix of a model file')
    if _is_hdf5(path):
        model.save_weights(path)
        return
    with atomic.replacing(path) as file:
        np.savez(file, **{f'{layer.name}/{k}': w for layer in model.layers for k, w in enumerate(layer.get_weights())})


def _is_hdf5(path):
    return os.fspath(path).lower().endswith(('.h5', '.hdf5'))


def _beside(code_path, data_path):
    if data_path is None:
        return None
    return os.path.relpath(os.path.realpath(data_path), os.path.dirname(os.path.realpath(code_path)))


def source_of(draft, model, data_path=None, hdf5=False):
    """The code as text. data_path: of the weights, beside the code; hdf5: what they are written as."""
    names = _variables(draft)
    lines, classes = [], {}
    for name, blob in draft.inputs:
        lines.append(f'{names[blob.number]} = Input({keras_shape(blob)!r}, name={name!r})')
    again = {step.shared for step in draft.steps if step.shared}
    for step in draft.steps:
        classes.setdefault(step.cls.__module__, set()).add(step.cls.__name__)
        given = names[step.inputs[0]] if len(step.inputs) == 1 else '[' + ', '.join(names[n] for n in step.inputs) + ']'
        made, target = f'{step.cls.__name__}({_arguments(step)})', names[step.output]
        if step.shared:
            lines.append(f'{target} = {_shared_name(step.name)}({given})')
        elif step.name in again:
            lines += [f'{_shared_name(step.name)} = {made}', f'{target} = {_shared_name(step.name)}({given})']
        else:
            lines.append(f'{target} = {made}({given})')
    ends = [_list([names[b.number] for b in blobs]) for blobs in ([b for _, b in draft.inputs], draft.outputs)]
    lines.append(f'return Model({ends[0]}, {ends[1]}, name={model.name!r})')
    body = '\n'.join(_wrapped(line) for line in lines)
    return _TEXT.format(imports=_imports(classes, data_path, hdf5), body=body, load=_load(data_path, hdf5),
                        last='load' if data_path else 'build')


def _list(names):
    return names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'


def _arguments(step):
    return ', '.join([f'{k}={v!r}' for k, v in step.config.items()] + [f'name={step.name!r}'])


def _shared_name(name):
    return _identifier(name) + '_layer'


def _identifier(name):
    made = re.sub(r'\W', '_', name, flags=re.ASCII)
    if not made or made[0].isdigit() or keyword.iskeyword(made) or hasattr(builtins, made):
        made = f'x_{made}'
    return made


def _variables(draft):
    """A name of its own for each blob: that of the layer that makes it."""
    taken = {'Input', 'Model', 'Path', 'WEIGHTS', 'build', 'load', 'model', 'np', 'stored', 'weights'}
    taken |= {s.cls.__name__ for s in draft.steps} | {_shared_name(s.name) for s in draft.steps}
    found = {}
    for number, name in [*((b.number, n) for n, b in draft.inputs), *((s.output, s.name) for s in draft.steps)]:
        base, k = _identifier(name), 1
        made = base
        while made in taken:
            k += 1
            made = f'{base}_{k}'
        taken.add(made)
        found[number] = made
    return found


def _imports(classes, data_path, hdf5):
    plain, own = {'Input'}, set()
    for module, names in classes.items():
        (own if module.startswith('fastkeras.converters.') else plain).update(names)
    found = []
    if own:
        found.append(f'from fastkeras.converters.caffe import {", ".join(sorted(own))}')
    found += [f'from fastkeras.layers import {", ".join(sorted(plain))}', 'from fastkeras.models import Model']
    wrapped = '\n'.join(_import(line) for line in found)
    first = 'from pathlib import Path\n\n' if data_path else ''
    return first + ('import numpy as np\n\n' if data_path and not hdf5 else '') + wrapped


def _import(line):
    if len(line) <= _WIDTH:
        return line
    head, _, names = line.partition(' import ')
    return f'{head} import (\n' + textwrap.fill(names, _WIDTH, initial_indent='    ', subsequent_indent='    ') + ')'


def _wrapped(line):
    """A line of a function, its arguments over several lines where it is long."""
    if len(line) + 4 <= _WIDTH:
        return f'    {line}'
    at = line.index('(') + 1
    pieces, depth, start, quote = [], 0, 0, None
    for k, c in enumerate(line):        # cut behind commas between arguments, not in texts
        if quote:
            quote = None if c == quote and line[k - 1] != '\\' else quote
        elif c in '\'"':
            quote = c
        elif c in '([{':
            depth += 1
        elif c in ')]}':
            depth -= 1
        elif c == ',' and depth:
            pieces.append(line[start:k + 1])
            start = k + 1
    pieces.append(line[start:])
    rows, pad = [f'    {pieces[0].strip()}'], ' ' * (min(at, 60) + 4)
    for piece in pieces[1:]:
        if len(rows[-1]) + len(piece) <= _WIDTH:
            rows[-1] += piece
        else:
            rows.append(pad + piece.strip())
    return '\n'.join(rows)


def _load(data_path, hdf5):
    if data_path is None:
        return ''
    if not hdf5:
        body = ('    with np.load(weights, allow_pickle=False) as stored:\n'
                '        for layer in model.layers:\n'
                "            layer.set_weights([stored[f'{layer.name}/{k}'] for k in range(len(layer.weights))])\n")
    else:
        body = '    model.load_weights(weights)\n'
    return (f'\n\nWEIGHTS = Path(__file__).resolve().parent / {data_path!r}\n\n\n'
            'def load(weights=WEIGHTS):\n    """The model with the weights of a file."""\n    model = build()\n' + body
            + '    return model\n')


_TEXT = '''"""A network of Caffe, as Python code that builds it. Written by fastkeras.converters.caffe."""

{imports}


def build():
    """The model with new weights."""
{body}
{load}

if __name__ == '__main__':
    {last}().summary()
'''
