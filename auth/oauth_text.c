#include "auth/oauth_text.h"

void oauth_text_clean(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c & 0xc0) == 0x80)
			continue; /* goes on with a character */
		if (c == '"')
			*to++ = '\'';
		else if (c == '\\')
			*to++ = '/';
		else
			*to++ = c >= 0x20 && c <= 0x7e ? *p : '?';
	}
	*to = '\0';
}
