"""The process in which hostile files are opened: it watches itself, and tells what each of them did.

Reads a list of cases as JSON from its input, writes a list of outcomes. See hostile_box.
"""

import contextlib
import json
import os
import random
import resource
import signal
import sys
import time
import warnings

ALLOWED_IMPORTS = ('fastkeras', 'numpy', 'h5py', 'encodings', 'json', 'zlib', 'zipfile', '_')
FORBIDDEN = ('exec', 'compile', 'marshal.loads', 'pickle.find_class', 'subprocess.Popen', 'os.system', 'os.exec', 'os.fork',
             'os.posix_spawn', 'ctypes.dlopen', 'os.remove', 'os.rename', 'os.mkdir', 'shutil.', 'tempfile.', 'socket.',
             'urllib.', 'ftplib.', 'webbrowser.')
watched, allowed = [], set()


def hook(event, arguments):
    if watched and event.startswith(FORBIDDEN):
        watched[-1].append(f'{event} {arguments!r:.60}')
    elif watched and event == 'import' and not str(arguments[0]).startswith(ALLOWED_IMPORTS):
        watched[-1].append(f'import {arguments[0]}')
    elif watched and event == 'open' and isinstance(arguments[0], (str, bytes)):
        path = os.fsdecode(arguments[0])
        if os.path.abspath(path) not in allowed and not path.startswith('/proc/self/'):
            watched[-1].append(f'open {path}')


def peak():
    """The most memory that was resident since `forget_peak`, in bytes."""
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith('VmHWM'))


def forget_peak():
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')


def state():
    """What a refusal must leave as it was."""
    import numpy as np

    import fastkeras
    umask = os.umask(0)
    os.umask(umask)
    kind, keys, *rest = np.random.get_state()
    return {'floatx': fastkeras.config.floatx(), 'format': fastkeras.config.image_data_format(), 'numpy': (keys.tolist(), rest),
            'random': random.getstate(), 'folder': os.getcwd(), 'umask': umask, 'environment': dict(os.environ),
            'signals': [signal.getsignal(s) for s in range(1, 32)], 'files': sorted(os.listdir('/proc/self/fd')),
            'filters': list(warnings.filters), 'safe': fastkeras.config.unsafe_deserialization(),
            'custom': dict(fastkeras.saving.get_custom_objects())}


def do(case, good):
    """Open a file as the case says."""
    from fastkeras import layers, models, saving
    how, path = case['how'], case['path']
    if how == 'json':
        with open(path, 'rb') as file:
            return models.model_from_json(file.read())
    if how == 'weights':
        before = good.get_weights()
        try:
            good.load_weights(path)
        except Exception:
            assert all((a == b).all() for a, b in zip(before, good.get_weights())), 'some weights were overwritten'
            raise
        good.set_weights(before)
        return good
    if how == 'image':
        from fastkeras.utils import load_img
        return load_img(path).load()
    if how == 'editor':
        return saving.KerasFileEditor(path)
    if how == 'layer':
        with open(path) as file:
            return layers.deserialize(json.load(file))
    return models.load_model(path, **case.get('arguments', {}))


def main():
    folder, cases = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter('ignore')
    import numpy as np

    from fastkeras import backend, layers, losses, metrics, models, optimizers, regularizers, saving  # noqa: F401
    x = np.random.default_rng(0).standard_normal((4, 3)).astype('float32')
    good = models.load_model(os.path.join(folder, 'good.h5'))
    first = good.predict(x, verbose=0)
    models.model_from_json(good.to_json())
    if any(case['how'] == 'image' for case in cases):       # what opens images is imported by then
        with contextlib.suppress(OSError):
            do({'how': 'image', 'path': __file__}, good)
    sys.addaudithook(hook)
    out = []
    for case in cases:
        allowed.clear()
        allowed.update((os.path.abspath(case['path']), '/proc/self/status', '/proc/self/clear_refs'))
        before = state()
        forget_peak()
        used, began, clock = peak(), time.process_time(), time.monotonic()
        watched.append([])
        seen = watched[-1]
        made = None
        try:
            made = do(case, good)
            outcome, words = 'loaded', ''
        except Exception as error:
            kinds = [c.__name__ for c in type(error).__mro__]
            outcome = next((k for k in kinds if k in ('ModelFileError', 'OSError', 'MemoryError', 'ValueError')), kinds[0])
            words = str(error)
        watched.clear()
        seconds, waited, grown = time.process_time() - began, time.monotonic() - clock, peak() - used
        del made
        after = state()
        same = bool((good.predict(x, verbose=0) == first).all())
        out.append({'outcome': outcome, 'words': words[:2000], 'seconds': seconds, 'waited': waited, 'grown': grown,
                    'seen': seen, 'changed': [k for k in before if before[k] != after[k]], 'same': same})
    print(json.dumps(out))


if __name__ == '__main__':
    main()
