"""Boxes and masks drawn on images, and galleries of them, as `keras.visualization` of Keras 3.15. Drawing takes Pillow, which
is installed with this package; galleries take matplotlib, which is not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastkeras import config, ops
from fastkeras.utils import bounding_boxes as boxes_of

__all__ = ['draw_bounding_boxes', 'draw_segmentation_masks', 'plot_bounding_box_gallery', 'plot_image_gallery',
           'plot_segmentation_mask_gallery']

PALETTE = 2 ** 25 - 1, 2 ** 15 - 1, 2 ** 21 - 1    # whose multiples, modulo 255, are the colours of classes
TEXT = 22       # pixels that letters are high at a font_scale of 1


def _batch(function, images, data_format, name='images'):
    """A batch of images as an array with channels last."""
    first = config.standardize_data_format(data_format) == 'channels_first'
    images = ops.convert_to_numpy(images)
    if images.ndim != 4:
        raise ValueError(f'{function}: {name} must be a batch of rank 4, got shape {images.shape}')
    return images.transpose(0, 2, 3, 1) if first else images


def _color(function, value):
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        raise ValueError(f'{function}: a color must be three numbers from 0 to 255, got {value!r}')
    return tuple(int(v) for v in value)


def draw_bounding_boxes(images: Any, bounding_boxes: Any, bounding_box_format: Any, class_mapping: Any = None,
                        color: Any = (128, 128, 128), line_thickness: Any = 2, text_thickness: Any = 1, font_scale: Any = 1.0,
                        data_format: Any = None) -> Any:
    """Images with boxes drawn on them, and the names of their classes.

    images: (batch, height, width, channels), or with channels first by data_format; floats of up to 1 are taken to be shares of
    255. bounding_boxes: dictionary of 'boxes' (batch, boxes, 4) in bounding_box_format, 'labels' (batch, boxes), -1 for no box,
    and maybe 'confidences' (batch, boxes). class_mapping: label → name. color: red, green, blue. line_thickness,
    text_thickness: pixels. font_scale: 1 for letters of 22 pixels. Returns uint8 with channels last. ValueError for others.
    """
    function = 'draw_bounding_boxes'
    images, color = _batch(function, images, data_format), _color(function, color)
    if not isinstance(bounding_boxes, dict) or not {'boxes', 'labels'} <= set(bounding_boxes):
        raise ValueError(f"{function}: bounding_boxes must be a dictionary with the keys 'boxes' and 'labels', got "
                         f'{sorted(bounding_boxes) if isinstance(bounding_boxes, dict) else type(bounding_boxes).__name__}')
    made = _bytes(images)
    boxes = ops.convert_to_numpy(boxes_of.convert_format(bounding_boxes['boxes'], bounding_box_format, 'xyxy',
                                                         *images.shape[1:3])).astype(int)
    labels = ops.convert_to_numpy(bounding_boxes['labels']).astype(int)
    sure = bounding_boxes.get('confidences')
    for n, image in enumerate(made):
        for k, (box, label) in enumerate(zip(boxes[n], labels[n])):
            if label == -1:
                continue
            _rectangle(image, box, color, int(line_thickness))
            if class_mapping and label in class_mapping:
                text = str(class_mapping[label])
                if sure is not None:
                    text += f' | {float(ops.convert_to_numpy(sure)[n][k]):.2f}'
                made[n] = _written(image, text, box, color, font_scale, int(text_thickness or line_thickness))
    return made


def _bytes(images):
    if images.dtype.kind == 'f' and images.size:
        images = images * 255 if images.max() <= 1 else images
        images = np.clip(images, 0, 255)
    return images.astype(np.uint8)


def _rectangle(image, box, color, thickness):
    """The lines of a box, half of their thickness on either side."""
    left, top, right, bottom = box
    color = np.array((*color, 255)[:image.shape[-1]], np.uint8)
    before, behind = thickness // 2, thickness - thickness // 2

    def fill(rows, columns):
        (a, b), (c, d) = rows, columns
        image[max(a, 0):max(b, 0), max(c, 0):max(d, 0)] = color

    for y in (top, bottom):
        fill((y - before, y + behind), (left - before, right + behind))
    for x in (left, right):
        fill((top - before, bottom + behind), (x - before, x + behind))


def _written(image, text, box, color, scale, thickness):
    """The image with text above the box, or inside it where there is no room."""
    from PIL import Image, ImageDraw, ImageFont
    try:
        font = ImageFont.load_default(TEXT * scale)
    except TypeError:       # Pillow before 10.1 has one size
        font = ImageFont.load_default()
    grey = image.shape[-1] == 1
    canvas = Image.fromarray(image[..., 0] if grey else image[..., :3])
    high = int(TEXT * scale)
    y = box[1] - high - 4 if box[1] - high - 4 > 0 else box[1] + thickness + 3
    ImageDraw.Draw(canvas).text((int(box[0]), int(y)), text, fill=color[0] if grey else color, font=font,
                                stroke_width=max(thickness - 1, 0))
    made = np.array(canvas).reshape(*image.shape[:2], -1)
    return np.concatenate([made, image[..., 3:]], axis=-1) if image.shape[-1] > 3 else made


def draw_segmentation_masks(images: Any, segmentation_masks: Any, num_classes: Any = None, color_mapping: Any = None,
                            alpha: Any = 0.8, blend: Any = True, ignore_index: Any = -1, data_format: Any = None) -> Any:
    """Images with the pixels of each class coloured.

    images: (batch, height, width, 3) of 0 to 255, segmentation_masks: (batch, height, width, 1), whole numbers; or both with
    channels first by data_format. num_classes: classes from here on are left as they are; None: all have a colour.
    color_mapping: class → (red, green, blue). blend: mix colour and image, the colour with the share alpha. ignore_index:
    pixels of this class are left as they are. Returns uint8 with channels last. ValueError for others.
    """
    function = 'draw_segmentation_masks'
    images = _batch(function, images, data_format).astype(np.float32)
    masks = _batch(function, segmentation_masks, data_format, 'segmentation_masks')
    if masks.dtype.kind not in 'iu':
        raise ValueError(f'{function}: segmentation_masks must be of whole numbers, got {masks.dtype}')
    if masks.shape != (*images.shape[:3], 1):
        raise ValueError(f'{function}: segmentation_masks must have shape {(*images.shape[:3], 1)}, a class for each pixel, '
                         f'got {masks.shape}')
    count = int(num_classes) if num_classes is not None else int(masks.max(initial=-1)) + 1
    drawn = images.copy()
    for k in range(count):
        if k != ignore_index:
            color = color_mapping[k] if color_mapping is not None else [k * n % 255 for n in PALETTE]
            drawn[masks[..., 0] == k] = _color(function, color)
    if blend:
        drawn = images * (1 - alpha) + drawn * alpha
    return np.clip(drawn, 0, 255).astype(np.uint8)


# ---- galleries
def _matplotlib(function):
    try:
        from matplotlib import patches, pyplot
    except ImportError:
        raise ImportError(f'{function} needs the package matplotlib: pip install matplotlib') from None
    return pyplot, patches


def plot_image_gallery(images: Any, y_true: Any = None, y_pred: Any = None, label_map: Any = None, rows: Any = None,
                       cols: Any = None, value_range: Any = (0, 255), scale: Any = 2, path: Any = None, show: Any = None,
                       transparent: Any = True, dpi: Any = 60, legend_handles: Any = None, data_format: Any = None) -> Any:
    """Images side by side, by matplotlib.

    images: (batch, height, width, channels), or with channels first by data_format. y_true, y_pred: (batch,) labels and
    predictions that stand above, by the names of label_map. rows, cols: of the gallery; None: about a square. value_range: the
    least and the largest value of a pixel. scale: inches of an image. path: a file to save to; without it the gallery is
    shown, unless show is False: then the figure is returned. transparent, dpi: of the file. legend_handles: of matplotlib.
    ValueError for others, ImportError without matplotlib.
    """
    function = 'plot_image_gallery'
    if path is not None and show:
        raise ValueError(f'{function}: a gallery is saved to path or shown; give path, or show=True, not both')
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ValueError(f'{function}: y_true and y_pred need label_map, the names of their labels')
    images = _batch(function, images, data_format)
    plt, _ = _matplotlib(function)
    low, high = value_range
    images = np.clip((images.astype(np.float32) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    rows = rows or math.ceil(len(images) / cols) if cols else rows or math.ceil(math.sqrt(len(images)))
    cols = cols or math.ceil(len(images) / rows)
    figure, axes = plt.subplots(rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout='tight', squeeze=False)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc='lower center')
    said = [('Label', y_true), ('Pred', y_pred)]
    said = [(word, ops.convert_to_numpy(y).tolist()) for word, y in said if y is not None]
    for k, axis in enumerate(axes.flat):
        axis.axis('off')
        if k < len(images):
            axis.imshow(images[k] if images.shape[-1] != 1 else images[k, ..., 0], cmap='gray', vmin=0, vmax=255)
            title = '  '.join(f'{word}: {label_map.get(y[k], "Unknown")}' for word, y in said if k < len(y))
            if title:
                axis.set_title(title, fontsize=8)
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches='tight', transparent=transparent, dpi=dpi)
    elif show is None or show:
        plt.show()
    else:
        return figure
    plt.close(figure)
    return None


def plot_bounding_box_gallery(images: Any, bounding_box_format: Any, y_true: Any = None, y_pred: Any = None,
                              value_range: Any = (0, 255), true_color: Any = (0, 188, 212), pred_color: Any = (255, 235, 59),
                              line_thickness: Any = 2, font_scale: Any = 1.0, text_thickness: Any = None,
                              class_mapping: Any = None, ground_truth_mapping: Any = None, prediction_mapping: Any = None,
                              legend: Any = False, legend_handles: Any = None, rows: Any = None, cols: Any = None,
                              data_format: Any = None, **kwargs: Any) -> Any:
    """A gallery of images with boxes: those of y_true in true_color, those of y_pred in pred_color, named by
    ground_truth_mapping and prediction_mapping, both by default class_mapping. legend: say which is which. The other arguments
    are those of `draw_bounding_boxes` and `plot_image_gallery`."""
    function = 'plot_bounding_box_gallery'
    if legend and legend_handles:
        raise ValueError(f'{function}: give legend=True or legend_handles, not both')
    low, high = value_range
    drawn = (_batch(function, images, data_format).astype(np.float32) - low) * (255 / (high - low))
    drawn = np.clip(drawn, 0, 255).astype(np.uint8)
    for boxes, color, mapping in ((y_true, true_color, ground_truth_mapping), (y_pred, pred_color, prediction_mapping)):
        if boxes is not None:
            drawn = draw_bounding_boxes(drawn, boxes, bounding_box_format, mapping or class_mapping, color, line_thickness,
                                        text_thickness, font_scale, 'channels_last')
    if legend:
        _, patches = _matplotlib(function)
        legend_handles = [patches.Patch(color=np.array(color) / 255, label=label)
                          for color, label in ((true_color, 'Ground Truth'), (pred_color, 'Prediction'))]
    return plot_image_gallery(drawn, rows=rows, cols=cols, legend_handles=legend_handles, data_format='channels_last', **kwargs)


def plot_segmentation_mask_gallery(images: Any, num_classes: Any, value_range: Any = (0, 255), y_true: Any = None,
                                   y_pred: Any = None, color_mapping: Any = None, blend: Any = True, alpha: Any = 0.8,
                                   ignore_index: Any = -1, data_format: Any = None, **kwargs: Any) -> Any:
    """A gallery of images, one to a row, and beside each of them the image with the masks of y_true and with those of y_pred.
    The other arguments are those of `draw_segmentation_masks` and `plot_image_gallery`."""
    function = 'plot_segmentation_mask_gallery'
    images = _batch(function, images, data_format).astype(np.float32)
    low, high = value_range
    images = (images - low) * (255 / (high - low))
    columns = [images]
    for masks in (y_true, y_pred):
        if masks is not None:
            masks = _batch(function, masks, data_format, 'masks').astype(np.int32)
            columns.append(draw_segmentation_masks(images, masks, num_classes, color_mapping, alpha, blend, ignore_index,
                                                   'channels_last').astype(np.float32))
    gallery = np.stack(columns, axis=1).reshape(-1, *images.shape[1:])
    return plot_image_gallery(gallery, rows=len(images), cols=len(columns), data_format='channels_last', **kwargs)
