"""Operations on images, as `keras.ops.image` names them: single ones (rank 3) and batches of them (rank 4), in either data
format. Where Keras's backends differ, they do what Keras does on TensorFlow, or say what they do.
"""

from .colors import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from .frames import crop_images, extract_patches, extract_patches_3d, pad_images, scale_and_translate
from .gaussian import gaussian_blur, sobel_edges, ssim
from .resize import resize
from .sampling import affine_transform, elastic_transform, map_coordinates, perspective_transform

__all__ = ['affine_transform', 'crop_images', 'elastic_transform', 'extract_patches', 'extract_patches_3d', 'gaussian_blur',
           'hsv_to_rgb', 'map_coordinates', 'pad_images', 'perspective_transform', 'resize', 'rgb_to_grayscale', 'rgb_to_hsv',
           'scale_and_translate', 'sobel_edges', 'ssim']
