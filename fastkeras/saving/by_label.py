"""Which of several layers of one class gets which group of a file of Keras 3.

Paths number the layers of a class by their place (`layers/dense`, `layers/dense_1`), so that a model with two of them in
another order would take each for the other. Keras 3 writes the layer's name beside its variables: where the names of the file
are those of the model, they decide. Names that were not given but counted ('dense_3') say less, as they tell in which order
layers were made: they decide where file and model have the same ones, and place where by them the shapes would not fit.
"""

import re

from fastkeras.saving import walk
from fastkeras.utils.errors import warn

_NUMBERED = re.compile(r'(.*?)(?:_(\d+))?')


class Labels:
    """Arranges the members of the containers of a model by what a store says that they are called."""

    def __init__(self, store, fits):
        """fits(path, part) → whether what the file has at the path has the shapes of the part's variables."""
        self._store, self._fits = store, fits
        self.moved = False      # whether any part is not at its place

    def arranged(self, path, inside):
        """(name in the file, part or container) of the same parts. inside: as `walk.members` gives it, by places."""
        groups = {}
        for name, part in inside:
            if walk.is_part(part) and isinstance(getattr(part, 'name', None), str):
                groups.setdefault(walk.class_name(part), {})[name] = part
        places = {}
        for word, parts in groups.items():
            if len(parts) > 1 and len({part.name for part in parts.values()}) == len(parts):
                places.update(self._by_names(f'{path}/' if path else '', word, parts))
        return [(places.get(name, name), part) for name, part in inside]

    def _by_names(self, start, word, parts):
        """{place: place by the names} of the layers of a class; {} where place decides. start: of their paths."""
        there = self._store.inside(start[:-1])
        if not parts.keys() <= set(there):
            return {}
        own = {place: part.name for place, part in parts.items()}
        labels = {place: self._store.label(start + place) for place in parts}
        if None in labels.values() or labels == own:
            return {}
        for place in there:
            if place not in labels and _word(place) == word:
                labels[place] = self._store.label(start + place)
        places = {label: place for place, label in labels.items()}
        moved = [place for place in parts if places.get(own[place], place) != place]
        given = [place for place in moved if _word(own[place]) != word]
        if not moved or len(places) != len(labels):
            return {}
        found = {place: places.get(name) for place, name in own.items()}
        known = None not in found.values() and (len(given) == len(moved) or len(labels) == len(parts))
        by_place = self._fit(start, parts, {place: place for place in parts})
        if known and (len(given) == len(moved) or not by_place or self._fit(start, parts, found)):
            if by_place and len(given) != len(moved):
                warn(f'the layers {_some(own[place] for place in moved)} stand in another order in the file; each gets the '
                     'weights that have its name there')
            self.moved = True
            return found
        if given and by_place:
            place = given[0]
            warn(f'weights are given by place, though names differ: layer {own[place]!r} gets those of {labels[place]!r}, at '
                 f'{start}{place}, while the file has {own[place]!r} at {start}{places[own[place]]}; where that is wrong, '
                 'give the layers the names that the file has')
        return {}

    def _fit(self, start, parts, places):
        return all(self._fits(start + places[place], part) for place, part in parts.items())


def _word(name):
    """A name without the number at its end."""
    return _NUMBERED.fullmatch(name)[1]


def _some(names):
    names = sorted(names)
    return ', '.join(map(repr, names[:6])) + (', …' if len(names) > 6 else '')
