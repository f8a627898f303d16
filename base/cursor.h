/* base/cursor.h - reads bytes from outside and never past their end.
 *
 * Each function returns false, and changes neither the cursor nor the result,
 * when fewer bytes are left than it needs.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
};

void cur_init(struct cursor *c, const void *data, size_t len);
size_t cur_left(const struct cursor *c);
bool cur_u8(struct cursor *c, uint8_t *ret_v);
bool cur_be16(struct cursor *c, uint16_t *ret_v);
bool cur_be24(struct cursor *c, uint32_t *ret_v);
bool cur_be32(struct cursor *c, uint32_t *ret_v);
bool cur_be64(struct cursor *c, uint64_t *ret_v);
bool cur_le16(struct cursor *c, uint16_t *ret_v);
bool cur_le32(struct cursor *c, uint32_t *ret_v);
bool cur_le64(struct cursor *c, uint64_t *ret_v);
bool cur_skip(struct cursor *c, size_t n);
/** Borrow n bytes. */
bool cur_take(struct cursor *c, size_t n, const uint8_t **ret_p);
/** Next text line without its CRLF, LF or CR; false at the end. */
bool cur_line(struct cursor *c, struct span *ret_line);

#endif
