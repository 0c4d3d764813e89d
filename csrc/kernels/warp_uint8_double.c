/* Rows of images of bytes, to the last bit of a float: for what goes on to round them. */
#define SOURCE uint8_t
#define REAL double
#define RESULT float
#define NAME FK(warp_uint8_double)
#include "warp_rows.h"
