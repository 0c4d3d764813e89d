"""The .keras archive: a zip file with metadata.json, config.json, model.weights.h5 and files of layers (assets/…)."""

import contextlib
import datetime
import io
import json
import zipfile

from fastkeras import generation
from fastkeras.layers import registry
from fastkeras.runtime.variable import weights_later
from fastkeras.saving import h5_texts, legacy_h5, limits, npz_weights, objects, part_weights, refusals
from fastkeras.saving import json as configs
from fastkeras.saving.stores import H5Store, H5Writer
from fastkeras.saving.zips import Members, lacking
from fastkeras.utils import seed
from fastkeras.utils.errors import ModelFileError, warn

METADATA, CONFIG, WEIGHTS, ASSETS = 'metadata.json', 'config.json', 'model.weights.h5', 'assets/'
WEIGHTS_NPZ = 'model.weights.npz'        # which Keras 3 writes where it is told to, in place of the other
TOP = (METADATA, CONFIG, WEIGHTS, WEIGHTS_NPZ, 'assets')         # what stands in a folder of a model
# in metadata.json: what only this package keeps
OWN = 'fastkeras'


# ---- writing
def members_of(model, include_optimizer=True):
    """{name: text or bytes} of the archive of a model: configuration, weights and, if compiled, how it is trained and the
    optimizer's state."""
    optimizer = include_optimizer and hasattr(getattr(model, 'optimizer', None), 'get_config')
    if include_optimizer and getattr(model, 'optimizer', None) is not None and not optimizer:
        warn('the optimizer has no get_config, so how the model was compiled is not saved')
    config = archive_config(model, optimizer)
    own = {'generation': generation.config.generation()}
    if optimizer and own['generation'] != 3:
        own['training_config'] = legacy_h5.training_config(model)
    metadata = {'keras_version': configs.KERAS3_VERSION,
                'date_saved': datetime.datetime.now().strftime('%Y-%m-%d@%H:%M:%S'), OWN: own}
    assets = {}
    memory = io.BytesIO()
    with legacy_h5.h5py().File(memory, 'w') as weights:
        part_weights.save(model, H5Writer(weights), assets, optimizer)
        if optimizer:
            legacy_h5.write_state(model, weights)
    members = {METADATA: json.dumps(metadata, default=configs.encode), CONFIG: json.dumps(config, default=configs.encode),
               WEIGHTS: memory.getbuffer()}
    for path, files in assets.items():
        for name, data in files.items():
            members[f'{ASSETS}{path}/{name}' if path else f'{ASSETS}{name}'] = data
    return members


def write(file, members):
    """Write an archive into a file open for writing bytes."""
    with zipfile.ZipFile(file, 'w', allowZip64=True) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def archive_config(model, compiled=True):
    """The configuration of a model in the form of Keras 3, whatever generation it was made in."""
    with generation.scope(3):
        config = registry.serialize(model)
        config['build_config'] = model.get_build_config()
        if compiled:
            config['compile_config'] = model.get_compile_config()
        return config


# ---- reading
def read_model(members, custom_objects=None, compile=True, safe_mode=True):
    """The model of an archive (zips.Members), compiled as it was when `compile` and the file says how."""
    metadata = _json(members, METADATA) if METADATA in members.names else {}
    config = _json(members, CONFIG)
    own = metadata.get(OWN) if isinstance(metadata.get(OWN), dict) else {}
    version = str(metadata.get('keras_version') or '')
    with seed.apart(), weights_later(drawn=False), limits.describing(CONFIG):
        # what is written here is in the form of Keras 3, whatever generation the training was of
        model = configs.model_from_config(config, custom_objects, configs.KERAS3_VERSION if own else version or None, safe_mode)
        _build(model, config)
    which = own.get('generation')
    which = which if which in (2, 3, '2.2.4') else configs.generation_of_file(config, version or None)
    trained = own.get('training_config')
    with generation.scope(which):
        if compile:
            with refusals.of_file(CONFIG if trained is None else METADATA), limits.describing('how the model was compiled'):
                _compile(model, config.get('compile_config'), trained, custom_objects)
    with generation.scope(which), open_weights(members) as store:
        part_weights.load(model, store, Assets(members), optimizer=compile, own=True)
        if compile and getattr(model, 'optimizer', None) is not None and isinstance(store, H5Store):
            legacy_h5.read_state(model, store.root)
    return model


def _json(members, name):
    size = members.size(name)[0] if name in members.names else 0
    limits.check('json_bytes', size, f'{name}, bytes of JSON')
    return limits.read_json(members.read(name), name)


def _build(model, config):
    """Make the weights of a model that its configuration did not give a graph."""
    built_for = config.get('build_config')
    if built_for and not model.weights and getattr(model, '_graph', None) is None:
        model.build_from_config(built_for)


def _compile(model, said, trained, custom_objects):
    if trained is not None:
        legacy_h5.compile_as_saved(model, trained, custom_objects)
    elif said:
        with objects.CustomObjectScope(custom_objects or {}):
            model.compile_from_config(said)


@contextlib.contextmanager
def open_weights(members):
    """The store of the weights of an archive, to be used in a `with` block."""
    if WEIGHTS not in members.names and WEIGHTS_NPZ in members.names:
        with refusals.of_file(WEIGHTS_NPZ), members.open(WEIGHTS_NPZ) as source:
            yield npz_weights.NpzStore(Members(source))
        return
    if WEIGHTS not in members.names:
        raise ModelFileError(lacking(WEIGHTS, members.names))
    with (refusals.of_file(WEIGHTS), members.open(WEIGHTS) as source, legacy_h5.h5py().File(source, 'r') as file,
          h5_texts.bytes_from(file, source)):
        store = H5Store(file, getattr(source, 'check', None))
        yield store
        store.check()


class Assets:
    """What layers keep in files of an archive."""

    def __init__(self, members):
        self._members = members
        self._names = [name for name in members.names if name.startswith(ASSETS)]

    def __bool__(self):
        return bool(self._names)

    def under(self, path):
        """name → bytes of the files of the layer at a path."""
        start = f'{ASSETS}{path}/' if path else ASSETS
        return {name[len(start):]: self._members.read(name) for name in self._names if name.startswith(start)}
