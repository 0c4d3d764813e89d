"""Boxes and masks drawn on images, and galleries of them."""

import sys

import numpy as np
import pytest

from fastkeras import visualization


def white(n=2, size=40):
    return np.full((n, size, size, 3), 255, 'uint8')


def boxes(**more):
    return {'boxes': np.float32([[[5, 10, 20, 30]], [[0.5, 0.5, 3, 3]]]), 'labels': np.int32([[1], [-1]]), **more}


def test_boxes_are_drawn():
    images = white()
    made = visualization.draw_bounding_boxes(images, boxes(), 'xyxy', color=(1, 2, 3), line_thickness=2)
    assert made.dtype == np.uint8 and (images == 255).all()
    rows, columns = np.nonzero((made[0] == [1, 2, 3]).all(-1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 30, 4, 20)
    assert (made[0, 12:28, 8:18] == 255).all() and (made[1] == 255).all()
    first = visualization.draw_bounding_boxes(images.transpose(0, 3, 1, 2) / 255, boxes(), 'xyxy', color=(1, 2, 3),
                                              data_format='channels_first')
    np.testing.assert_array_equal(first, made)
    relative = boxes(boxes=boxes()['boxes'] / 40)
    np.testing.assert_array_equal(visualization.draw_bounding_boxes(images, relative, 'rel_xyxy', color=(1, 2, 3)), made)


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_names_are_written(channels):
    images = np.full((2, 40, 80, channels), 255, 'uint8')
    plain = visualization.draw_bounding_boxes(images, boxes(), 'xyxy')
    made = visualization.draw_bounding_boxes(images, boxes(confidences=np.float32([[0.5], [0.1]])), 'xyxy', {1: 'cat'},
                                             font_scale=0.5)
    assert made.shape == images.shape and (made[0] != plain[0]).any() and (made[1] == plain[1]).all()


def test_masks_are_coloured():
    images = np.full((1, 2, 3, 3), 100, 'float32')
    masks = np.array([[0, 1, 2], [2, -1, 1]]).reshape(1, 2, 3, 1)
    colors = {0: (0, 0, 0), 1: (200, 0, 0), 2: (0, 0, 200)}
    made = visualization.draw_segmentation_masks(images, masks, 3, colors, alpha=0.5)
    assert made.tolist() == [[[[50, 50, 50], [150, 50, 50], [50, 50, 150]], [[50, 50, 150], [100, 100, 100], [150, 50, 50]]]]
    made = visualization.draw_segmentation_masks(images, masks, color_mapping=colors, blend=False, ignore_index=1)
    assert made[0, :, :, 2].tolist() == [[0, 100, 200], [200, 100, 100]]
    assert len(np.unique(visualization.draw_segmentation_masks(images, masks).reshape(-1, 3), axis=0)) == 4


@pytest.mark.parametrize('call,words', [
    (lambda: visualization.draw_bounding_boxes(white()[0], boxes(), 'xyxy'), 'rank 4'),
    (lambda: visualization.draw_bounding_boxes(white(), boxes()['boxes'], 'xyxy'), "keys 'boxes'"),
    (lambda: visualization.draw_bounding_boxes(white(), boxes(), 'xyxy', color=3), 'color'),
    (lambda: visualization.draw_segmentation_masks(white(), np.zeros((2, 40, 40, 1))), 'whole numbers'),
    (lambda: visualization.draw_segmentation_masks(white(), np.zeros((2, 40, 41, 1), int)), 'a class for each pixel'),
    (lambda: visualization.plot_image_gallery(white(), path='a.png', show=True), 'not both'),
    (lambda: visualization.plot_image_gallery(white(), [1, 0]), 'label_map'),
    (lambda: visualization.plot_bounding_box_gallery(white(), 'xyxy', legend=True, legend_handles=[1]), 'not both')])
def test_mistakes(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_galleries_say_what_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    with pytest.raises(ImportError, match='plot_image_gallery needs the package matplotlib'):
        visualization.plot_image_gallery(white())


def test_galleries(tmp_path):
    matplotlib = pytest.importorskip('matplotlib')
    matplotlib.use('Agg')
    figure = visualization.plot_image_gallery(white(5), [0, 1, 0, 1, 0], [0, 0, 0, 0, 0], {0: 'a'}, show=False)
    assert len(figure.axes) == 6 and figure.axes[1].get_title() == 'Label: Unknown  Pred: a'
    visualization.plot_bounding_box_gallery(white(), 'xyxy', boxes(), boxes(), class_mapping={1: 'cat'}, legend=True,
                                            path=tmp_path / 'boxes.png')
    masks = np.zeros((2, 40, 40, 1), 'int32')
    visualization.plot_segmentation_mask_gallery(white(), 2, y_true=masks, y_pred=masks, path=tmp_path / 'masks.png')
    assert all((tmp_path / f'{name}.png').stat().st_size > 500 for name in ('boxes', 'masks'))
