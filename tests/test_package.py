"""The package as it is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

import fastkeras


def test_modules_are_loaded_when_used():
    code = ('import sys, fastkeras; assert not any(m.startswith("fastkeras.") for m in sys.modules), sys.modules; '
            'assert fastkeras.layers.Dense(3).units == 3; assert fastkeras.Sequential is fastkeras.models.Sequential; '
            'assert "h5py" not in sys.modules; from fastkeras.utils import to_categorical; import fastkeras.models as '
            'm; '
            'assert m.load_model')
    subprocess.run([sys.executable, '-c', code], check=True)


def test_all_names_exist():
    for name in fastkeras.__all__:
        assert getattr(fastkeras, name) is not None
    for name in fastkeras.utils.__all__:
        assert getattr(fastkeras.utils, name) is not None
    from fastkeras.utils.np_utils import normalize, to_categorical
    assert fastkeras.utils.np_utils.to_categorical is to_categorical is fastkeras.utils.to_categorical
    assert fastkeras.utils.np_utils.normalize is normalize


def test_names():
    assert fastkeras.__version__.count('.') == 2
    assert {'layers', 'models', 'Input', 'Sequential'} <= set(dir(fastkeras))
    with pytest.raises(AttributeError, match='layrs'):
        _ = fastkeras.layrs
    with pytest.raises(ImportError):
        from fastkeras.models import Sequentail  # noqa: F401


def test_the_licence_is_named_and_packed():
    root = Path(__file__).resolve().parent.parent
    text = (root / 'LICENSE').read_text()
    assert text.split()[:2] == ['Apache', 'License'] and 'END OF TERMS AND CONDITIONS' in text
    project = (root / 'pyproject.toml').read_text()
    assert 'license = "Apache-2.0"' in project and 'license-files = ["LICENSE"]' in project
