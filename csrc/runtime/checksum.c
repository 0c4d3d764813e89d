/* CRC-32: the data as a polynomial over GF(2), bits reflected, modulo P. Where the processor multiplies such polynomials, 16
 * bytes (or four times 16) are moved 64 (256) bytes on by two products with constants x^n mod P; what is left in the end goes
 * through a table. */
#include "../checksum.h"

#include <pthread.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
static enum { BY_TABLE, BY_16, BY_64 } way;
#endif

#define P 0xEDB88320u
static uint32_t table[8][256]; /* [k][b]: byte b with k zero bytes behind it */
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
    if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) way = BY_16;
    if (way == BY_16 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq")) way = BY_64;
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
/* Constants: x^(n+32) and x^(n-32) mod P for a move by n bits, reflected and a bit further, since products of reflected
 * polynomials come out a bit short. */
#define BY_2048 _mm_set_epi64x(0x1322d1430, 0x11542778a)
#define BY_512 _mm_set_epi64x(0x1c6e41596, 0x154442bd4)
#define BY_128 _mm_set_epi64x(0x0ccaa009e, 0x1751997d0)
#define AHEAD 4096 /* bytes: data that the system has just put there is in no near cache */
#define PRODUCTS __attribute__((target("pclmul,sse4.1")))
#define WIDE_PRODUCTS __attribute__((target("pclmul,sse4.1,avx512f,vpclmulqdq")))

PRODUCTS static inline __m128i moved(__m128i x, __m128i by, __m128i onto) {
    __m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

/* n: at least 64 */
PRODUCTS static uint32_t by_16(uint32_t c, const uint8_t *p, size_t n) {
    const __m128i *q = (const __m128i *)p;
    __m128i x[4];
    uint8_t left[16];
    for (int k = 0; k < 4; k++) x[k] = _mm_loadu_si128(q + k);
    x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)c));
    for (q += 4, n -= 64; n >= 64; q += 4, n -= 64) {
        _mm_prefetch((const char *)q + AHEAD, _MM_HINT_T0);
        for (int k = 0; k < 4; k++) x[k] = moved(x[k], BY_512, _mm_loadu_si128(q + k));
    }
    for (int k = 0; k < 3; k++) x[k + 1] = moved(x[k], BY_128, x[k + 1]);
    _mm_storeu_si128((__m128i *)left, x[3]);
    return by_table(by_table(0, left, 16), (const uint8_t *)q, n);
}

WIDE_PRODUCTS static inline __m512i moved_wide(__m512i x, __m512i by, __m512i onto) {
    __m512i low = _mm512_clmulepi64_epi128(x, by, 0x00), high = _mm512_clmulepi64_epi128(x, by, 0x11);
    return _mm512_xor_si512(_mm512_xor_si512(low, high), onto);
}

/* n: at least 256 */
WIDE_PRODUCTS static uint32_t by_64(uint32_t c, const uint8_t *p, size_t n) {
    const __m512i by256 = _mm512_broadcast_i32x4(BY_2048), by64 = _mm512_broadcast_i32x4(BY_512);
    const __m512i *q = (const __m512i *)p;
    __m512i x[4];
    uint8_t left[64];
    for (int k = 0; k < 4; k++) x[k] = _mm512_loadu_si512(q + k);
    x[0] = _mm512_xor_si512(x[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)c)));
    for (q += 4, n -= 256; n >= 256; q += 4, n -= 256)
        for (int k = 0; k < 4; k++) {
            _mm_prefetch((const char *)(q + k) + AHEAD, _MM_HINT_T0);
            x[k] = moved_wide(x[k], by256, _mm512_loadu_si512(q + k));
        }
    for (int k = 0; k < 3; k++) x[k + 1] = moved_wide(x[k], by64, x[k + 1]);
    _mm512_storeu_si512(left, x[3]);
    return by_table(by_table(0, left, 64), (const uint8_t *)q, n);
}
#endif

uint32_t fk_crc32(uint32_t before, const uint8_t *data, size_t bytes) {
    pthread_once(&once, make_table);
#ifdef __x86_64__
    if (way == BY_64 && bytes >= 256) return ~by_64(~before, data, bytes);
    if (way != BY_TABLE && bytes >= 64) return ~by_16(~before, data, bytes);
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
