/* storage/search_text.h - how texts and numbers stand in the full-text index.
 *
 * The index finds beginnings of words. Chinese, Japanese, Korean, Thai and
 * their neighbours write without blanks or hang endings on: there each
 * character is a word of its own, in what is stored and in what is asked, and a
 * word that is asked for is a phrase: "京都" is found in "東京都".
 *
 * Of a number the digits are stored backwards, so that its end is a beginning:
 * whatever stood before it (+44, 0044, 0, nothing), the last four digits or
 * more find it. A question that says its country, or has one by the plan of who
 * asks, finds that number in all forms, and no other country's.
 *
 * Pure; any role, any thread.
 */
#ifndef STORAGE_SEARCH_TEXT_H
#define STORAGE_SEARCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf;
struct number_plan;

#define SEARCH_NUMBER_MAX 24 /* longer digits are not a number */
#define SEARCH_DIGITS_MIN 4  /* fewer are looked for as a word only */

/** Append text with a blank around each character that is a word. Errors stick
 *  in out. */
void search_put_words(struct buf *out, struct span text);

/** The digits of an AoR ("sip:+44-20...@gw;user=phone", "020 7946 0123"),
 *  backwards. @return false: its user part is no number */
bool search_number(struct span aor, char ret[SEARCH_NUMBER_MAX]);

/** How many digits, when text is a number as people type or paste it (with +
 *  and separators, in quotes, in full width, or a tel or sip URI without host),
 *  else 0. */
size_t search_digits(struct span text);

/** Append an FTS5 expression that finds it (columns "numbers" and, of a short
 *  one with plus, beginnings in "people"). @param plan or NULL
 *  @return false: not SEARCH_DIGITS_MIN digits; nothing was added */
bool search_put_number(struct buf *out, const struct number_plan *plan,
		       struct span text);

#endif
