"""Print the byte code of a few functions, as Keras writes it, in JSON: run by each Python whose code test_bytecode.py has.

    python3.7 record_bytecode.py > python37.json      # the files are then put together in byte_code.json, by version
"""

import base64
import json
import marshal
import sys

FUNCTIONS = {'call': lambda x: K.relu(x) * 2, 'choice': lambda x: x if len(x.shape) > 2 else x + 1,      # noqa: F821
             'part': lambda x: x[:, 1:], 'inner': lambda x: (lambda y: y + x)(1)}
json.dump({'%d.%d' % sys.version_info[:2]: {          # noqa: UP031
    name: base64.b64encode(marshal.dumps(f.__code__)).decode() for name, f in FUNCTIONS.items()}}, sys.stdout)
