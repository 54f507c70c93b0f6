/* Encodings, UTF-8, numbers, names. */
#include "base/base.h"

#include "base/text.h"
#include "unit.h"

/* A literal with its length: test bytes hold NULs. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static void
hex_both_ways(void **state BH_UNUSED)
{
	unsigned char back[4] = {9, 9, 9, 9};
	char out[9];

	bh_hex(out, "\x00\xff\x1a\xB0", 4);
	assert_string_equal(out, "00ff1ab0");
	assert_true(bh_is_hex_decoded(back, 4, "00fF1Ab0"));
	assert_memory_equal(back, "\x00\xff\x1a\xb0", 4);
	assert_false(bh_is_hex_decoded(back, 2, "0g00"));
	assert_false(bh_is_hex_decoded(back, 2, "00 0"));
	/* A text that ends early is not read beyond its end. */
	assert_false(bh_is_hex_decoded(back, 4, "00f"));
	assert_false(bh_is_hex_decoded(back, 1, ""));
	bh_hex(out, "", 0);
	assert_string_equal(out, "");
}

static void
secrets_compare(void **state BH_UNUSED)
{
	assert_true(bh_is_equal_secret("abc", 3, "abc", 3));
	assert_true(bh_is_equal_secret("", 0, "", 0));
	assert_false(bh_is_equal_secret("abc", 3, "abd", 3));
	assert_false(bh_is_equal_secret("bbc", 3, "abc", 3));
	assert_false(bh_is_equal_secret("abc", 3, "abcd", 4));
	assert_false(bh_is_equal_secret("a\0b", 3, "a\0c", 3));
}

