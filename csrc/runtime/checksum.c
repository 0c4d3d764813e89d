/* CRC-32: the data as a polynomial over GF(2), bits reflected, modulo P. Where the processor multiplies such polynomials, 16
 * bytes are moved 64 bytes on by two products with constants x^n mod P; what is left in the end goes through a table. */
#include "../checksum.h"

#include <pthread.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define P 0xEDB88320u
static uint32_t table[8][256]; /* [k][b]: byte b with k zero bytes behind it */
static int folds;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void) {
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ P : c >> 1;
        table[0][b] = c;
    }
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
#ifdef __x86_64__
    folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
}

static uint32_t by_table(uint32_t c, const uint8_t *p, size_t n) {
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v = 0;
        for (int k = 0; k < 8; k++) v |= (uint64_t)p[k] << 8 * k;
        v ^= c;
        c = 0;
        for (int k = 0; k < 8; k++) c ^= table[7 - k][v >> 8 * k & 255];
    }
    for (; n; n--, p++) c = c >> 8 ^ table[0][(c ^ *p) & 255];
    return c;
}

#ifdef __x86_64__
#define WITH_PRODUCTS __attribute__((target("pclmul,sse4.1")))
WITH_PRODUCTS static inline __m128i moved_on(__m128i x, __m128i by, const __m128i *onto) {
    __m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128(onto));
}

/* n: at least 64 */
WITH_PRODUCTS static uint32_t by_products(uint32_t c, const uint8_t *p, size_t n) {
    /* x^(512+32), x^(512-32); x^(128+32), x^(128-32) mod P, reflected and a bit further, since products of reflected ones
       come out a bit short */
    const __m128i by64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4), by16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i *q = (const __m128i *)p;
    __m128i x[4];
    uint8_t left[16];
    for (int k = 0; k < 4; k++) x[k] = _mm_loadu_si128(q + k);
    x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)c));
    for (q += 4, n -= 64; n >= 64; q += 4, n -= 64)
        for (int k = 0; k < 4; k++) x[k] = moved_on(x[k], by64, q + k);
    for (int k = 0; k < 3; k++) x[k + 1] = moved_on(x[k], by16, &x[k + 1]);
    _mm_storeu_si128((__m128i *)left, x[3]);
    return by_table(by_table(0, left, 16), (const uint8_t *)q, n);
}
#endif

uint32_t fk_crc32(uint32_t before, const uint8_t *data, size_t bytes) {
    pthread_once(&once, make_table);
#ifdef __x86_64__
    if (folds && bytes >= 64) return ~by_products(~before, data, bytes);
#endif
    return ~by_table(~before, data, bytes);
}

/* a b mod P; bit 31 is x^0 */
static uint32_t product(uint32_t a, uint32_t b) {
    uint32_t sum = 0;
    for (int bit = 31; bit >= 0; bit--) {
        if (a >> bit & 1) sum ^= b;
        b = b & 1 ? b >> 1 ^ P : b >> 1;
    }
    return sum;
}

uint32_t fk_crc32_joined(uint32_t first, uint32_t second, uint64_t bytes) {
    uint32_t moved = first, square = 1u << 23; /* x^8 */
    for (; bytes; bytes >>= 1, square = product(square, square))
        if (bytes & 1) moved = product(square, moved);
    return moved ^ second;
}
