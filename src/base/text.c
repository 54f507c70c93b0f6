/* Text: see text.h. */
#include "base/base.h"

#include "base/text.h"

static const char hex_digits[] = "0123456789abcdef";

bool
bh_is_equal_secret(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const volatile unsigned char *pa = a;
	const volatile unsigned char *pb = b;
	unsigned char diff = 0;

	if (a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++)
		diff |= pa[i] ^ pb[i];
	return diff == 0;
}

void
bh_hex(char *out, const void *data, size_t len)
{
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = hex_digits[in[i] >> 4];
		*out++ = hex_digits[in[i] & 15];
	}
	*out = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
bh_is_hex_decoded(void *out, size_t len, const char *hex)
{
	unsigned char *to = out;

	for (size_t i = 0; i < len; i++) {
		int hi = hex_value(hex[2 * i]);
		int lo = hi < 0 ? -1 : hex_value(hex[2 * i + 1]);

		if (lo < 0)
			return false;
		to[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

static void
base64_add(struct bh_buf *out, const unsigned char *in, size_t len, const char *tail, bool pad)
{
	char table[65];

	snprintf(table, sizeof(table),
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%s", tail);
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)in[i] << 16;
		char four[4];

		if (left > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			v |= in[i + 2];
		for (int k = 0; k < 4; k++)
			four[k] = table[v >> (18 - 6 * k) & 63];
		if (left >= 3) {
			bh_buf_add(out, four, 4);
			continue;
		}
		bh_buf_add(out, four, left + 1);
		if (pad)
			bh_buf_add(out, "==", 3 - left);
	}
}

void
bh_base64_add(struct bh_buf *out, const void *data, size_t len)
{
	base64_add(out, data, len, "+/", true);
}

void
bh_base64url_add(struct bh_buf *out, const void *data, size_t len)
{
	base64_add(out, data, len, "-_", false);
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int
bh_base64_decode(struct bh_buf *out, const char *text, size_t len, struct bh_err *err)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (int pad = 0; pad < 2 && len > 0 && text[len - 1] == '='; pad++)
		len--;
	if (len % 4 == 1)
		return bh_fail(err, BH_INVALID, "base64 text has an impossible length");
	for (size_t i = 0; i < len; i++) {
		int v = base64_value(text[i]);

		if (v < 0)
			return bh_fail(err, BH_INVALID,
			    "base64 text holds a foreign character at byte %zu", i);
		bits = (bits << 6 | (uint32_t)v) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			bh_buf_addc(out, (char)(bits >> have & 0xff));
		}
	}
	return bh_buf_check(out, "decoded base64", err);
}

void
bh_percent_add(struct bh_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_' || c == '~')
			bh_buf_addc(out, (char)c);
		else
			bh_buf_addf(out, "%%%02X", (unsigned)c);
	}
}

void
bh_percent_decode(struct bh_buf *out, const char *text, size_t len, bool plus)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte;

		if (text[i] == '%' && len - i > 2 && bh_is_hex_decoded(&byte, 1, text + i + 1)) {
			bh_buf_addc(out, (char)byte);
			i += 2;
		} else {
			bh_buf_addc(out, plus && text[i] == '+' ? ' ' : text[i]);
		}
	}
}

