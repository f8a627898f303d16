/* auth/oauth_text.h - texts of OAuth errors, in the characters they may have.
 *
 * "error_description" is %x20-21 / %x23-5B / %x5D-7E wherever it stands: JSON,
 * redirect, WWW-Authenticate over HTTP and SIP. What we say to people often
 * quotes what they sent.
 *
 * Source: RFC 6749 sections 4.1.2.1, 5.2 and appendix A.8; RFC 6750 section 3.
 */
#ifndef AUTH_OAUTH_TEXT_H
#define AUTH_OAUTH_TEXT_H

/** In place: " becomes ', \ becomes /, anything else outside ? (one for each
 *  character of UTF-8). Never longer than before. */
void oauth_text_clean(char *text);

#endif