/* RFC 4648 section 10, and the letters in which the alphabets differ. */
static const struct {
	const char *plain;
	size_t len;
	const char *padded, *url;
} base64_cases[] = {
    {BYTES(""), "", ""},
    {BYTES("f"), "Zg==", "Zg"},
    {BYTES("fo"), "Zm8=", "Zm8"},
    {BYTES("foo"), "Zm9v", "Zm9v"},
    {BYTES("foob"), "Zm9vYg==", "Zm9vYg"},
    {BYTES("fooba"), "Zm9vYmE=", "Zm9vYmE"},
    {BYTES("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
    {BYTES("\xfb\xff\xbf\x00"), "+/+/AA==", "-_-_AA"},
};

static void
base64_both_ways(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(base64_cases); i++) {
		const char *texts[] = {base64_cases[i].padded, base64_cases[i].url};
		struct bh_buf out = BH_BUF_INIT(64);

		bh_base64_add(&out, base64_cases[i].plain, base64_cases[i].len);
		assert_string_equal(bh_buf_str(&out), base64_cases[i].padded);
		bh_buf_reset(&out);
		bh_base64url_add(&out, base64_cases[i].plain, base64_cases[i].len);
		assert_string_equal(bh_buf_str(&out), base64_cases[i].url);
		for (int k = 0; k < 2; k++) {
			bh_buf_reset(&out);
			assert_int_equal(bh_base64_decode(&out, texts[k], strlen(texts[k]), NULL),
			    0);
			assert_int_equal(out.len, base64_cases[i].len);
			assert_memory_equal(bh_buf_str(&out), base64_cases[i].plain, out.len);
		}
		bh_buf_release(&out);
	}
}

static void
base64_refused(void **state BH_UNUSED)
{
	static const char *const texts[] = {"A", "AAAAA", "A===", "AA===", "====", "AA A", "AA\nA",
	    "AA=A", "A\xc3\xa4g=", "Zm9v.Zm9v", "=AAA"};

	for (size_t i = 0; i < BH_LEN(texts); i++) {
		struct bh_buf out = BH_BUF_INIT(64);
		struct bh_err err = BH_ERR_INIT;

		if (bh_base64_decode(&out, texts[i], strlen(texts[i]), &err) != -1)
			fail_msg("accepted: %s", texts[i]);
		assert_int_equal(err.code, BH_INVALID);
		bh_buf_release(&out);
	}
}

static void
base64_within_ceiling(void **state BH_UNUSED)
{
	struct bh_buf out = BH_BUF_INIT(3);
	struct bh_err err = BH_ERR_INIT;

	assert_int_equal(bh_base64_decode(&out, "Zm9v", 4, &err), 0);
	bh_buf_reset(&out);
	assert_int_equal(bh_base64_decode(&out, "Zm9vYg==", 8, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	bh_buf_release(&out);
}

static void
percent_both_ways(void **state BH_UNUSED)
{
	struct bh_buf out = BH_BUF_INIT(256);

	bh_percent_add(&out, BYTES("aZ09-._~ /?&=+%\xc3\xa4\x00"));
	assert_string_equal(bh_buf_str(&out), "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A4%00");
	bh_buf_reset(&out);
	bh_percent_decode(&out, BYTES("a%20b+c%2bd%C3%a4"), false);
	assert_string_equal(bh_buf_str(&out), "a b+c+d\xc3\xa4");
	bh_buf_reset(&out);
	bh_percent_decode(&out, BYTES("a%20b+c%2bd"), true);
	assert_string_equal(bh_buf_str(&out), "a b c+d");
	bh_buf_release(&out);
}

static void
percent_bad_escapes_stay(void **state BH_UNUSED)
{
	static const char *const texts[] = {"%", "%4", "%zz", "100%", "%%%", "%4g", "a%", "%-1"};

	for (size_t i = 0; i < BH_LEN(texts); i++) {
		struct bh_buf out = BH_BUF_INIT(64);

		bh_percent_decode(&out, texts[i], strlen(texts[i]), true);
		assert_string_equal(bh_buf_str(&out), texts[i]);
		bh_buf_release(&out);
	}
}

static void
percent_stops_at_length(void **state BH_UNUSED)
{
	struct bh_buf out = BH_BUF_INIT(64);

	/* "%41" is there, but the text ends before its last digit. */
	bh_percent_decode(&out, "x%41", 3, false);
	assert_string_equal(bh_buf_str(&out), "x%4");
	bh_buf_release(&out);
}

/* After Markus Kuhn's decoder stress test and RFC 3629 section 3. */
static const struct {
	const char *text;
	size_t len;
	bool valid;
} utf8_cases[] = {
    {BYTES(""), true},
    {BYTES("plain"), true},
    {BYTES("a\0b"), true},
    {BYTES("\x7f"), true},
    {BYTES("\xc2\x80"), true},
    {BYTES("\xdf\xbf"), true},
    {BYTES("\xe0\xa0\x80"), true},
    {BYTES("\xed\x9f\xbf"), true},
    {BYTES("\xee\x80\x80"), true},
    {BYTES("\xef\xbf\xbf"), true},
    {BYTES("\xf0\x90\x80\x80"), true},
    {BYTES("\xf4\x8f\xbf\xbf"), true},
    {BYTES("\x80"), false},
    {BYTES("\xbf"), false},
    {BYTES("a\x80z"), false},
    {BYTES("\xc0\x80"), false},
    {BYTES("\xc1\xbf"), false},
    {BYTES("\xc0\xaf"), false},
    {BYTES("\xe0\x80\xaf"), false},
    {BYTES("\xe0\x9f\xbf"), false},
    {BYTES("\xf0\x80\x80\xaf"), false},
    {BYTES("\xf0\x8f\xbf\xbf"), false},
    {BYTES("\xed\xa0\x80"), false},
    {BYTES("\xed\xbf\xbf"), false},
    {BYTES("\xed\xa0\xbd\xed\xb8\x80"), false},
    {BYTES("\xf4\x90\x80\x80"), false},
    {BYTES("\xf5\x80\x80\x80"), false},
    {BYTES("\xf8\x88\x80\x80\x80"), false},
    {BYTES("\xfe"), false},
    {BYTES("\xff"), false},
    {BYTES("\xc3"), false},
    {BYTES("\xe2\x82"), false},
    {BYTES("\xf0\x9f\x98"), false},
    {BYTES("\xc3\x28"), false},
    {BYTES("\xe2\x28\xa1"), false},
    {BYTES("\xe2\x82\x28"), false},
    {BYTES("\xf0\x28\x8c\xbc"), false},
    {BYTES("\xf0\x90\x28\xbc"), false},
    {BYTES("\xf0\x90\x8c\x28"), false},
};

static void
utf8_judged(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(utf8_cases); i++) {
		/* An exact copy, so that a read behind it is seen by the sanitizer. */
		char *copy = bh_xmalloc(utf8_cases[i].len);

		memcpy(copy, utf8_cases[i].text, utf8_cases[i].len);
		if (bh_is_utf8(copy, utf8_cases[i].len) != utf8_cases[i].valid)
			fail_msg("case %zu", i);
		free(copy);
	}
}

/* Whatever comes in, what comes out is UTF-8, and valid text without controls is unchanged. */
static void
utf8_cleaned(void **state BH_UNUSED)
{
	struct bh_buf out = BH_BUF_INIT(256);

	for (size_t i = 0; i < BH_LEN(utf8_cases); i++) {
		bh_buf_reset(&out);
		bh_utf8_clean_add(&out, utf8_cases[i].text, utf8_cases[i].len);
		assert_true(bh_is_utf8(bh_buf_str(&out), out.len));
	}
	bh_buf_reset(&out);
	bh_utf8_clean_add(&out, BYTES("K\xc3\xb6ln \xf0\x9f\x98\x80\t\n."));
	assert_string_equal(bh_buf_str(&out), "K\xc3\xb6ln \xf0\x9f\x98\x80\t\n.");
	bh_buf_reset(&out);
	bh_utf8_clean_add(&out, BYTES("a\0b\x1b[31m\r\x7f\xc2\x9b|\xc2\xa0|"));
	assert_string_equal(bh_buf_str(&out), "a b [31m   |\xc2\xa0|");
	bh_buf_reset(&out);
	bh_utf8_clean_add(&out, BYTES("x\xc3(\xff\xe2\x82"));
	assert_string_equal(bh_buf_str(&out), "x\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	bh_buf_release(&out);
}

static void
utf8_mended(void **state BH_UNUSED)
{
	static const struct {
		const char *text;
		bool is_cut;
		const char *want;
	} cases[] = {
	    {"", true, ""},
	    {"plain", true, "plain"},
	    {"caf\xc3\xa9", true, "caf\xc3\xa9"},
	    {"caf\xc3", true, "caf"},
	    {"caf\xc3", false, "caf?"},
	    {"\xf0\x9f\x98\x80", true, "\xf0\x9f\x98\x80"},
	    {"a\xf0\x9f\x98", true, "a"},
	    {"a\xf0\x9f\x98", false, "a???"},
	    {"a\xff\x62\x80\x80", true, "a?b??"},
	    {"\x80\x80", true, "??"},
	    {"\xed\xa0\x80z", true, "???z"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char text[16];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		bh_utf8_mend(text, cases[i].is_cut);
		assert_string_equal(text, cases[i].want);
	}
}

static void
utf8_counted(void **state BH_UNUSED)
{
	static const char text[] =
	    "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"; /* a, umlaut, euro, smiley */

	assert_int_equal(bh_utf8_chars(BYTES(text)), 4);
	assert_int_equal(bh_utf8_units(BYTES(text)), 5);
	assert_int_equal(bh_utf8_chars("", 0), 0);
	assert_int_equal(bh_utf8_units("", 0), 0);
}

static void
utf8_cut_between_characters(void **state BH_UNUSED)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t want[] = {0, 1, 3, 6, 6, 10, 11, 11};

	for (size_t units = 0; units < BH_LEN(want); units++)
		assert_int_equal(bh_utf8_cut(BYTES(text), units), want[units]);
	assert_int_equal(bh_utf8_cut(BYTES(text), SIZE_MAX), 11);
	/* Two surrogate pairs in three units: only one fits. */
	assert_int_equal(bh_utf8_cut(BYTES("\xf0\x9f\x98\x80\xf0\x9f\x98\x80"), 3), 4);
	assert_int_equal(bh_utf8_cut(BYTES("ab\xff"), 9), 2);
}

static void
folded(void **state BH_UNUSED)
{
	static const char *const cases[][2] = {{"", ""}, {" \t\n", ""}, {"ACME", "acme"},
	    {"  Two   words\xc2\xa0here ", "two words here"},
	    {"\xc3\x84\xc3\x96\xc3\x9c\xc3\x9f \xc3\x97", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f \xc3\x97"},
	    {"\xc5\x81\xc3\xb3\x64\xc5\xba \xc5\xbd", "\xc5\x82\xc3\xb3\x64\xc5\xba \xc5\xbe"},
	    {"\xc5\xb8 \xc4\x80\xc4\x81", "\xc3\xbf \xc4\x81\xc4\x81"},
	    {"\xce\x91\xce\x8f", "\xce\xb1\xcf\x8e"},
	    {"\xd0\x96\xd0\x81\xd1\x91", "\xd0\xb6\xd1\x91\xd1\x91"},
	    {"\xe6\x97\xa5\xf0\x9f\x98\x80", "\xe6\x97\xa5\xf0\x9f\x98\x80"},
	    {"a\xff", "a\xef\xbf\xbd"}};
	struct bh_buf out = BH_BUF_INIT(256);

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		bh_buf_reset(&out);
		bh_fold_add(&out, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(bh_buf_str(&out), cases[i][1]);
	}
	bh_buf_release(&out);
}

static void
html_escaped(void **state BH_UNUSED)
{
	struct bh_buf out = BH_BUF_INIT(256);

	bh_html_add(&out, BYTES("<a href=\"x\" title='y'>&amp;\xc3\xa4</a>"));
	assert_string_equal(bh_buf_str(&out),
	    "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;\xc3\xa4&lt;/a&gt;");
	bh_buf_reset(&out);
	bh_html_add(&out, "", 0);
	assert_string_equal(bh_buf_str(&out), "");
	bh_buf_release(&out);
}

static const struct {
	const char *text;
	uint64_t max;
	bool ok;
	uint64_t value;
} uint_cases[] = {
    {"0", 0, true, 0},
    {"1", 0, false, 0},
    {"9", 8, false, 0},
    {"000123", 123, true, 123},
    {"124", 123, false, 0},
    {"255", 255, true, 255},
    {"256", 255, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"99999999999999999999", UINT64_MAX, false, 0},
    {"184467440737095516150", UINT64_MAX, false, 0},
    {"", 9, false, 0},
    {"+1", 9, false, 0},
    {"-1", 9, false, 0},
    {" 1", 9, false, 0},
    {"1 ", 9, false, 0},
    {"1e3", 9999, false, 0},
    {"0x1", 9999, false, 0},
};

static void
uint_bounds(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(uint_cases); i++) {
		uint64_t value = 0;
		bool ok = bh_is_uint(uint_cases[i].text, strlen(uint_cases[i].text),
		    uint_cases[i].max, &value);

		if (ok != uint_cases[i].ok || value != uint_cases[i].value)
			fail_msg("\"%s\" up to %llu", uint_cases[i].text,
			    (unsigned long long)uint_cases[i].max);
	}
}

static const struct {
	const char *text;
	bool ok;
	int64_t value;
} int_cases[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"-17", true, -17},
    {"9223372036854775807", true, INT64_MAX},
    {"9223372036854775808", false, 0},
    {"-9223372036854775807", true, -INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"-9223372036854775809", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"--1", false, 0},
    {"+1", false, 0},
    {"1.0", false, 0},
};

static void
int_bounds(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(int_cases); i++) {
		int64_t value = 0;
		bool ok = bh_is_int(int_cases[i].text, strlen(int_cases[i].text), &value);

		if (ok != int_cases[i].ok || value != int_cases[i].value)
			fail_msg("\"%s\"", int_cases[i].text);
	}
}

static void
prefixes_and_suffixes(void **state BH_UNUSED)
{
	assert_true(bh_has_prefix("sync/push", "sync/"));
	assert_true(bh_has_prefix("a", ""));
	assert_false(bh_has_prefix("sy", "sync"));
	assert_false(bh_has_prefix("", "a"));
	assert_true(bh_has_suffix("page.html", ".html"));
	assert_true(bh_has_suffix("a", ""));
	assert_false(bh_has_suffix("html", ".html"));
	assert_false(bh_has_suffix("page.html ", ".html"));
}

static void
codes(void **state BH_UNUSED)
{
	static const char *const good[] = {"a", "7", "stripe-eu_2", "0-_",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const char *const bad[] = {"", "-a", "_a", "A", "a b", "a/b", "a.b", "\xc3\xa4",
	    "a\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < BH_LEN(good); i++)
		assert_true(bh_is_code(good[i]));
	for (size_t i = 0; i < BH_LEN(bad); i++)
		assert_false(bh_is_code(bad[i]));
}

static void
big_endian(void **state BH_UNUSED)
{
	unsigned char bytes[8];

	bh_put_be64(bytes, 0x0123456789abcdefu);
	assert_memory_equal(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
	assert_true(bh_get_be64(bytes) == 0x0123456789abcdefu);
	bh_put_be64(bytes, UINT64_MAX);
	assert_true(bh_get_be64(bytes) == UINT64_MAX);
	bh_put_be32(bytes, 0xfedcba98u);
	assert_memory_equal(bytes, "\xfe\xdc\xba\x98", 4);
	assert_true(bh_get_be32(bytes) == 0xfedcba98u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hex_both_ways),
	    cmocka_unit_test(secrets_compare),
	    cmocka_unit_test(base64_both_ways),
	    cmocka_unit_test(base64_refused),
	    cmocka_unit_test(base64_within_ceiling),
	    cmocka_unit_test(percent_both_ways),
	    cmocka_unit_test(percent_bad_escapes_stay),
	    cmocka_unit_test(percent_stops_at_length),
	    cmocka_unit_test(utf8_judged),
	    cmocka_unit_test(utf8_cleaned),
	    cmocka_unit_test(utf8_mended),
	    cmocka_unit_test(utf8_counted),
	    cmocka_unit_test(utf8_cut_between_characters),
	    cmocka_unit_test(folded),
	    cmocka_unit_test(html_escaped),
	    cmocka_unit_test(uint_bounds),
	    cmocka_unit_test(int_bounds),
	    cmocka_unit_test(prefixes_and_suffixes),
	    cmocka_unit_test(codes),
	    cmocka_unit_test(big_endian),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