/* Length of the valid character at text, 0 when there is none. */
static size_t
utf8_char(const unsigned char *s, size_t len)
{
	unsigned char c = s[0];

	if (c < 0x80)
		return 1;
	if (c < 0xc2)
		return 0;
	if (c < 0xe0)
		return len >= 2 && (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if (c < 0xf0) {
		if (len < 3 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
			return 0;
		if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (c > 0xf4 || len < 4 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
	    (s[3] & 0xc0) != 0x80)
		return 0;
	if ((c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
		return 0;
	return 4;
}

bool
bh_is_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_char(s + i, len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t
bh_utf8_chars(const char *text, size_t len)
{
	size_t chars = 0;

	for (size_t i = 0; i < len; i++)
		chars += ((unsigned char)text[i] & 0xc0) != 0x80;
	return chars;
}

size_t
bh_utf8_units(const char *text, size_t len)
{
	size_t units = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		units += (c & 0xc0) != 0x80;
		units += c >= 0xf0; /* beyond the basic plane: a surrogate pair */
	}
	return units;
}

size_t
bh_utf8_cut(const char *text, size_t len, size_t max_units)
{
	size_t units = 0, i = 0;

	while (i < len) {
		size_t n = utf8_char((const unsigned char *)text + i, len - i);

		if (n == 0)
			break;
		units += n == 4 ? 2 : 1;
		if (units > max_units)
			break;
		i += n;
	}
	return i;
}

/* The controls of ASCII and of Latin-1, at the first byte of a valid character. */
static bool
is_control(const char *text)
{
	unsigned char c = (unsigned char)text[0];

	return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0);
}

void
bh_utf8_clean_add(struct bh_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_char((const unsigned char *)text + i, len - i);
		unsigned char c = (unsigned char)text[i];

		if (n == 0) {
			bh_buf_adds(out, "\xef\xbf\xbd");
			i++;
			continue;
		}
		if (is_control(text + i) && c != '\t' && c != '\n')
			bh_buf_addc(out, ' ');
		else
			bh_buf_add(out, text + i, n);
		i += n;
	}
}

void
bh_utf8_mend(char *text, bool is_cut)
{
	size_t len = strlen(text), at = 0, start = len;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (is_cut && start > 0 && (unsigned char)text[start - 1] >= 0xc0 &&
	    !bh_is_utf8(text + start - 1, len - start + 1)) {
		len = start - 1;
		text[len] = '\0';
	}
	for (;; at++) {
		at += bh_utf8_cut(text + at, len - at, SIZE_MAX);
		if (at == len)
			break;
		text[at] = '?';
	}
}

/* The character of n valid bytes. */
static uint32_t
code_point(const unsigned char *s, size_t n)
{
	uint32_t c = n == 1 ? s[0] : n == 2 ? s[0] & 0x1fu : n == 3 ? s[0] & 0x0fu : s[0] & 0x07u;

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3fu);
	return c;
}

/* Of two bytes: nothing else has capitals here. */
static void
add_two_bytes(struct bh_buf *out, uint32_t c)
{
	if (c >= 0x80)
		bh_buf_addc(out, (char)(0xc0 | c >> 6));
	bh_buf_addc(out, (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
}

/* Runs of capitals whose small letters stand so far behind, or next to each (step 1). */
static uint32_t
small_letter(uint32_t c)
{
	static const struct {
		uint16_t first, last, step;
	} runs[] = {{'A', 'Z', 32}, {0xc0, 0xd6, 32}, {0xd8, 0xde, 32}, {0x100, 0x12f, 1},
	    {0x132, 0x137, 1}, {0x139, 0x148, 1}, {0x14a, 0x177, 1}, {0x179, 0x17e, 1},
	    {0x386, 0x386, 38}, {0x388, 0x38a, 37}, {0x38c, 0x38c, 64}, {0x38e, 0x38f, 63},
	    {0x391, 0x3ab, 32}, {0x400, 0x40f, 80}, {0x410, 0x42f, 32}, {0x460, 0x481, 1},
	    {0x48a, 0x4bf, 1}, {0x4d0, 0x52f, 1}};

	if (c == 0x178)
		return 0xff;
	for (size_t i = 0; i < BH_LEN(runs); i++) {
		if (c < runs[i].first || c > runs[i].last)
			continue;
		/* Pairs: the capital is as odd as the first of the run. */
		if (runs[i].step == 1)
			return c + ((c - runs[i].first) % 2 == 0);
		return c + runs[i].step;
	}
	return c;
}

void
bh_fold_add(struct bh_buf *out, const char *text, size_t len)
{
	size_t begin = out->len;
	bool is_space = false;

	for (size_t i = 0; i < len;) {
		const unsigned char *at = (const unsigned char *)text + i;
		size_t n = utf8_char(at, len - i);
		uint32_t c = n != 0 ? code_point(at, n) : 0;

		i += n != 0 ? n : 1;
		if (n != 0 && (c <= ' ' || c == 0x7f || c == 0xa0)) {
			is_space = out->len != begin;
			continue;
		}
		if (is_space)
			bh_buf_addc(out, ' ');
		is_space = false;
		if (n == 0)
			bh_buf_adds(out, "\xef\xbf\xbd");
		else if (n <= 2)
			add_two_bytes(out, small_letter(c));
		else
			bh_buf_add(out, at, n);
	}
}

void
bh_html_add(struct bh_buf *out, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		const char *as = NULL;

		switch (text[i]) {
		case '&':
			as = "&amp;";
			break;
		case '<':
			as = "&lt;";
			break;
		case '>':
			as = "&gt;";
			break;
		case '"':
			as = "&quot;";
			break;
		case '\'':
			as = "&#39;";
			break;
		default:
			continue;
		}
		bh_buf_add(out, text + from, i - from);
		bh_buf_adds(out, as);
		from = i + 1;
	}
	bh_buf_add(out, text + from, len - from);
}

bool
bh_is_uint(const char *text, size_t len, uint64_t max, uint64_t *value_r)
{
	uint64_t value = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (text[i] < '0' || text[i] > '9' || value > (max - digit) / 10 || digit > max)
			return false;
		value = value * 10 + digit;
	}
	*value_r = value;
	return true;
}

bool
bh_is_int(const char *text, size_t len, int64_t *value_r)
{
	bool minus = len > 0 && text[0] == '-';
	uint64_t value, most = (uint64_t)INT64_MAX + minus;

	if (minus) {
		text++;
		len--;
	}
	if (!bh_is_uint(text, len, most, &value))
		return false;
	/* The least int64 has no positive counterpart. */
	*value_r = minus && value != 0 ? -(int64_t)(value - 1) - 1 : (int64_t)value;
	return true;
}

bool
bh_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
bh_has_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), tail = strlen(suffix);

	return len >= tail && memcmp(text + len - tail, suffix, tail) == 0;
}

bool
bh_is_code(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 64 || text[0] == '-' || text[0] == '_')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

void
bh_put_be32(unsigned char out[4], uint32_t value)
{
	for (int i = 3; i >= 0; i--) {
		out[i] = (unsigned char)(value & 0xff);
		value >>= 8;
	}
}

uint32_t
bh_get_be32(const unsigned char in[4])
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

void
bh_put_be64(unsigned char out[8], uint64_t value)
{
	bh_put_be32(out, (uint32_t)(value >> 32));
	bh_put_be32(out + 4, (uint32_t)(value & 0xffffffff));
}

uint64_t
bh_get_be64(const unsigned char in[8])
{
	return (uint64_t)bh_get_be32(in) << 32 | bh_get_be32(in + 4);
}
