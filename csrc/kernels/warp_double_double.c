/* Rows of images of doubles. */
#define SOURCE double
#define REAL double
#define RESULT double
#define NAME FK(warp_double_double)
#include "warp_rows.h"
