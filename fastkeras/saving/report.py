"""What loading weights did with each of them."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class LoadReport:
    """What became of the weights of a file and of a model: `load_weights` gives it.

    used: those of the file that the model has now; unused: those of the file that it has not; missing: those of the model,
    for which the file had nothing, and which are as they were. Lists of names, as the file and the model have them. A report
    is printed as a few lines; `complete` says whether each weight of either found its place.
    """

    file: str = ''
    used: list[str] = dataclasses.field(default_factory=list)
    unused: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is unused and nothing missing."""
        return not self.unused and not self.missing

    def __str__(self):
        lines = [f'Weights{" of " if self.file else ""}{self.file}: {len(self.used)} used, {len(self.unused)} unused, '
                 f'{len(self.missing)} missing']
        for names, what in (self.unused, 'in the file only'), (self.missing, 'in the model only'):
            if names:
                lines.append(f'  {what}:')
                lines += [f'    {name}' for name in names[:20]]
                if len(names) > 20:
                    lines.append(f'    … and {len(names) - 20} more')
        return '\n'.join(lines)

    __repr__ = __str__
