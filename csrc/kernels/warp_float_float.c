/* Rows of images of floats. */
#define SOURCE float
#define REAL float
#define RESULT float
#define NAME FK(warp_float_float)
#include "warp_rows.h"
