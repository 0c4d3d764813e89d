"""Models as text of YAML, as Keras 1 and 2 wrote them beside JSON.

What such a text says is read as data: no tag of Python's, no references, and as much as JSON may hold (saving/limits.py).
"""

from __future__ import annotations

import json
from typing import Any

from fastkeras.saving import json as configs
from fastkeras.saving import limits
from fastkeras.utils.errors import ModelFileError


def _yaml():
    try:
        import yaml
    except ImportError as error:
        raise ImportError('YAML needs the package PyYAML: pip install pyyaml; to_json and model_from_json need nothing'
                          ) from error
    return yaml


def to_yaml(model: Any, **kwargs: Any) -> str:
    """A model's configuration as text of YAML. kwargs: of yaml.safe_dump. ImportError without PyYAML."""
    plain = json.loads(json.dumps(configs.model_config(model), default=configs.encode))
    return _yaml().safe_dump(plain, **kwargs)


def model_from_yaml(yaml_string: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of a configuration as text of YAML, with new weights.

    ModelFileError (a ValueError) for text that is none, for tags and references in it, and for more than limits.LIMITS allow.
    ImportError without PyYAML.
    """
    yaml, what = _yaml(), 'model_from_yaml'
    if hasattr(yaml_string, 'read'):
        yaml_string = yaml_string.read()
    if not isinstance(yaml_string, (str, bytes)):
        raise ModelFileError(f'{what}: expected text, as to_yaml gives it, got {type(yaml_string).__name__}')
    limits.check('json_bytes', len(yaml_string), f'{what}: the text')

    class Plain(yaml.SafeLoader):
        """Of plain values only: references could make terabytes of a line."""

        items = 0

        def compose_node(self, parent, index):
            self.items += 1
            limits.check('yaml_items', self.items, f'{what}: the text, values and keys in it')
            if self.check_event(yaml.events.AliasEvent):
                raise yaml.YAMLError('references to other parts of the text are not read')
            return super().compose_node(parent, index)

        def construct_mapping(self, node, deep=False):
            keys = [key.value for key, _ in node.value]
            if len(set(map(str, keys))) != len(keys):
                raise yaml.YAMLError('a dictionary has a key twice')
            return super().construct_mapping(node, deep)

    try:
        found = yaml.load(yaml_string, Plain)     # a SafeLoader: it makes no objects
        text = json.dumps(found)
    except ModelFileError:
        raise
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(f'{what}: expected text of YAML, as to_yaml gives it: {error}') from error
    return configs.model_from_config(limits.read_json(text, what), custom_objects)
