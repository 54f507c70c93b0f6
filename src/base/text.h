/*
 * Text: encodings, UTF-8, comparison, splitting.  Pure functions over bytes;
 * lengths are in bytes unless a name says characters.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

/* Constant time in the contents; lengths may leak. */
bool bh_is_equal_secret(const void *a, size_t a_len, const void *b, size_t b_len);

/* Lower-case hex of len bytes into out, which holds 2 * len + 1. */
void bh_hex(char *out, const void *data, size_t len);
/* Decode exactly 2 * len hex digits of either case; false when one is not. */
bool bh_is_hex_decoded(void *out, size_t len, const char *hex);

void bh_base64_add(struct bh_buf *out, const void *data, size_t len);
/* URL alphabet, no padding (RFC 4648 section 5). */
void bh_base64url_add(struct bh_buf *out, const void *data, size_t len);
/* Both alphabets, padding (at most two) optional, no white space.  -1 BH_INVALID. */
int bh_base64_decode(struct bh_buf *out, const char *text, size_t len, struct bh_err *err);

/* Percent-encode everything but RFC 3986 unreserved characters. */
void bh_percent_add(struct bh_buf *out, const char *text, size_t len);
/* Decode %XX; with plus, '+' becomes a space (forms).  A bad escape stays as it is. */
void bh_percent_decode(struct bh_buf *out, const char *text, size_t len, bool plus);

/* RFC 3629: no overlong forms, no surrogates, at most U+10FFFF. */
bool bh_is_utf8(const char *text, size_t len);
/* Characters (code points) in valid UTF-8 text. */
size_t bh_utf8_chars(const char *text, size_t len);
/* UTF-16 code units in valid UTF-8 text: how Salesforce and JavaScript count. */
size_t bh_utf8_units(const char *text, size_t len);
/* Bytes of the longest prefix with at most max UTF-16 code units; never splits a character. */
size_t bh_utf8_cut(const char *text, size_t len, size_t max_units);
/* Add text, replacing invalid bytes by U+FFFD and controls but \t\n by spaces. */
void bh_utf8_clean_add(struct bh_buf *out, const char *text, size_t len);

/*
 * Make text valid UTF-8 where it stands: each invalid byte becomes '?'; a
 * character cut off at the end goes when is_cut.
 */
void bh_utf8_mend(char *text, bool is_cut);

/*
 * For comparing and sorting what people write: lower case (Latin, Greek,
 * Cyrillic), each white space run one space, none at the ends; no UTF-8 is replaced.
 */
void bh_fold_add(struct bh_buf *out, const char *text, size_t len);

/* Escape & < > " ' for HTML text and quoted attributes. */
void bh_html_add(struct bh_buf *out, const char *text, size_t len);

/* Decimal digits only, no sign or space, at most max; false otherwise. */
bool bh_is_uint(const char *text, size_t len, uint64_t max, uint64_t *value_r);
/* Optional '-', decimal digits; within int64. */
bool bh_is_int(const char *text, size_t len, int64_t *value_r);

bool bh_has_prefix(const char *text, const char *prefix);
bool bh_has_suffix(const char *text, const char *suffix);
/* A name of a connection, sync or user: a-z 0-9 '-' '_', 1 to 64 bytes, starting with a letter or digit. */
bool bh_is_code(const char *text);

/* Big-endian integers in keys and frames. */
void bh_put_be64(unsigned char out[8], uint64_t value);
uint64_t bh_get_be64(const unsigned char in[8]);
void bh_put_be32(unsigned char out[4], uint32_t value);
uint32_t bh_get_be32(const unsigned char in[4]);

#endif
