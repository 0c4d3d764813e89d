/* checksum.c: the CRC-32 of zip archives, many times as fast as by a table. */
#ifndef FK_CHECKSUM_H
#define FK_CHECKSUM_H
#include <stddef.h>
#include <stdint.h>

/* of bytes that stand behind others, whose checksum is `before` (0 where there are none) */
uint32_t fk_crc32(uint32_t before, const uint8_t *data, size_t bytes);
/* of two pieces one after the other, by their checksums and the length of the second */
uint32_t fk_crc32_joined(uint32_t first, uint32_t second, uint64_t bytes);
#endif
