/* Buffers with a ceiling, secrets, errors, log lines. */
#include "base/base.h"

#include <errno.h>

#include "base/buf.h"
#include "base/text.h"
#include "unit.h"

static void
grows_to_its_ceiling(void **state BH_UNUSED)
{
	struct bh_buf buf = BH_BUF_INIT(1000);

	assert_string_equal(bh_buf_str(&buf), "");
	for (int i = 0; i < 1000; i++)
		bh_buf_addc(&buf, (char)('a' + i % 26));
	assert_int_equal(buf.len, 1000);
	assert_false(buf.full);
	assert_int_equal(strlen(buf.data), 1000);
	assert_int_equal(bh_buf_check(&buf, "it", NULL), 0);
	bh_buf_addc(&buf, 'x');
	assert_true(buf.full);
	assert_int_equal(buf.len, 1000);
	bh_buf_release(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.max, 1000);
}

static void
what_does_not_fit_is_dropped_whole(void **state BH_UNUSED)
{
	struct bh_buf buf = BH_BUF_INIT(8);
	struct bh_err err = BH_ERR_INIT;

	bh_buf_adds(&buf, "12345");
	bh_buf_adds(&buf, "6789");
	assert_string_equal(bh_buf_str(&buf), "12345");
	/* What would fit is refused as well: a text with a hole is worse than none. */
	bh_buf_adds(&buf, "6");
	assert_string_equal(bh_buf_str(&buf), "12345");
	assert_int_equal(bh_buf_check(&buf, "the body", &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_string_equal(err.text, "the body is larger than 8 bytes");
	bh_buf_reset(&buf);
	bh_buf_adds(&buf, "12345678");
	assert_int_equal(bh_buf_check(&buf, "the body", &err), 0);
	assert_string_equal(bh_buf_str(&buf), "12345678");
	bh_buf_release(&buf);
}

static void
sizes_that_overflow(void **state BH_UNUSED)
{
	struct bh_buf buf = BH_BUF_INIT(100);

	bh_buf_adds(&buf, "abc");
	assert_null(bh_buf_room(&buf, SIZE_MAX));
	assert_true(buf.full);
	bh_buf_reset(&buf);
	bh_buf_adds(&buf, "abc");
	assert_null(bh_buf_room(&buf, SIZE_MAX - 2));
	assert_true(buf.full);
	assert_string_equal(bh_buf_str(&buf), "abc");
	bh_buf_release(&buf);
}

static void
formats(void **state BH_UNUSED)
{
	struct bh_buf buf = BH_BUF_INIT(12);

	bh_buf_addf(&buf, "%d-%s", 42, "abc");
	assert_string_equal(bh_buf_str(&buf), "42-abc");
	bh_buf_addf(&buf, "%s", "");
	assert_false(buf.full);
	bh_buf_addf(&buf, "%s", "123456");
	assert_string_equal(bh_buf_str(&buf), "42-abc123456");
	bh_buf_addf(&buf, "%d", 7);
	assert_true(buf.full);
	assert_string_equal(bh_buf_str(&buf), "42-abc123456");
	bh_buf_release(&buf);
}

static void
shifts(void **state BH_UNUSED)
{
	struct bh_buf buf = BH_BUF_INIT(8);

	bh_buf_shift(&buf, 3);
	assert_string_equal(bh_buf_str(&buf), "");
	bh_buf_adds(&buf, "abcdef");
	bh_buf_shift(&buf, 0);
	assert_string_equal(bh_buf_str(&buf), "abcdef");
	bh_buf_shift(&buf, 2);
	assert_string_equal(bh_buf_str(&buf), "cdef");
	bh_buf_adds(&buf, "12345");
	assert_true(buf.full);
	bh_buf_shift(&buf, 99);
	assert_string_equal(bh_buf_str(&buf), "");
	assert_int_equal(buf.len, 0);
	assert_true(buf.full); /* something was dropped: that stays known */
	bh_buf_release(&buf);
}

static void
steals(void **state BH_UNUSED)
{
	struct bh_buf buf = BH_BUF_INIT(8);
	char *text;

	text = bh_buf_steal(&buf);
	assert_string_equal(text, "");
	free(text);
	bh_buf_adds(&buf, "abc");
	text = bh_buf_steal(&buf);
	assert_string_equal(text, "abc");
	free(text);
	assert_int_equal(buf.len, 0);
	assert_null(buf.data);
	bh_buf_adds(&buf, "again");
	assert_string_equal(bh_buf_str(&buf), "again");
	bh_buf_wipe(&buf);
	assert_string_equal(bh_buf_str(&buf), "");
}

static void
secrets(void **state BH_UNUSED)
{
	struct bh_secret secret = BH_SECRET_INIT;

	assert_string_equal(bh_secret_str(&secret), "");
	bh_secret_set(&secret, "whsec_test", 10);
	assert_string_equal(bh_secret_str(&secret), "whsec_test");
	/* From its own memory: copied before it is wiped. */
	bh_secret_set(&secret, secret.data + 6, 4);
	assert_string_equal(bh_secret_str(&secret), "test");
	assert_int_equal(secret.len, 4);
	bh_secret_set(&secret, "", 0);
	assert_string_equal(bh_secret_str(&secret), "");
	bh_secret_release(&secret);
	assert_null(secret.data);
	bh_secret_release(&secret);
}

static void
wiped(void **state BH_UNUSED)
{
	char text[] = "whsec_test";

	bh_wipe(text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		assert_int_equal(text[i], 0);
	bh_wipe(NULL, 0);
}

static void
errors_recorded(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;

	err.retry_after_s = 9;
	assert_int_equal(bh_fail(&err, BH_DENIED, "age %d s", 7), -1);
	assert_int_equal(err.code, BH_DENIED);
	assert_int_equal(err.retry_after_s, 0);
	assert_string_equal(err.text, "age 7 s");
	err.retry_after_s = 30;
	assert_int_equal(bh_during(&err, "checking %s", "stripe"), -1);
	assert_string_equal(err.text, "checking stripe: age 7 s");
	assert_int_equal(err.code, BH_DENIED);
	assert_int_equal(err.retry_after_s, 30);
	assert_int_equal(bh_fail(NULL, BH_DENIED, "nobody listens"), -1);
	assert_int_equal(bh_during(NULL, "x"), -1);
	errno = ENOENT;
	assert_int_equal(bh_fail_errno(&err, BH_STORAGE, "cannot open %s", "f"), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(err.text, "cannot open f: No such file or directory");
	assert_int_equal(bh_fail_errno(NULL, BH_STORAGE, "x"), -1);
}

/* Cut at 239 bytes: whole characters only, at every position of the cut. */
static void
long_errors_stay_utf8(void **state BH_UNUSED)
{
	static const char *const chars[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	struct bh_err err = BH_ERR_INIT;

	for (size_t c = 0; c < BH_LEN(chars); c++) {
		for (int lead = 230; lead < 245; lead++) {
			bh_fail(&err, BH_INVALID, "%*s%s%s", lead, "", chars[c], chars[c]);
			assert_true(bh_is_utf8(err.text, strlen(err.text)));
			assert_true(strlen(err.text) >= 230);
			bh_fail(&err, BH_INVALID, "why");
			bh_during(&err, "%*s%s%s", lead - 40, "", chars[c], chars[c]);
			assert_true(bh_is_utf8(err.text, strlen(err.text)));
			bh_fail(&err, BH_INVALID, "why");
			bh_during(&err, "%*s%s%s", lead, "", chars[c], chars[c]);
			assert_true(bh_has_suffix(err.text, ": why"));
			assert_true(bh_is_utf8(err.text, strlen(err.text)));
		}
	}
}

static void
errors_quote_anything(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;

	bh_fail(&err, BH_INVALID, "no option \"%.3s\"", "ab\xc3\xa4");
	assert_string_equal(err.text, "no option \"ab?\"");
	bh_fail(&err, BH_INVALID, "%s", "\xff\x80 bytes");
	assert_string_equal(err.text, "?? bytes");
	bh_fail(&err, BH_INVALID, "exactly at the end: \xc3\xa4");
	assert_string_equal(err.text, "exactly at the end: \xc3\xa4");
}

static void
code_names(void **state BH_UNUSED)
{
	for (int i = 0; i < BH__MAX; i++)
		assert_true(strlen(bh_code_name((enum bh_code)i)) > 1);
	assert_string_equal(bh_code_name(BH_CONFLICT), "conflict");
	assert_string_equal(bh_code_name(BH__MAX), "unknown");
}

static char logged[1200];

static void
keep_line(enum bh_level level BH_UNUSED, const char *text)
{
	snprintf(logged, sizeof(logged), "%s", text);
}

static void
log_lines_are_one_line(void **state BH_UNUSED)
{
	bh_log_hook(keep_line);
	errno = EAGAIN;
	bh_log(BH_WARN, "name=%s", "a\nlevel=error\x1b[1m\x7f\xff");
	assert_string_equal(logged, "name=a level=error [1m ?");
	assert_int_equal(errno, EAGAIN);
	bh_log(BH_INFO, "%998s\xc3\xa4", "x");
	assert_int_equal(strlen(logged), 998);
	bh_log(BH_INFO, "%5000s", "x");
	assert_int_equal(strlen(logged), 999);
	bh_log_hook(unit_log);
}

static void
log_levels(void **state BH_UNUSED)
{
	enum bh_level level = BH_DEBUG;

	assert_true(bh_is_level("warn", &level));
	assert_int_equal(level, BH_WARN);
	assert_false(bh_is_level("WARN", &level));
	assert_false(bh_is_level("", &level));
	assert_false(bh_is_level("loud", &level));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(grows_to_its_ceiling),
	    cmocka_unit_test(what_does_not_fit_is_dropped_whole),
	    cmocka_unit_test(sizes_that_overflow),
	    cmocka_unit_test(formats),
	    cmocka_unit_test(shifts),
	    cmocka_unit_test(steals),
	    cmocka_unit_test(secrets),
	    cmocka_unit_test(wiped),
	    cmocka_unit_test(errors_recorded),
	    cmocka_unit_test(long_errors_stay_utf8),
	    cmocka_unit_test(errors_quote_anything),
	    cmocka_unit_test(code_names),
	    cmocka_unit_test(log_lines_are_one_line),
	    cmocka_unit_test(log_levels),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
