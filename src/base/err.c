/* Errors: recording and prefixing.  See err.h. */
#include "base/base.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>

#include "base/text.h"

static const char *const code_names[BH__MAX] = {
    [BH_OK] = "ok",
    [BH_INVALID] = "invalid",
    [BH_DENIED] = "denied",
    [BH_CONFLICT] = "conflict",
    [BH_LIMITED] = "limited",
    [BH_UNAVAILABLE] = "unavailable",
    [BH_UNCERTAIN] = "uncertain",
    [BH_STORAGE] = "storage",
};

/* Texts from outside are quoted in errors, and errors are stored as JSON: only UTF-8 may pass. */
static void
set_text(struct bh_err *err, const char *text)
{
	int n = snprintf(err->text, sizeof(err->text), "%s", text);

	bh_utf8_mend(err->text, n >= (int)sizeof(err->text));
}

int
bh_fail(struct bh_err *err, enum bh_code code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err->code = code;
	err->retry_after_s = 0;
	err->own_len = 0;
	err->word[0] = '\0';
	set_text(err, text);
	return -1;
}

int
bh_fail_errno(struct bh_err *err, enum bh_code code, const char *fmt, ...)
{
	char text[400], whole[512];
	int saved = errno;
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "%s: %s", text, strerror(saved));
	err->code = code;
	err->retry_after_s = 0;
	err->own_len = 0;
	err->word[0] = '\0';
	set_text(err, whole);
	errno = saved;
	return -1;
}

int
bh_during(struct bh_err *err, const char *fmt, ...)
{
	char doing[200], whole[sizeof(err->text) + 204];
	va_list ap;
	int n;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	n = vsnprintf(doing, sizeof(doing), fmt, ap);
	va_end(ap);
	bh_utf8_mend(doing, n >= (int)sizeof(doing));
	snprintf(whole, sizeof(whole), "%s: %s", doing, err->text);
	set_text(err, whole);
	if (err->own_len != 0)
		err->own_len += strlen(doing) + 2;
	return -1;
}

int
bh_quotes(struct bh_err *err, size_t own_len, const char *word)
{
	if (err == NULL)
		return -1;
	err->own_len = own_len < strlen(err->text) ? own_len : 0;
	snprintf(err->word, sizeof(err->word), "%s", word != NULL ? word : "");
	bh_utf8_mend(err->word, true);
	return -1;
}

const char *
bh_code_name(enum bh_code code)
{
	return code < BH__MAX ? code_names[code] : "unknown";
}
