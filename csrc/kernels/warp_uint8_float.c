/* Rows of images of bytes. */
#define SOURCE uint8_t
#define REAL float
#define RESULT float
#define NAME FK(warp_uint8_float)
#include "warp_rows.h"
