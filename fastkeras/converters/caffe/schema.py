"""The messages of Caffe's public format, of BVLC's Caffe and its SSD branch, as far as a network of layers needs them.

They are described to protobuf here, in a pool of their own, so that no other copy of Caffe's schema in the process can clash.
"""

import functools

# message → its fields: 'name=number type default'; a star before the type: repeated, two: repeated and packed
_MESSAGES = {
    'BlobShape': 'dim=1 **int64',
    'BlobProto': 'shape=7 BlobShape; data=5 **float; diff=6 **float; double_data=8 **double; double_diff=9 **double; '
                 'num=1 int32 0; channels=2 int32 0; height=3 int32 0; width=4 int32 0; raw_data_type=10 int32 1; '
                 'raw_data=12 bytes',
    'FillerParameter': 'type=1 string constant; value=2 float 0; min=3 float 0; max=4 float 1; mean=5 float 0; std=6 float 1; '
                       'sparse=7 int32 -1; variance_norm=8 VarianceNorm',
    'NetState': 'phase=1 Phase TEST; level=2 int32 0; stage=3 *string',
    'NetStateRule': 'phase=1 Phase; min_level=2 int32; max_level=3 int32; stage=4 *string; not_stage=5 *string',
    'ParamSpec': 'name=1 string; share_mode=2 DimCheckMode; lr_mult=3 float 1; decay_mult=4 float 1',
    'NetParameter': 'name=1 string; input=3 *string; input_shape=8 *BlobShape; input_dim=4 *int32; force_backward=5 bool; '
                    'state=6 NetState; debug_info=7 bool; layer=100 *LayerParameter; layers=2 *V1LayerParameter',
    'LayerParameter': 'name=1 string; type=2 string; bottom=3 *string; top=4 *string; phase=10 Phase; loss_weight=5 *float; '
                      'param=6 *ParamSpec; blobs=7 *BlobProto; propagate_down=11 *bool; include=8 *NetStateRule; '
                      'exclude=9 *NetStateRule; transform_param=100 TransformationParameter; loss_param=101 LossParameter; '
                      'accuracy_param=102 AccuracyParameter; argmax_param=103 ArgMaxParameter; '
                      'concat_param=104 ConcatParameter; contrastive_loss_param=105 ContrastiveLossParameter; '
                      'convolution_param=106 ConvolutionParameter; data_param=107 DataParameter; '
                      'dropout_param=108 DropoutParameter; dummy_data_param=109 DummyDataParameter; '
                      'eltwise_param=110 EltwiseParameter; exp_param=111 ExpParameter; hdf5_data_param=112 HDF5DataParameter; '
                      'hdf5_output_param=113 HDF5OutputParameter; hinge_loss_param=114 HingeLossParameter; '
                      'image_data_param=115 ImageDataParameter; infogain_loss_param=116 InfogainLossParameter; '
                      'inner_product_param=117 InnerProductParameter; lrn_param=118 LRNParameter; '
                      'memory_data_param=119 MemoryDataParameter; mvn_param=120 MVNParameter; '
                      'pooling_param=121 PoolingParameter; power_param=122 PowerParameter; relu_param=123 ReLUParameter; '
                      'sigmoid_param=124 SigmoidParameter; softmax_param=125 SoftmaxParameter; slice_param=126 SliceParameter; '
                      'tanh_param=127 TanHParameter; threshold_param=128 ThresholdParameter; '
                      'window_data_param=129 WindowDataParameter; python_param=130 PythonParameter; '
                      'prelu_param=131 PReLUParameter; spp_param=132 SPPParameter; reshape_param=133 ReshapeParameter; '
                      'log_param=134 LogParameter; flatten_param=135 FlattenParameter; reduction_param=136 ReductionParameter; '
                      'embed_param=137 EmbedParameter; tile_param=138 TileParameter; batch_norm_param=139 BatchNormParameter; '
                      'elu_param=140 ELUParameter; bias_param=141 BiasParameter; scale_param=142 ScaleParameter; '
                      'input_param=143 InputParameter; crop_param=144 CropParameter; parameter_param=145 ParameterParameter; '
                      'recurrent_param=146 RecurrentParameter; swish_param=147 SwishParameter; clip_param=148 ClipParameter; '
                      'permute_param=202 PermuteParameter; prior_box_param=203 PriorBoxParameter; '
                      'detection_output_param=204 DetectionOutputParameter; norm_param=206 NormalizeParameter',
    'TransformationParameter': 'scale=1 float 1; mirror=2 bool; crop_size=3 uint32 0; mean_file=4 string; mean_value=5 *float; '
                               'force_color=6 bool; force_gray=7 bool',
    'LossParameter': 'ignore_label=1 int32; normalize=2 bool; normalization=3 NormalizationMode',
    'AccuracyParameter': 'top_k=1 uint32 1; axis=2 int32 1; ignore_label=3 int32',
    'ArgMaxParameter': 'out_max_val=1 bool; top_k=2 uint32 1; axis=3 int32',
    'ClipParameter': 'min=1 float; max=2 float',
    'ConcatParameter': 'axis=2 int32 1; concat_dim=1 uint32 1',
    'BatchNormParameter': 'use_global_stats=1 bool; moving_average_fraction=2 float 0.999; eps=3 float 1e-5',
    'BiasParameter': 'axis=1 int32 1; num_axes=2 int32 1; filler=3 FillerParameter',
    'ContrastiveLossParameter': 'margin=1 float 1; legacy_version=2 bool',
    'ConvolutionParameter': 'num_output=1 uint32; bias_term=2 bool true; pad=3 *uint32; kernel_size=4 *uint32; stride=6 '
                            '*uint32; dilation=18 *uint32; pad_h=9 uint32 0; pad_w=10 uint32 0; kernel_h=11 uint32; '
                            'kernel_w=12 uint32; stride_h=13 uint32; stride_w=14 uint32; group=5 uint32 1; '
                            'weight_filler=7 FillerParameter; bias_filler=8 FillerParameter; engine=15 Engine; '
                            'axis=16 int32 1; force_nd_im2col=17 bool',
    'CropParameter': 'axis=1 int32 2; offset=2 *uint32',
    'DataParameter': 'source=1 string; batch_size=4 uint32; rand_skip=7 uint32 0; backend=8 DB; scale=2 float 1; '
                     'mean_file=3 string; crop_size=5 uint32 0; mirror=6 bool; force_encoded_color=9 bool; prefetch=10 uint32',
    'DropoutParameter': 'dropout_ratio=1 float 0.5; scale_train=2 bool',
    'DummyDataParameter': 'data_filler=1 *FillerParameter; shape=6 *BlobShape; num=2 *uint32; channels=3 *uint32; '
                          'height=4 *uint32; width=5 *uint32',
    'EltwiseParameter': 'operation=1 EltwiseOp SUM; coeff=2 *float; stable_prod_grad=3 bool',
    'ELUParameter': 'alpha=1 float 1',
    'EmbedParameter': 'num_output=1 uint32; input_dim=2 uint32; bias_term=3 bool true; weight_filler=4 FillerParameter; '
                      'bias_filler=5 FillerParameter',
    'ExpParameter': 'base=1 float -1; scale=2 float 1; shift=3 float 0',
    'FlattenParameter': 'axis=1 int32 1; end_axis=2 int32 -1',
    'HDF5DataParameter': 'source=1 string; batch_size=2 uint32; shuffle=3 bool',
    'HDF5OutputParameter': 'file_name=1 string',
    'HingeLossParameter': 'norm=1 Norm',
    'ImageDataParameter': 'source=1 string; batch_size=4 uint32 1; rand_skip=7 uint32 0; shuffle=8 bool; new_height=9 uint32 '
                          '0; new_width=10 uint32 0; is_color=11 bool true; scale=2 float 1; mean_file=3 string; '
                          'crop_size=5 uint32 0; mirror=6 bool; root_folder=12 string',
    'InfogainLossParameter': 'source=1 string; axis=2 int32 1',
    'InnerProductParameter': 'num_output=1 uint32; bias_term=2 bool true; weight_filler=3 FillerParameter; '
                             'bias_filler=4 FillerParameter; axis=5 int32 1; transpose=6 bool',
    'InputParameter': 'shape=1 *BlobShape',
    'LogParameter': 'base=1 float -1; scale=2 float 1; shift=3 float 0',
    'LRNParameter': 'local_size=1 uint32 5; alpha=2 float 1; beta=3 float 0.75; norm_region=4 NormRegion; k=5 float 1; '
                    'engine=6 Engine',
    'MemoryDataParameter': 'batch_size=1 uint32; channels=2 uint32; height=3 uint32; width=4 uint32',
    'MVNParameter': 'normalize_variance=1 bool true; across_channels=2 bool; eps=3 float 1e-9',
    'ParameterParameter': 'shape=1 BlobShape',
    'PoolingParameter': 'pool=1 PoolMethod; pad=4 uint32 0; pad_h=9 uint32 0; pad_w=10 uint32 0; kernel_size=2 uint32; '
                        'kernel_h=5 uint32; kernel_w=6 uint32; stride=3 uint32 1; stride_h=7 uint32; stride_w=8 uint32; '
                        'engine=11 Engine; global_pooling=12 bool; round_mode=13 RoundMode',
    'PowerParameter': 'power=1 float 1; scale=2 float 1; shift=3 float 0',
    'PythonParameter': 'module=1 string; layer=2 string; param_str=3 string; share_in_parallel=4 bool',
    'RecurrentParameter': 'num_output=1 uint32 0; weight_filler=2 FillerParameter; bias_filler=3 FillerParameter; '
                          'debug_info=4 bool; expose_hidden=5 bool',
    'ReductionParameter': 'operation=1 ReductionOp; axis=2 int32 0; coeff=3 float 1',
    'ReLUParameter': 'negative_slope=1 float 0; engine=2 Engine',
    'ReshapeParameter': 'shape=1 BlobShape; axis=2 int32 0; num_axes=3 int32 -1',
    'ScaleParameter': 'axis=1 int32 1; num_axes=2 int32 1; filler=3 FillerParameter; bias_term=4 bool; '
                      'bias_filler=5 FillerParameter',
    'SigmoidParameter': 'engine=1 Engine',
    'SliceParameter': 'axis=3 int32 1; slice_point=2 *uint32; slice_dim=1 uint32 1',
    'SoftmaxParameter': 'engine=1 Engine; axis=2 int32 1',
    'SPPParameter': 'pyramid_height=1 uint32; pool=2 PoolMethod; engine=6 Engine',
    'SwishParameter': 'beta=1 float 1',
    'TanHParameter': 'engine=1 Engine',
    'TileParameter': 'axis=1 int32 1; tiles=2 int32',
    'ThresholdParameter': 'threshold=1 float 0',
    'WindowDataParameter': 'source=1 string; scale=2 float 1; mean_file=3 string; batch_size=4 uint32; crop_size=5 uint32 0; '
                           'mirror=6 bool; fg_threshold=7 float 0.5; bg_threshold=8 float 0.5; fg_fraction=9 float 0.25; '
                           'context_pad=10 uint32 0; crop_mode=11 string warp; cache_images=12 bool; root_folder=13 string',
    'PReLUParameter': 'filler=1 FillerParameter; channel_shared=2 bool',
    'PermuteParameter': 'order=1 *uint32',
    'PriorBoxParameter': 'min_size=1 *float; max_size=2 *float; aspect_ratio=3 *float; flip=4 bool true; clip=5 bool; '
                         'variance=6 *float; img_size=7 uint32; img_h=8 uint32; img_w=9 uint32; step=10 float; step_h=11 '
                         'float; step_w=12 float; offset=13 float 0.5',
    'NonMaximumSuppressionParameter': 'nms_threshold=1 float 0.3; top_k=2 int32; eta=3 float 1',
    'ResizeParameter': '',      # of the pictures that the layer below may draw
    'SaveOutputParameter': 'output_directory=1 string; output_name_prefix=2 string; output_format=3 string; '
                           'label_map_file=4 string; name_size_file=5 string; num_test_image=6 uint32; '
                           'resize_param=7 ResizeParameter',
    'DetectionOutputParameter': 'num_classes=1 uint32; share_location=2 bool true; background_label_id=3 int32 0; '
                                'nms_param=4 NonMaximumSuppressionParameter; save_output_param=5 SaveOutputParameter; '
                                'code_type=6 CodeType CORNER; variance_encoded_in_target=8 bool; keep_top_k=7 int32 -1; '
                                'confidence_threshold=9 float; visualize=10 bool; visualize_threshold=11 float; '
                                'save_file=12 string',
    'NormalizeParameter': 'across_spatial=1 bool true; scale_filler=2 FillerParameter; channel_shared=3 bool true; '
                          'eps=4 float 1e-10',
    'V1LayerParameter': 'bottom=2 *string; top=3 *string; name=4 string; include=32 *NetStateRule; exclude=33 *NetStateRule; '
                        'type=5 LayerType; blobs=6 *BlobProto; param=1001 *string; blob_share_mode=1002 *DimCheckMode; '
                        'blobs_lr=7 *float; weight_decay=8 *float; loss_weight=35 *float; accuracy_param=27 AccuracyParameter; '
                        'argmax_param=23 ArgMaxParameter; concat_param=9 ConcatParameter; '
                        'contrastive_loss_param=40 ContrastiveLossParameter; convolution_param=10 ConvolutionParameter; '
                        'data_param=11 DataParameter; dropout_param=12 DropoutParameter; '
                        'dummy_data_param=26 DummyDataParameter; eltwise_param=24 EltwiseParameter; exp_param=41 ExpParameter; '
                        'hdf5_data_param=13 HDF5DataParameter; hdf5_output_param=14 HDF5OutputParameter; '
                        'hinge_loss_param=29 HingeLossParameter; image_data_param=15 ImageDataParameter; '
                        'infogain_loss_param=16 InfogainLossParameter; inner_product_param=17 InnerProductParameter; '
                        'lrn_param=18 LRNParameter; memory_data_param=22 MemoryDataParameter; mvn_param=34 MVNParameter; '
                        'pooling_param=19 PoolingParameter; power_param=21 PowerParameter; relu_param=30 ReLUParameter; '
                        'sigmoid_param=38 SigmoidParameter; softmax_param=39 SoftmaxParameter; slice_param=31 SliceParameter; '
                        'tanh_param=37 TanHParameter; threshold_param=25 ThresholdParameter; '
                        'window_data_param=20 WindowDataParameter; transform_param=36 TransformationParameter; '
                        'loss_param=42 LossParameter; layer=1 V0LayerParameter',
    'V0LayerParameter': 'name=1 string; type=2 string; num_output=3 uint32; biasterm=4 bool true; '
                        'weight_filler=5 FillerParameter; bias_filler=6 FillerParameter; pad=7 uint32 0; kernelsize=8 uint32; '
                        'group=9 uint32 1; stride=10 uint32 1; pool=11 PoolMethod; dropout_ratio=12 float 0.5; '
                        'local_size=13 uint32 5; alpha=14 float 1; beta=15 float 0.75; source=16 string; scale=17 float 1; '
                        'meanfile=18 string; batchsize=19 uint32; cropsize=20 uint32 0; mirror=21 bool; k=22 float 1; '
                        'blobs=50 *BlobProto; blobs_lr=51 *float; weight_decay=52 *float; rand_skip=53 uint32 0; '
                        'det_fg_threshold=54 float 0.5; det_bg_threshold=55 float 0.5; det_fg_fraction=56 float 0.25; '
                        'det_context_pad=58 uint32 0; det_crop_mode=59 string warp; new_num=60 int32 0; '
                        'new_channels=61 int32 0; new_height=62 int32 0; new_width=63 int32 0; shuffle_images=64 bool; '
                        'concat_dim=65 uint32 1; hdf5_output_param=1001 HDF5OutputParameter',
}

