"""Whether Python can run byte code to its end: what each instruction takes from the stack is there, and of the right kind.

Python itself checks none of this, since it trusts its compiler. Only what expressions and simple loops are made of is known
here; any other instruction is refused.
"""

from __future__ import annotations

import dis
import sys
from typing import Any

OBJECT, NULL, EITHER, ITERATOR, CODE, LIST, SET, DICT, TUPLE = range(9)    # EITHER: a method, or nothing
_NOTHING = (NULL, EITHER)
_VERSION = sys.version_info[:2]

# instruction → how many objects it takes; what it leaves beyond follows from dis.stack_effect
_TAKES = {name: n for n, names in enumerate((
    'LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST LOAD_DEREF NOP RESUME MAKE_CELL COPY_FREE_VARS JUMP_FORWARD '
    'JUMP_BACKWARD JUMP_ABSOLUTE LOAD_ASSERTION_ERROR RETURN_CONST',
    'UNARY_NEGATIVE UNARY_NOT UNARY_INVERT UNARY_POSITIVE STORE_FAST POP_TOP TO_BOOL RETURN_VALUE UNPACK_SEQUENCE '
    'POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE POP_JUMP_FORWARD_IF_FALSE '
    'POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_NONE POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_FALSE '
    'POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_BACKWARD_IF_NONE POP_JUMP_BACKWARD_IF_NOT_NONE FORMAT_SIMPLE',
    'BINARY_OP BINARY_SUBSCR COMPARE_OP IS_OP CONTAINS_OP STORE_FAST_STORE_FAST FORMAT_WITH_SPEC',
    'BINARY_SLICE')) for name in names.split()}
_OPERATORS = 'ADD SUBTRACT MULTIPLY TRUE_DIVIDE FLOOR_DIVIDE MODULO POWER MATRIX_MULTIPLY AND OR XOR LSHIFT RSHIFT'
_TAKES.update({f'{kind}_{name}': 2 for kind in ('BINARY', 'INPLACE') for name in _OPERATORS.split()})
_MAKES = {'BUILD_LIST': LIST, 'BUILD_SET': SET, 'BUILD_MAP': DICT, 'BUILD_TUPLE': OBJECT, 'BUILD_STRING': OBJECT}
_ADDS = {'LIST_APPEND': LIST, 'LIST_EXTEND': LIST, 'SET_ADD': SET, 'SET_UPDATE': SET, 'DICT_UPDATE': DICT,
         'DICT_MERGE': DICT, 'MAP_ADD': DICT}
_JUMPS = ('JUMP_FORWARD', 'JUMP_BACKWARD', 'JUMP_ABSOLUTE')


class _Impossible(Exception):
    pass


def runnable(code: Any, steps: Any, given: int, slots: int) -> bool:
    """Whether every way through the instructions can be run. code: fields of a code object, as `bytecode` reads them; steps:
    (begin, operation, argument, end) of its instructions; given: its arguments; slots: its local variables."""
    try:
        _Checked(code, steps, given, slots).follow()
    except (_Impossible, IndexError, KeyError, ValueError, TypeError, SystemError):
        return False
    return True


