/* URLs, hosts, e-mail addresses: see domain.h.  Strict where CRMs are: one bad address loses a record. */
#include "base/base.h"

#include "map/domain.h"

#include <strings.h>

#include "base/text.h"

#define HOST_BYTES 253 /* RFC 1035 */
#define LABEL_BYTES 63
#define LOCAL_BYTES 64 /* RFC 5321 */

/* Mail providers open to everybody: their domain says nothing of a company. */
static const char *const free_mail[] = {"126.com", "163.com", "aol.com", "bluewin.ch",
    "btinternet.com", "comcast.net", "duck.com", "fastmail.com", "free.fr", "freenet.de",
    "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com",
    "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.it", "icloud.com",
    "laposte.net", "libero.it", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com",
    "naver.com", "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "pm.me", "proton.me",
    "protonmail.com", "qq.com", "rediffmail.com", "rocketmail.com", "sfr.fr", "t-online.de",
    "tutanota.com", "verizon.net", "wanadoo.fr", "web.de", "yahoo.co.in", "yahoo.co.jp",
    "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.fr", "yandex.com", "yandex.ru", "ymail.com",
    "zoho.com"};

static const char *
trim(const char *text, size_t *len_r)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	*len_r = len;
	return text;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Labels of letters, digits, hyphens and bytes of other alphabets, joined by dots. */
static bool
is_host(const char *text, size_t len)
{
	size_t label = 0;

	if (len == 0 || len > HOST_BYTES || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (is_alnum(text[i]) || text[i] == '-' || (unsigned char)text[i] >= 0x80) {
			if (++label > LABEL_BYTES)
				return false;
		} else {
			return false;
		}
	}
	return label > 0;
}

static void
add_lower(struct bh_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		bh_buf_addc(out, c);
	}
}

/* Behind "http://" or "https://"; NULL for other texts. */
static const char *
skip_scheme(const char *text)
{
	if (strncasecmp(text, "https://", 8) == 0)
		return text + 8;
	return strncasecmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

/* The host at the start of "user@host:port/path". */
static bool
is_authority(const char *text, size_t len, const char **host_r, size_t *host_len_r)
{
	size_t end = 0, start = 0;

	while (end < len && strchr("/?#", text[end]) == NULL)
		end++;
	for (size_t i = 0; i < end; i++) {
		if (text[i] == '@')
			start = i + 1;
	}
	for (size_t i = start; i < end; i++) {
		if (text[i] == ':')
			end = i;
	}
	if (end > start && text[end - 1] == '.')
		end--;
	*host_r = text + start;
	*host_len_r = end - start;
	return is_host(*host_r, *host_len_r);
}

static bool
has_no_blanks(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] <= ' ' || strchr("\"<>\\^`{|}\177", text[i]) != NULL)
			return false;
	}
	return true;
}

bool
is_domain_url(const char *text, struct bh_buf *out)
{
	size_t len, host_len;
	const char *start = trim(text, &len), *rest = skip_scheme(start), *host;

	if (rest == NULL || !has_no_blanks(start, len) ||
	    !is_authority(rest, len - (size_t)(rest - start), &host, &host_len))
		return false;
	bh_buf_add(out, start, len);
	return true;
}

bool
is_domain_website(const char *text, struct bh_buf *out)
{
	size_t len, host_len;
	const char *start = trim(text, &len), *host;

	if (strstr(start, "://") != NULL)
		return is_domain_url(start, out);
	if (!has_no_blanks(start, len) || memchr(start, '@', len) != NULL ||
	    !is_authority(start, len, &host, &host_len) || memchr(host, '.', host_len) == NULL)
		return false;
	bh_buf_adds(out, "https://");
	bh_buf_add(out, start, len);
	return true;
}

bool
is_domain_host(const char *text, struct bh_buf *out)
{
	size_t len, host_len;
	const char *start = trim(text, &len), *rest = skip_scheme(start), *host;

	if (rest == NULL)
		rest = start;
	if (!has_no_blanks(start, len) ||
	    !is_authority(rest, len - (size_t)(rest - start), &host, &host_len) ||
	    memchr(host, '.', host_len) == NULL)
		return false;
	add_lower(out, host, host_len);
	return true;
}

/* RFC 5322 atoms only: what CRMs take. */
static bool
is_local_part(const char *text, size_t len)
{
	if (len == 0 || len > LOCAL_BYTES || text[0] == '.' || text[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.'
			? text[i + 1] == '.'
			: !is_alnum(text[i]) && strchr("!#$%&'*+/=?^_`{|}~-", text[i]) == NULL)
			return false;
	}
	return true;
}

bool
is_domain_email(const char *text, struct bh_buf *out)
{
	size_t len, local;

	text += strspn(text, " \t\r\n,;");
	len = strcspn(text, " \t\r\n,;");
	local = strcspn(text, "@");
	if (local >= len || !is_local_part(text, local) ||
	    !is_host(text + local + 1, len - local - 1) ||
	    memchr(text + local, '.', len - local) == NULL)
		return false;
	for (size_t i = local; i < len; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return false;
	}
	add_lower(out, text, len);
	return true;
}

static bool
is_free_mail(const char *host)
{
	for (size_t i = 0; i < BH_LEN(free_mail); i++) {
		if (strcmp(free_mail[i], host) == 0)
			return true;
	}
	return false;
}

bool
is_domain_company(const char *text, struct bh_buf *out)
{
	struct bh_buf host = BH_BUF_INIT(HOST_BYTES);
	const char *name;
	bool good;

	good = is_domain_host(text, &host);
	name = bh_buf_str(&host);
	if (bh_has_prefix(name, "www."))
		name += 4;
	good = good && strchr(name, '.') != NULL && name[strspn(name, "0123456789.")] != '\0' &&
	       !is_free_mail(name);
	if (good)
		bh_buf_adds(out, name);
	bh_buf_release(&host);
	return good;
}
