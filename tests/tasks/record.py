"""Records what a real Keras reaches with each task, by three seeds, in tasks.json (see __init__.py):

    FASTKERAS_ARTIFACTS=folder python tests/tasks/record.py --keras3 imdb_lstm
    FASTKERAS_ARTIFACTS=folder KERAS224=folder-of-keras224.py python tests/tasks/record.py --keras2
"""
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
FILE = HERE / 'tasks.json'


def main(argv):
    generation, names = argv[0].removeprefix('--keras'), argv[1:]
    if generation == '2':
        sys.path.insert(0, os.environ['KERAS224'])
        from keras224 import keras, tf
    else:
        import keras
    from tests import tasks
    from tests.tasks import images, sequences  # noqa: F401
    tasks.FOLDER[0] = Path(os.environ['FASTKERAS_ARTIFACTS'])
    for name, task in tasks.TASKS.items():
        if task.by != generation or names and name not in names:
            continue
        found = []
        for seed in (1, 2, 3):
            keras.backend.clear_session()
            if generation == '2':
                tf.set_random_seed(seed)
            tasks.seeded(keras, seed)
            begin = time.time()
            found.append(round(task.run(keras), 5))
            print(name, found[-1], f'{time.time() - begin:.1f} s', flush=True)
        recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
        recorded[name] = found
        FILE.write_text(json.dumps(dict(sorted(recorded.items())), indent=1) + '\n')


if __name__ == '__main__':
    main(sys.argv[1:])
