"""Where Keras's message for a mistake is one that people search for, ours has the same words."""

import json
from pathlib import Path

import pytest

import fastkeras
from tests.legacy import word_cases, word_cases_of_layers  # noqa: F401

KERAS = json.loads(Path(__file__).with_name('words.json').read_text())


@pytest.mark.parametrize('name', word_cases.CASES)
def test_words(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fastkeras.backend.clear_session()       # names begin at 1
    function, words = word_cases.CASES[name]
    text = word_cases.message(function, fastkeras)
    assert not word_cases.missing(words, text), text


@pytest.mark.parametrize('name', word_cases.CASES)
def test_keras_says_them(name):
    _, words = word_cases.CASES[name]
    said = [set(version[name]) for version in KERAS.values()]
    assert set(words) <= set().union(*said)
