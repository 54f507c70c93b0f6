/* Masked headers: see mask.h. */
#include "base/base.h"

#include "web/mask.h"

#include "base/text.h"

#define SHOWN 8        /* characters of a signature */
#define NAME_MAX_LEN 8 /* of a part: "v1" */
#define STAMP_MAX_LEN 13
#define DOTS "\xe2\x80\xa6"

static bool
is_any(const char *name, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strstr(name, *words) != NULL)
			return true;
	return false;
}

static bool
is_digits(const char *text, size_t len)
{
	uint64_t number;

	return len <= STAMP_MAX_LEN && bh_is_uint(text, len, UINT64_MAX, &number);
}

/* The beginning of one value; a short one would be shown whole. */
static void
add_masked(struct bh_buf *out, const char *text, size_t len)
{
	struct bh_buf clean = BH_BUF_INIT(SIZE_MAX / 2);

	bh_utf8_clean_add(&clean, text, len);
	if (clean.len > 2 * SHOWN)
		bh_buf_add(out, clean.data, bh_utf8_cut(clean.data, clean.len, SHOWN));
	bh_buf_adds(out, DOTS);
	bh_buf_wipe(&clean);
}

/* "v1=5257a869e7...", a time, or a bare signature. */
static void
add_part(struct bh_buf *out, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - text) + 1 : 0;
	size_t value_len = len - name_len;

	/* What stands before the = of a short part may be all of the secret. */
	if (name_len <= NAME_MAX_LEN &&
	    (is_digits(text + name_len, value_len) || value_len > 2 * SHOWN)) {
		bh_utf8_clean_add(out, text, name_len);
		text += name_len;
		len = value_len;
	}
	if (is_digits(text, len))
		bh_buf_add(out, text, len);
	else
		add_masked(out, text, len);
}

static void
add_signature(struct bh_buf *out, const char *value)
{
	for (;;) {
		size_t len = strcspn(value, ",;");

		add_part(out, value, len);
		if (value[len] == '\0')
			return;
		bh_buf_addc(out, value[len]);
		value += len + 1;
		while (*value == ' ')
			value++;
	}
}

bool
mask_header(struct bh_buf *out, const char *name, const char *value)
{
	static const char *const never[] = {"authorization", "cookie", NULL};
	static const char *const signatures[] = {"signature", "hmac", "digest", NULL};
	static const char *const secrets[] = {"token", "secret", "password", "api-key", "apikey",
	    "auth", NULL};
	bool is_about = bh_has_suffix(name, "-algorithm") || bh_has_suffix(name, "-timestamp") ||
			bh_has_suffix(name, "-version");

	if (is_any(name, never))
		return false;
	if (!is_about && is_any(name, signatures))
		add_signature(out, value);
	else if (!is_about && is_any(name, secrets))
		bh_buf_adds(out, DOTS);
	else
		bh_utf8_clean_add(out, value, strlen(value));
	return true;
}
