"""The layers of SSD."""

from .caffe_detection import CaffeDetectionOutput, CaffePriorBox
from .draft import shown
from .known import finite, layer_type, one, positive


@layer_type('PriorBox')
def prior_box(draft, layer, bottoms):
    p = layer.prior_box_param
    features, image = (draft.as_image(x) for x in one(draft, bottoms, 2))
    lists = {'min_sizes': p.min_size, 'max_sizes': p.max_size, 'aspect_ratios': p.aspect_ratio, 'variances': p.variance}
    config = {name: [finite(draft, name, v) for v in values] for name, values in lists.items()}
    config['variances'] = config['variances'] or [0.1]
    if not config['min_sizes'] or any(v < 1 for v in config['min_sizes'] + config['max_sizes']):
        raise draft.error('expected min_size, and max_size, of 1 or more')
    if len(config['max_sizes']) not in (0, len(config['min_sizes'])):
        raise draft.error(f"expected as many max_size as min_size, {len(config['min_sizes'])}, got {len(config['max_sizes'])}")
    if any(r < 1e-6 for r in config['aspect_ratios']) or any(v <= 0 for v in config['variances']):
        raise draft.error('expected aspect_ratio and variance to be positive')
    if len(config['variances']) not in (1, 4):
        raise draft.error(f"expected one or four variances, got {len(config['variances'])}")
    if sum(map(len, config.values())) > 1000:
        raise draft.error('expected at most 1000 sizes and ratios')
    step = finite(draft, 'step', p.step)
    config['steps'] = [step or finite(draft, 'step_h', p.step_h), step or finite(draft, 'step_w', p.step_w)]
    if min(config['steps']) < 0:
        raise draft.error('expected a step of 0 or more')
    config['img_size'] = [p.img_size or p.img_h, p.img_size or p.img_w]
    config.update(flip=p.flip, clip=p.clip, offset=finite(draft, 'offset', p.offset), data_format=draft.data_format)
    draft.known(*features.shape[2:], *image.shape[2:])
    made = CaffePriorBox(**config)
    try:
        shape = made.compute_output_shape([(None, *_spatial(draft, features)), None])
    except ValueError as error:
        raise draft.error(str(error)) from None
    return [draft.add(CaffePriorBox, config, [features, image], shape, 'caffe')]


def _spatial(draft, blob):
    c, h, w = blob.shape[1:]
    return (c, h, w) if draft.data_format == 'channels_first' else (h, w, c)


@layer_type('DetectionOutput')
def detection_output(draft, layer, bottoms):
    p = layer.detection_output_param
    bottoms = [draft.as_caffe(x) for x in one(draft, bottoms, 3)]
    classes = positive(draft, 'num_classes', p.num_classes)
    nms = p.nms_param
    config = {'num_classes': classes, 'share_location': p.share_location, 'background_label_id': p.background_label_id,
              'nms_threshold': finite(draft, 'nms_threshold', nms.nms_threshold),
              'top_k': nms.top_k if nms.HasField('top_k') else -1, 'eta': finite(draft, 'eta', nms.eta),
              'code_type': {1: 'corner', 2: 'center_size', 3: 'corner_size'}[p.code_type],
              'variance_encoded_in_target': p.variance_encoded_in_target, 'keep_top_k': p.keep_top_k}
    if p.HasField('confidence_threshold'):
        config['confidence_threshold'] = finite(draft, 'confidence_threshold', p.confidence_threshold)
    if config['nms_threshold'] < 0 or not 0 < config['eta'] <= 1 or config['top_k'] < -1 or config['keep_top_k'] < -1 \
            or 0 in (config['top_k'], config['keep_top_k']):
        raise draft.error('expected nms_threshold of 0 or more, eta above 0 to 1, top_k and keep_top_k of 1 or more, or -1')
    shapes = [x.shape for x in bottoms]
    draft.known(*(d for s in shapes for d in s[1:]))
    if [len(s) for s in shapes] != [2, 2, 3] or shapes[2][1] != 2 or shapes[2][2] % 4:
        raise draft.error(f'expected locations, confidences and prior boxes, got blobs of shapes '
                          f'{", ".join(map(shown, shapes))}')
    try:
        shape = CaffeDetectionOutput(**config).compute_output_shape(shapes)
    except ValueError as error:
        raise draft.error(str(error)) from None
    return [draft.add(CaffeDetectionOutput, config, bottoms, shape, 'caffe')]
