/* srs/sip/json_text.h - bytes from the network as the inside of a JSON string.
 *
 * JSON and the catalog hold UTF-8 only, headers and SDP anything: a string
 * that is not well-formed UTF-8 loses its bytes above 127 to '?'; line ends and
 * everything else stay.
 */
#ifndef SRS_SIP_JSON_TEXT_H
#define SRS_SIP_JSON_TEXT_H

struct buf;

/** Append "key":"value" with a comma in front unless key is the first of an
 *  object. @param s NULL reads as "" */
void json_text_pair(struct buf *out, const char *key, const char *s);
/** Append the quoted string. */
void json_text_put(struct buf *out, const char *s);

#endif