# An enumeration has a scope of its own, since protobuf wants the names of values to be unique in the scope around it.
_ENUMS = {
    'Phase': 'TRAIN=0 TEST=1', 'VarianceNorm': 'FAN_IN=0 FAN_OUT=1 AVERAGE=2', 'DimCheckMode': 'STRICT=0 PERMISSIVE=1',
    'NormalizationMode': 'FULL=0 VALID=1 BATCH_SIZE=2 NONE=3', 'Engine': 'DEFAULT=0 CAFFE=1 CUDNN=2', 'DB': 'LEVELDB=0 LMDB=1',
    'EltwiseOp': 'PROD=0 SUM=1 MAX=2', 'Norm': 'L1=1 L2=2', 'NormRegion': 'ACROSS_CHANNELS=0 WITHIN_CHANNEL=1',
    'PoolMethod': 'MAX=0 AVE=1 STOCHASTIC=2', 'RoundMode': 'CEIL=0 FLOOR=1', 'ReductionOp': 'SUM=1 ASUM=2 SUMSQ=3 MEAN=4',
    'CodeType': 'CORNER=1 CENTER_SIZE=2 CORNER_SIZE=3',
    'LayerType': 'NONE=0 ACCURACY=1 BNLL=2 CONCAT=3 CONVOLUTION=4 DATA=5 DROPOUT=6 EUCLIDEAN_LOSS=7 FLATTEN=8 HDF5_DATA=9 '
                 'HDF5_OUTPUT=10 IM2COL=11 IMAGE_DATA=12 INFOGAIN_LOSS=13 INNER_PRODUCT=14 LRN=15 '
                 'MULTINOMIAL_LOGISTIC_LOSS=16 POOLING=17 RELU=18 SIGMOID=19 SOFTMAX=20 SOFTMAX_LOSS=21 SPLIT=22 TANH=23 '
                 'WINDOW_DATA=24 ELTWISE=25 POWER=26 SIGMOID_CROSS_ENTROPY_LOSS=27 HINGE_LOSS=28 MEMORY_DATA=29 ARGMAX=30 '
                 'THRESHOLD=31 DUMMY_DATA=32 SLICE=33 MVN=34 ABSVAL=35 SILENCE=36 CONTRASTIVE_LOSS=37 EXP=38 DECONVOLUTION=39'}


