/* media/crc32c.h - CRC-32C (Castagnoli), as spool blocks use it.
 *
 * Pure; any role, any thread. Source: RFC 3720 appendix B.4 (test vectors).
 */
#ifndef MEDIA_CRC32C_H
#define MEDIA_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** @param crc 0, or the result of the part before */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/** The same without the processor's instruction; for tests. */
uint32_t crc32c_plain(uint32_t crc, const void *data, size_t len);

#endif
