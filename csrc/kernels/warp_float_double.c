/* Rows of images of floats, to the last bit of a float: for what goes on to round them. */
#define SOURCE float
#define REAL double
#define RESULT float
#define NAME FK(warp_float_double)
#include "warp_rows.h"
