"""Which layers take part: the rules include and exclude."""

from fastkeras.utils.errors import ModelFileError

_PHASES = {'TRAIN': 0, 'TEST': 1}


def selected(layers, state, path):
    """The layers of which the rules hold for a state (phase, level, stages), as (layer, unknown), and those left out."""
    phase, level, stages = state
    if phase not in _PHASES:
        raise ValueError(f"load_caffe: expected phase to be 'TEST' or 'TRAIN', got {phase!r}")
    kept, left = [], []
    for layer, unknown in layers:
        if layer.include and layer.exclude:
            raise ModelFileError(f'{path}: layer {layer.name!r}: expected include or exclude, got both')
        meets = [_meets(rule, _PHASES[phase], level, stages) for rule in (layer.include or layer.exclude)]
        takes_part = any(meets) if layer.include else not any(meets)
        (kept if takes_part else left).append((layer, unknown))
    return kept, left


def _meets(rule, phase, level, stages):
    return not (rule.HasField('phase') and rule.phase != phase
                or rule.HasField('min_level') and level < rule.min_level
                or rule.HasField('max_level') and level > rule.max_level
                or any(s not in stages for s in rule.stage) or any(s in stages for s in rule.not_stage))
