/* See compare.h. */
#include "base/base.h"

#include "dest/compare.h"

#include "base/text.h"

/* The lower case of a character of the Latin, Greek and Cyrillic alphabets. */
static unsigned
lower(unsigned c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
	    (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c == 0x178)
		return 0xff;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if (c >= 0x100 && c <= 0x177 && c != 0x130 && c != 0x131 && c != 0x138)
		return c | 1;
	return c;
}

char *
dest_trim(const char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return bh_xstrndup(text, len);
}

char *
dest_fold(const char *text)
{
	struct bh_buf out = BH_BUF_INIT(SIZE_MAX / 2);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0xc3 && c <= 0xd1 && i + 1 < len) {
			unsigned folded =
			    lower((unsigned)(c & 0x1f) << 6 | ((unsigned char)text[++i] & 0x3f));

			bh_buf_addc(&out, (char)(0xc0 | folded >> 6));
			bh_buf_addc(&out, (char)(0x80 | (folded & 0x3f)));
		} else {
			bh_buf_addc(&out, (char)(c < 0x80 ? lower(c) : c));
		}
	}
	return out.len > 0 ? bh_buf_steal(&out) : bh_xstrdup("");
}

char *
dest_host(const char *address)
{
	char *trimmed = dest_trim(address), *text = dest_fold(trimmed), *host = text;
	const char *scheme = strstr(text, "://");
	size_t len;

	if (scheme != NULL)
		host += scheme - text + 3;
	host[strcspn(host, "/?#\\ ,;")] = '\0';
	if (strrchr(host, '@') != NULL)
		host = strrchr(host, '@') + 1;
	host[strcspn(host, ":")] = '\0';
	if (bh_has_prefix(host, "www."))
		host += 4;
	len = strlen(host);
	if (len > 0 && host[len - 1] == '.')
		len--;
	host = bh_xstrndup(host, len);
	free(trimmed);
	free(text);
	return host;
}
