"""What is read of Caffe's files at most. Everything real stays far below; a file that asks for more is refused before its
numbers cost memory or time."""

TEXT_BYTES = 4 << 20            # of a prototxt
LAYERS = 5000                   # of a network, and repeated fields of the top level of a caffemodel
FIELDS = 10_000                 # of one layer in a caffemodel
LAYER_BYTES = 1 << 20           # of a layer in a caffemodel without its weights
ELEMENTS = 2**31 - 1            # of a blob, a sample; Caffe's own limit
RANK = 32                       # axes of a blob; Caffe's own limit
NEW_WEIGHTS = 1 << 30           # numbers that a network without a caffemodel may begin with
