"""What is read of Caffe's files at most. Everything real stays far below; a file that asks for more is refused before its
numbers cost memory or time."""

TEXT_BYTES = 1 << 20            # of a prototxt
MESSAGES = 60_000               # in it, { … }
LAYERS = 5000                   # of a network, and repeated fields of the top level of a caffemodel
FIELDS = 10_000                 # of one layer in a caffemodel
LAYER_BYTES = 1 << 20           # of a layer in a caffemodel without its weights
BLOB_BY_NUMBERS = 64 << 20      # of a blob of which each number is a field of its own, as nobody writes them today
ELEMENTS = 2**31 - 1            # of a blob, a sample; Caffe's own limit
RANK = 32                       # axes of a blob; Caffe's own limit
NEW_WEIGHTS = 1 << 29           # numbers that a network without a caffemodel may begin with
WINDOW = 100_000                # size, stride, padding or dilation of a window
ENDS = 20_000                   # bottoms and tops of all layers
