"""Networks for images, with the weights that were trained on ImageNet. Modules are loaded when they are first used.

Each module has its networks, `preprocess_input` and `decode_predictions`. https://keras.io/api/applications/
"""

from fastkeras.lazy import front as _front

_MODULES = ('convnext', 'densenet', 'efficientnet', 'efficientnet_v2', 'imagenet_utils', 'inception_resnet_v2', 'inception_v3',
            'mobilenet', 'mobilenet_v2', 'mobilenet_v3', 'mobilenetv2', 'nasnet', 'resnet', 'resnet50', 'resnet_v2', 'vgg16',
            'vgg19', 'xception')
_NAMES = {'InceptionResNetV2': 'inception_resnet_v2', 'InceptionV3': 'inception_v3', 'MobileNet': 'mobilenet',
          'MobileNetV2': 'mobilenet_v2', 'VGG16': 'vgg16', 'VGG19': 'vgg19', 'Xception': 'xception',
          **dict.fromkeys(('ConvNeXtTiny', 'ConvNeXtSmall', 'ConvNeXtBase', 'ConvNeXtLarge', 'ConvNeXtXLarge'), 'convnext'),
          **dict.fromkeys(('DenseNet121', 'DenseNet169', 'DenseNet201'), 'densenet'),
          **dict.fromkeys(('EfficientNetB0', 'EfficientNetB1', 'EfficientNetB2', 'EfficientNetB3', 'EfficientNetB4',
                           'EfficientNetB5', 'EfficientNetB6', 'EfficientNetB7'), 'efficientnet'),
          **dict.fromkeys(('EfficientNetV2B0', 'EfficientNetV2B1', 'EfficientNetV2B2', 'EfficientNetV2B3', 'EfficientNetV2S',
                           'EfficientNetV2M', 'EfficientNetV2L'), 'efficientnet_v2'),
          **dict.fromkeys(('MobileNetV3Large', 'MobileNetV3Small'), 'mobilenet_v3'),
          **dict.fromkeys(('NASNetLarge', 'NASNetMobile'), 'nasnet'),
          **dict.fromkeys(('ResNet50', 'ResNet101', 'ResNet152'), 'resnet'),
          **dict.fromkeys(('ResNet50V2', 'ResNet101V2', 'ResNet152V2'), 'resnet_v2')}

TYPE_CHECKING = False      # True to those who check types
if TYPE_CHECKING:
    from fastkeras.applications.convnext import ConvNeXtBase as ConvNeXtBase
    from fastkeras.applications.convnext import ConvNeXtLarge as ConvNeXtLarge
    from fastkeras.applications.convnext import ConvNeXtSmall as ConvNeXtSmall
    from fastkeras.applications.convnext import ConvNeXtTiny as ConvNeXtTiny
    from fastkeras.applications.convnext import ConvNeXtXLarge as ConvNeXtXLarge
    from fastkeras.applications.densenet import DenseNet121 as DenseNet121
    from fastkeras.applications.densenet import DenseNet169 as DenseNet169
    from fastkeras.applications.densenet import DenseNet201 as DenseNet201
    from fastkeras.applications.efficientnet import EfficientNetB0 as EfficientNetB0
    from fastkeras.applications.efficientnet import EfficientNetB1 as EfficientNetB1
    from fastkeras.applications.efficientnet import EfficientNetB2 as EfficientNetB2
    from fastkeras.applications.efficientnet import EfficientNetB3 as EfficientNetB3
    from fastkeras.applications.efficientnet import EfficientNetB4 as EfficientNetB4
    from fastkeras.applications.efficientnet import EfficientNetB5 as EfficientNetB5
    from fastkeras.applications.efficientnet import EfficientNetB6 as EfficientNetB6
    from fastkeras.applications.efficientnet import EfficientNetB7 as EfficientNetB7
    from fastkeras.applications.efficientnet_v2 import EfficientNetV2B0 as EfficientNetV2B0
    from fastkeras.applications.efficientnet_v2 import EfficientNetV2B1 as EfficientNetV2B1
    from fastkeras.applications.efficientnet_v2 import EfficientNetV2B2 as EfficientNetV2B2
    from fastkeras.applications.efficientnet_v2 import EfficientNetV2B3 as EfficientNetV2B3
    from fastkeras.applications.efficientnet_v2 import EfficientNetV2L as EfficientNetV2L
    from fastkeras.applications.efficientnet_v2 import EfficientNetV2M as EfficientNetV2M
    from fastkeras.applications.efficientnet_v2 import EfficientNetV2S as EfficientNetV2S
    from fastkeras.applications.inception_resnet_v2 import InceptionResNetV2 as InceptionResNetV2
    from fastkeras.applications.inception_v3 import InceptionV3 as InceptionV3
    from fastkeras.applications.mobilenet import MobileNet as MobileNet
    from fastkeras.applications.mobilenet_v2 import MobileNetV2 as MobileNetV2
    from fastkeras.applications.mobilenet_v3 import MobileNetV3Large as MobileNetV3Large
    from fastkeras.applications.mobilenet_v3 import MobileNetV3Small as MobileNetV3Small
    from fastkeras.applications.nasnet import NASNetLarge as NASNetLarge
    from fastkeras.applications.nasnet import NASNetMobile as NASNetMobile
    from fastkeras.applications.resnet import ResNet50 as ResNet50
    from fastkeras.applications.resnet import ResNet101 as ResNet101
    from fastkeras.applications.resnet import ResNet152 as ResNet152
    from fastkeras.applications.resnet_v2 import ResNet50V2 as ResNet50V2
    from fastkeras.applications.resnet_v2 import ResNet101V2 as ResNet101V2
    from fastkeras.applications.resnet_v2 import ResNet152V2 as ResNet152V2
    from fastkeras.applications.vgg16 import VGG16 as VGG16
    from fastkeras.applications.vgg19 import VGG19 as VGG19
    from fastkeras.applications.xception import Xception as Xception

    from . import convnext as convnext
    from . import densenet as densenet
    from . import efficientnet as efficientnet
    from . import efficientnet_v2 as efficientnet_v2
    from . import imagenet_utils as imagenet_utils
    from . import inception_resnet_v2 as inception_resnet_v2
    from . import inception_v3 as inception_v3
    from . import mobilenet as mobilenet
    from . import mobilenet_v2 as mobilenet_v2
    from . import mobilenet_v3 as mobilenet_v3
    from . import mobilenetv2 as mobilenetv2
    from . import nasnet as nasnet
    from . import resnet as resnet
    from . import resnet50 as resnet50
    from . import resnet_v2 as resnet_v2
    from . import vgg16 as vgg16
    from . import vgg19 as vgg19
    from . import xception as xception
else:
    __getattr__, __dir__, __all__ = _front(__name__, _MODULES, _NAMES, __name__)
