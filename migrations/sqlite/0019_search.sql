-- Numbers are found by their last digits, and Chinese, Japanese, Korean, Thai
-- and the like by any part of a word: see storage/search_text.h. rowid =
-- recordings.n; the texts are those of storage/catalog_words.c.
DROP TABLE recordings_fts;
CREATE VIRTUAL TABLE recordings_fts USING fts5 (
	people, words, numbers, tokenize = "unicode61 remove_diacritics 2"
);
INSERT INTO recordings_fts (rowid, people, words, numbers)
SELECT n,
	search_words((SELECT group_concat(aor || ' ' || name, ' ')
		FROM participants WHERE recording_id = r.id)),
	search_words(title || ' ' || notes || ' ' || call_id || ' ' ||
		coalesce((SELECT group_concat(value, ' ') FROM json_each(
			CASE WHEN json_valid(r.meta) THEN r.meta END)), '')),
	(SELECT group_concat(search_number(aor), ' ')
		FROM participants WHERE recording_id = r.id)
FROM recordings r WHERE deleted_us = 0 ORDER BY n;
