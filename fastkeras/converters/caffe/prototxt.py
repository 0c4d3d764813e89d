"""Network descriptions as text."""

import re

from fastkeras.utils.errors import ModelFileError, nearest

from . import schema
from .bounds import LAYERS, MESSAGES, TEXT_BYTES
from .opened import plain_path

# what of a text is no plain word: comments and strings, in which braces do not count, and braces
_TEXTS = r'#[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
_MARKS = re.compile(f'{_TEXTS}|[{{}}<>]')
_WORDS = re.compile(f'({_TEXTS})|[ \\t]+|[{{}}<>;,:[\\]]')


def read_net(path):
    """(NetParameter, {index of a layer: what is unknown in it}) of a prototxt. ModelFileError for what is none.

    A field that nobody knows might change what a layer computes. It is an error where its layer takes part in the result,
    and is passed over in a layer that does not, as data and losses do not.
    """
    path = plain_path(path)
    with open(path, 'rb') as file:
        data = file.read(TEXT_BYTES + 1)
    if len(data) > TEXT_BYTES:
        raise ModelFileError(f'{path}: a network description is at most {TEXT_BYTES >> 20} MiB of text; is it the caffemodel?')
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ModelFileError(f'{path}: expected a network description as text (prototxt), got bytes that are no text: '
                             f'{error}') from None
    if text.count('{') + text.count('<') > MESSAGES:
        raise ModelFileError(f'{path}: a network description has at most {MESSAGES} messages')
    try:
        return _parsed(text)
    except (_parse_error(), RecursionError, ValueError) as error:
        raise ModelFileError(f'{path}: it is no network description (prototxt): {_said(error)}') from None


def _parse_error():
    schema.message('NetParameter')      # says what to install where the library is not there
    from google.protobuf import text_format
    return text_format.ParseError


def _said(error, lines=0):
    """An error of the parser in words. lines: that stand before what it was given."""
    if isinstance(error, RecursionError):
        return 'it is nested too deeply'
    unknown = re.search(r'"caffe\.(\w+)" has no field named "([^"]*)"', str(error))
    if not unknown:
        return str(error)[:300]
    line = re.match(r'(\d+):', str(error))
    fields = [f.name for f in schema.message(unknown[1]).DESCRIPTOR.fields]
    return (f'{f"line {int(line[1]) + lines}: " if line else ""}{unknown[1]} has no field {unknown[2]!r:.100}; '
            f'{nearest(unknown[2][:100], fields)}')


def _parsed(text):
    from google.protobuf import text_format
    net = schema.message('NetParameter')()
    try:
        text_format.Parse(text, net)
        return net, {}
    except text_format.ParseError as error:
        if 'has no field named' not in str(error):
            raise
    net, unknown = schema.message('NetParameter')(), {}
    for count, (line, part) in enumerate(_parts(text)):
        if count > 2 * LAYERS:
            raise ValueError(f'more than {2 * LAYERS} messages on its outermost level')
        one = schema.message('NetParameter')()
        try:
            text_format.Parse(part, one)
        except text_format.ParseError as error:
            known = re.search(r'"caffe\.(\w+)" has no field named', str(error))
            if not known or known[1] == 'NetParameter':
                raise text_format.ParseError(_said(error, line)) from None
            one.Clear()
            text_format.Parse(_short_lines(part), one, allow_unknown_field=True)
            if len(one.layer) + len(one.layers) != 1:
                raise text_format.ParseError(_said(error, line)) from None
            unknown[len(net.layer) + len(net.layers)] = _said(error, line)
        net.MergeFrom(one)
    return net, unknown


def _short_lines(text):
    """The text with a line for each of its words: to pass over a field, the parser copies the line that it is on."""
    return _WORDS.sub(lambda m: m[1] or f'{m[0].strip()}\n', text)


def _parts(text):
    """(lines before it, text) of each message of the outermost level, with the plain fields in front of it."""
    depth = start = 0
    lines = 0
    for mark in _MARKS.finditer(text):
        if mark[0] in ('{', '<'):
            depth += 1
        elif mark[0] in ('}', '>'):
            depth -= 1
            if depth == 0:
                yield lines, text[start:mark.end()]
                lines += text.count('\n', start, mark.end())
                start = mark.end()
    if text[start:].strip():
        yield lines, text[start:]