class _Checked:
    def __init__(self, code, steps, given, slots):
        self.code, self.given, self.slots = code, given, slots
        self.at = {begin: (op, arg, end) for begin, op, arg, end in steps}
        self.first = steps[0][0]
        names = [(dis.opname[op], arg) for _, op, arg, _ in steps]
        self.stored = {a for name, arg in names if name.startswith('STORE_FAST') for a in _locals(name, arg)}
        self.kinds = code.get('kinds')
        if self.kinds is not None:      # cells have to be made first
            made = {arg for name, arg in names if name == 'MAKE_CELL'}
            free = [k for k, kind in enumerate(self.kinds) if kind & 0x80]
            copied = [arg for name, arg in names if name == 'COPY_FREE_VARS']
            if made != {k for k, kind in enumerate(self.kinds) if kind & 0x40} or copied != ([len(free)] if free else []):
                raise _Impossible
            if any(name in ('MAKE_CELL', 'COPY_FREE_VARS') for name, _ in names[len(made) + len(copied):]):
                raise _Impossible
            if free != list(range(self.slots - len(free), self.slots)):
                raise _Impossible

    def follow(self):
        known, ways = {}, [(self.first, ())]
        while ways:
            begin, stack = ways.pop()
            if begin in known:
                stack = _joined(known[begin], stack)
                if stack == known[begin]:
                    continue
            if begin not in self.at or len(stack) > self.code['stack']:
                raise _Impossible
            known[begin] = stack
            op, arg, end = self.at[begin]
            ways += self.step(op, dis.opname[op], arg, end, list(stack))

    def step(self, op, name, arg, end, stack):
        """[(next instruction, stack there)]."""
        def take(n):
            if n > len(stack) or any(kind in _NOTHING for kind in stack[len(stack) - n:]):
                raise _Impossible
            taken = stack[len(stack) - n:]
            del stack[len(stack) - n:]
            return taken

        self.check_argument(op, name, arg)
        if name in ('RETURN_VALUE', 'RETURN_CONST'):
            take(name == 'RETURN_VALUE')
            return []
        if name == 'FOR_ITER':
            if stack[-1] != ITERATOR:
                raise _Impossible
            # where it ends, the iterator is gone, or END_FOR stands there that takes it
            over = stack[:-1] if _VERSION < (3, 12) else [*stack, OBJECT] if _VERSION == (3, 12) else stack
            return [(end, (*stack, OBJECT)), (self.target(op, name, arg, end), tuple(over))]
        if name in ('JUMP_IF_FALSE_OR_POP', 'JUMP_IF_TRUE_OR_POP'):
            kept = tuple(stack)
            take(1)
            return [(end, tuple(stack)), (self.target(op, name, arg, end), kept)]
        if name in _TAKES:
            take(_TAKES[name])
            self.leave(op, name, arg, stack)
        else:
            self.others(name, arg, stack, take)
        if name in _JUMPS:
            return [(self.target(op, name, arg, end), tuple(stack))]
        if op in dis.hasjrel or op in dis.hasjabs:
            return [(end, tuple(stack)), (self.target(op, name, arg, end), tuple(stack))]
        return [(end, tuple(stack))]

    def leave(self, op, name, arg, stack):
        more = dis.stack_effect(op, arg if op >= dis.HAVE_ARGUMENT else None, jump=False) + _TAKES[name]
        first = name == 'LOAD_FAST' and self.code['varnames'][arg] == '.0'     # what a comprehension goes through
        stack.extend([ITERATOR if first else OBJECT] * more)

    def others(self, name, arg, stack, take):
        if name == 'LOAD_CONST':
            const = self.code['consts'][arg]
            stack.append(CODE if isinstance(const, dict) else TUPLE if isinstance(const, tuple) else OBJECT)
        elif name == 'LOAD_GLOBAL':
            null = _VERSION >= (3, 11) and arg & 1
            stack.extend([OBJECT, NULL] if null and _VERSION >= (3, 13) else [NULL, OBJECT] if null else [OBJECT])
        elif name == 'PUSH_NULL':
            stack.append(NULL)
        elif name in ('LOAD_ATTR', 'LOAD_METHOD'):
            take(1)
            method = name == 'LOAD_METHOD' or _VERSION >= (3, 12) and arg & 1
            stack.extend([OBJECT] if not method else [OBJECT, EITHER] if _VERSION >= (3, 13) else [EITHER, OBJECT])
        elif name == 'LOAD_CLOSURE':
            stack.append(OBJECT)
        elif name in _MAKES:
            take(arg * (2 if name == 'BUILD_MAP' else 1))
            stack.append(_MAKES[name])
        elif name == 'BUILD_CONST_KEY_MAP':
            if take(arg + 1)[-1] != TUPLE:
                raise _Impossible
            stack.append(DICT)
        elif name == 'BUILD_SLICE':
            if arg not in (2, 3):
                raise _Impossible
            take(arg)
            stack.append(OBJECT)
        elif name in _ADDS:
            take(2 if name == 'MAP_ADD' else 1)
            if not 1 <= arg <= len(stack) or stack[-arg] != _ADDS[name]:
                raise _Impossible
        elif name == 'LIST_TO_TUPLE':
            if take(1) != [LIST]:
                raise _Impossible
            stack.append(OBJECT)
        elif name == 'FORMAT_VALUE':
            take(2 if arg & 4 else 1)
            stack.append(OBJECT)
        elif name == 'GET_ITER':
            take(1)
            stack.append(ITERATOR)
        elif name == 'END_FOR':
            take(2 if _VERSION == (3, 12) else 1)
        elif name in ('COPY', 'SWAP'):
            if not 1 <= arg <= len(stack):
                raise _Impossible
            if name == 'COPY':
                stack.append(stack[-arg])
            else:
                stack[-arg], stack[-1] = stack[-1], stack[-arg]
        elif name in ('DUP_TOP', 'ROT_TWO', 'ROT_THREE'):
            n = {'DUP_TOP': 1, 'ROT_TWO': 2, 'ROT_THREE': 3}[name]
            taken = take(n)
            stack.extend([*taken, *taken] if n == 1 else [taken[-1], *taken[:-1]])
        else:
            self.calls(name, arg, stack, take)

    def calls(self, name, arg, stack, take):
        if name == 'PRECALL':
            if arg + 2 > len(stack):
                raise _Impossible
        elif name == 'KW_NAMES':
            words = self.code['consts'][arg]
            if not isinstance(words, tuple) or not all(isinstance(w, str) for w in words):
                raise _Impossible
        elif name in ('CALL', 'CALL_KW', 'CALL_METHOD'):
            if name == 'CALL_KW' and take(1) != [TUPLE]:
                raise _Impossible
            take(arg)
            first, second = stack[-2:]
            del stack[-2:]
            if (first if _VERSION >= (3, 13) else second) in _NOTHING:
                raise _Impossible
            stack.append(OBJECT)
        elif name in ('CALL_FUNCTION', 'CALL_FUNCTION_KW'):
            taken = take(arg + 1 + (name == 'CALL_FUNCTION_KW'))
            if name == 'CALL_FUNCTION_KW' and taken[-1] != TUPLE:
                raise _Impossible
            stack.append(OBJECT)
        elif name == 'MAKE_FUNCTION':
            taken = take(1 + (bin(arg).count('1') if _VERSION < (3, 13) else 0))
            if taken[-1] != CODE or arg not in (0, 1, 8, 9):
                raise _Impossible
            stack.append(OBJECT)
        else:
            raise _Impossible

    def check_argument(self, op, name, arg):
        code = self.code
        shift = 0
        if _VERSION >= (3, 11) and name == 'LOAD_GLOBAL' or _VERSION >= (3, 12) and name == 'LOAD_ATTR':
            shift = 1
        if op in dis.hasconst and arg >= len(code['consts']) or op in dis.hasname and arg >> shift >= len(code['names']):
            raise _Impossible
        if op in dis.haslocal:
            for a in _locals(name, arg):
                if a >= len(code['varnames']) or name.startswith('LOAD_FAST') and a >= self.given and a not in self.stored:
                    raise _Impossible
                if self.kinds is not None and self.kinds[a] & 0xc0:
                    raise _Impossible
        if op in dis.hasfree or name in ('LOAD_CLOSURE', 'LOAD_DEREF', 'MAKE_CELL'):
            if arg >= self.slots or self.kinds is not None and not self.kinds[arg] & 0xc0:
                raise _Impossible
            if self.kinds is None and arg >= len(code['cellvars']) + len(code['freevars']):
                raise _Impossible
        if name == 'BINARY_OP' and arg > 25 or name in ('IS_OP', 'CONTAINS_OP') and arg > 1:
            raise _Impossible
        if name == 'COMPARE_OP' and arg >> {(3, 12): 4, (3, 13): 5, (3, 14): 5}.get(_VERSION, 0) > 5:
            raise _Impossible

    def target(self, op, name, arg, end):
        unit = 2 if _VERSION >= (3, 10) else 1
        if op in dis.hasjabs:
            return arg * unit
        return end - arg * unit if 'BACKWARD' in name else end + arg * unit


def _locals(name, arg):
    return [arg >> 4, arg & 15] if name.count('_FAST') == 2 else [arg]


def _joined(one, other):
    """The stack where two ways meet."""
    if len(one) != len(other):
        raise _Impossible
    joined = []
    for a, b in zip(one, other):
        if a != b and (a in _NOTHING or b in _NOTHING):
            raise _Impossible
        joined.append(a if a == b else OBJECT)
    return tuple(joined)