@functools.cache
def message(name):
    """The class of a message, by its name. ImportError, which says what to install, without the protobuf library."""
    factory, pool = _pool()
    descriptor = pool.FindMessageTypeByName(f'caffe.{name}')
    if hasattr(factory, 'GetMessageClass'):
        return factory.GetMessageClass(descriptor)
    return factory.MessageFactory(pool).GetPrototype(descriptor)        # before protobuf 4.22


@functools.cache
def _pool():
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise ImportError("Caffe's files are read by the protobuf library, which is not installed: "
                          "pip install 'fastkeras[caffe]'") from error
    file = descriptor_pb2.FileDescriptorProto(name='fastkeras/caffe.proto', package='caffe', syntax='proto2')
    field_type = descriptor_pb2.FieldDescriptorProto
    for name, values in _ENUMS.items():
        scope = file.message_type.add(name=f'{name}Scope')
        enum = scope.enum_type.add(name=name)
        for value in values.split():
            word, number = value.split('=')
            enum.value.add(name=word, number=int(number))
    for name, fields in _MESSAGES.items():
        made = file.message_type.add(name=name)
        for text in filter(None, fields.split('; ')):
            words = text.split()
            key, number = words[0].split('=')
            kind, stars = words[1].lstrip('*'), words[1].count('*')
            field = made.field.add(name=key, number=int(number), label=field_type.LABEL_REPEATED if stars else
                                   field_type.LABEL_OPTIONAL)
            if kind in _MESSAGES:
                field.type, field.type_name = field_type.TYPE_MESSAGE, f'.caffe.{kind}'
            elif kind in _ENUMS:
                field.type, field.type_name = field_type.TYPE_ENUM, f'.caffe.{kind}Scope.{kind}'
            else:
                field.type = getattr(field_type, f'TYPE_{kind.upper()}')
            if stars == 2:
                field.options.packed = True
            if len(words) == 3:
                field.default_value = words[2]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file) if not hasattr(pool, 'AddSerializedFile') else pool.AddSerializedFile(file.SerializeToString())
    return message_factory, pool
