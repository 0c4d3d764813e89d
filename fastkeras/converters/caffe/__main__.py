"""python -m fastkeras.converters.caffe: a Caffe model as Python code and weights, or as a model file."""

import argparse
import sys

from fastkeras.converters.caffe import drafted
from fastkeras.converters.caffe.building import build
from fastkeras.converters.caffe.code_writer import write_code, write_weights


def arguments():
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog='python -m fastkeras.converters.caffe', description=(
        'Read a model of Caffe and write it as Python code that builds it, with its weights in a file beside the code, or as a '
        'model file of Keras.'))
    parser.add_argument('prototxt', metavar='PROTOTXT', help='description of the network')
    parser.add_argument('--caffemodel', help='its weights, binary or HDF5; without them the model begins with new ones')
    parser.add_argument('--code-output-path', metavar='FILE', help='Python file to write')
    parser.add_argument('--data-output-path', metavar='FILE', help=(
        'file of weights to write, which the code loads: HDF5 for .h5, else an archive of NumPy (.npz)'))
    parser.add_argument('--output', metavar='FILE', help='model file to write, .keras or .h5')
    parser.add_argument('--data-format', choices=('channels_first', 'channels_last'), default=None,
                        help='how images lie for the model; the default is that of the configuration')
    parser.add_argument('--input-shape', action='append', default=[], metavar='NAME=SHAPE', help=(
        'shape of a sample of an input, as data=227,227,3; where the description does not say it'))
    parser.add_argument('--phase', choices=('TEST', 'TRAIN'), default='TEST', help='by which layers are chosen')
    return parser


def shape_of(text):
    """(name, shape) of an argument `name=1,2,3`. ValueError where it is none."""
    name, _, sizes = text.rpartition('=')
    try:
        shape = tuple(int(d) for d in sizes.split(','))
    except ValueError:
        shape = ()
    if not name or not shape or any(d < 1 for d in shape):
        raise ValueError(f'--input-shape: expected NAME=SIZE,SIZE,…, as data=227,227,3, got {text!r}')
    return name, shape


def main(words=None):
    """Do what the command line says. → 0, or 1 after an error, which is printed."""
    parser = arguments()
    given = parser.parse_args(words)
    if not (given.code_output_path or given.data_output_path or given.output):
        parser.error('nothing to write: give --code-output-path, --data-output-path or --output')
    if given.data_output_path and not given.caffemodel:
        parser.error('--data-output-path needs --caffemodel, which has the weights')
    try:
        shapes = dict(map(shape_of, given.input_shape)) or None
        with drafted(given.prototxt, given.caffemodel, given.data_format, shapes, given.phase, None, None) as draft:
            model = build(draft)
            if given.data_output_path:
                write_weights(model, given.data_output_path)
            if given.code_output_path:
                write_code(draft, model, given.code_output_path, given.data_output_path)
        if given.output:
            model.save(given.output)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
