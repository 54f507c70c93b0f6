/* JSON: limits of parsing, look-ups, canonical text, the first look without parsing. */
#include "base/base.h"

#include <unistd.h>

#include "base/json.h"
#include "unit.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

static json_t *
parsed(const char *text)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	if (bh_json_parse(text, strlen(text), &json, &err) < 0)
		fail_msg("%s", err.text);
	return json;
}

static void
refuse(const char *text, size_t len)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	if (bh_json_parse(text, len, &json, &err) != -1)
		fail_msg("accepted: %s", text);
	assert_null(json);
	assert_int_equal(err.code, BH_INVALID);
	assert_true(err.text[0] != '\0');
}

static void
broken_json_refused(void **state BH_UNUSED)
{
	refuse(BYTES(""));
	refuse(BYTES(" "));
	refuse(BYTES("{"));
	refuse(BYTES("{\"a\":1"));
	refuse(BYTES("{\"a\":1}}"));
	refuse(BYTES("{\"a\":1}x"));
	refuse(BYTES("{'a':1}"));
	refuse(BYTES("[1,]"));
	refuse(BYTES("\"\xff\""));
	refuse(BYTES("\"\xed\xa0\x80\""));
	refuse(BYTES("\"a\\u0000b\""));
	refuse(BYTES("\"a\0b\""));
	refuse(BYTES("\"\\ud800\""));
	refuse(BYTES("\xef\xbb\xbf{}"));
	refuse(BYTES("nul"));
	refuse(BYTES("99999999999999999999"));
	refuse(BYTES("1e999"));
	/* Bytes behind len are not looked at. */
	refuse("{\"a\":1}", 6);
}

static void
error_says_where(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *json;

	assert_int_equal(bh_json_parse(BYTES("{\n\"a\":x}"), &json, &err), -1);
	assert_non_null(strstr(err.text, "line 2"));
}

static void
any_value_at_the_top(void **state BH_UNUSED)
{
	json_t *json = parsed("\"text\"");

	assert_string_equal(json_string_value(json), "text");
	json_decref(json);
	json = parsed(" [ ] ");
	assert_true(json_is_array(json));
	json_decref(json);
}

static void
last_duplicate_wins(void **state BH_UNUSED)
{
	json_t *json = parsed("{\"a\":1,\"a\":2}");

	assert_int_equal(bh_json_int(json, "a", 0), 2);
	json_decref(json);
}

/* levels brackets of a kind, around middle. */
static char *
nested(int levels, char open, const char *middle, char close)
{
	struct bh_buf text = BH_BUF_INIT(1 << 20);

	for (int i = 0; i < levels; i++) {
		bh_buf_addc(&text, open);
		if (open == '{')
			bh_buf_adds(&text, "\"a\":");
	}
	bh_buf_adds(&text, middle);
	for (int i = 0; i < levels; i++)
		bh_buf_addc(&text, close);
	return bh_buf_steal(&text);
}

static void
depth_64_and_65(void **state BH_UNUSED)
{
	static const char pairs[][2] = {{'[', ']'}, {'{', '}'}};

	for (size_t i = 0; i < BH_LEN(pairs); i++) {
		char *text = nested(64, pairs[i][0], "1", pairs[i][1]);
		json_t *json = parsed(text);

		json_decref(json);
		free(text);
		text = nested(65, pairs[i][0], "1", pairs[i][1]);
		refuse(text, strlen(text));
		free(text);
		/* Deep enough to end a recursive parser's stack. */
		text = nested(100000, pairs[i][0], "1", pairs[i][1]);
		refuse(text, strlen(text));
		free(text);
	}
}

static void
brackets_in_strings_are_no_depth(void **state BH_UNUSED)
{
	char *brackets = nested(100, '[', "", ']');
	char *text = bh_xasprintf("{\"a\\\"%s\":\"\\\\%s\"}", brackets, brackets);

	json_decref(parsed(text));
	free(text);
	free(brackets);
}

static void
paths(void **state BH_UNUSED)
{
	json_t *json =
	    parsed("{\"a\":{\"b\":[10,{\"c\":\"x\"}],\"0\":\"zero\"},\"\":{\"e\":1},\"n\":null}");

	assert_ptr_equal(bh_json_at(json, ""), json);
	assert_int_equal(bh_json_int(json, "a.b.0", -1), 10);
	assert_string_equal(bh_json_str(json, "a.b.1.c"), "x");
	assert_string_equal(bh_json_str(json, "a.0"), "zero");
	assert_int_equal(bh_json_int(json, ".e", -1), 1);
	assert_true(json_is_null(bh_json_at(json, "n")));
	assert_null(bh_json_at(json, "n.x"));
	assert_null(bh_json_at(json, "a.b.2"));
	assert_null(bh_json_at(json, "a.b.-1"));
	assert_null(bh_json_at(json, "a.b.x"));
	assert_null(bh_json_at(json, "a.b.4294967296"));
	assert_null(bh_json_at(json, "a.b.99999999999999999999"));
	assert_null(bh_json_at(json, "a.b.0.x"));
	assert_null(bh_json_at(json, "a.c"));
	assert_null(bh_json_at(json, "a..b"));
	assert_null(bh_json_at(NULL, "a"));
	assert_null(bh_json_str(json, "a.b.0"));
	assert_null(bh_json_str(NULL, "a"));
	json_decref(json);
}

static void
names_longer_than_any_field(void **state BH_UNUSED)
{
	json_t *json = json_object();
	char name[300];

	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	json_object_set_new(json, name, json_true());
	assert_true(bh_is_json_true(json, name));
	memset(name, 'a', sizeof(name));
	name[299] = '\0';
	json_object_set_new(json, name, json_true());
	assert_null(bh_json_at(json, name));
	json_decref(json);
}

static const struct {
	const char *text;
	bool ok;
	int64_t value;
} numbers[] = {
    {"17", true, 17},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775807", true, INT64_MAX},
    {"17.0", true, 17},
    {"1e3", true, 1000},
    {"-0.0", true, 0},
    {"9007199254740991.0", true, 9007199254740991},
    {"9007199254740992.0", false, 0},
    {"1e300", false, 0},
    {"17.5", false, 0},
    {"\"17\"", false, 0},
    {"true", false, 0},
    {"null", false, 0},
    {"[17]", false, 0},
};

static void
integers(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(numbers); i++) {
		json_t *json = parsed(numbers[i].text);
		int64_t value = 0;

		if (bh_is_json_int(json, "", &value) != numbers[i].ok || value != numbers[i].value)
			fail_msg("%s", numbers[i].text);
		assert_true(bh_json_int(json, "", 5) == (numbers[i].ok ? numbers[i].value : 5));
		json_decref(json);
	}
}

static void
only_true_is_true(void **state BH_UNUSED)
{
	json_t *json = parsed("{\"t\":true,\"f\":false,\"one\":1,\"s\":\"true\"}");

	assert_true(bh_is_json_true(json, "t"));
	assert_false(bh_is_json_true(json, "f"));
	assert_false(bh_is_json_true(json, "one"));
	assert_false(bh_is_json_true(json, "s"));
	assert_false(bh_is_json_true(json, "none"));
	json_decref(json);
}

static void
canonical_text(void **state BH_UNUSED)
{
	json_t *a = parsed(" { \"b\" : [ 1 , 2.50 , null ], \"a\":\"\\u00e4\\n/\" }");
	json_t *b = parsed("{\"a\":\"\xc3\xa4\\u000a\\/\",\"b\":[1,25e-1,null]}");
	struct bh_buf out = BH_BUF_INIT(100), small = BH_BUF_INIT(5);
	char *text = bh_json_text(a), *same = bh_json_text(b);

	assert_string_equal(text, "{\"a\":\"\xc3\xa4\\n/\",\"b\":[1,2.5,null]}");
	assert_string_equal(same, text);
	bh_buf_adds(&out, "=");
	bh_json_add(&out, a);
	assert_string_equal(bh_buf_str(&out) + 1, text);
	bh_json_add(&small, a);
	assert_true(small.full);
	free(same);
	free(text);
	json_decref(a);
	json_decref(b);
	bh_buf_release(&out);
	bh_buf_release(&small);
	text = bh_json_text(NULL);
	assert_string_equal(text, "null");
	free(text);
}

static void
strings_of_any_bytes(void **state BH_UNUSED)
{
	json_t *json = bh_json_string("K\xc3\xb6ln");

	assert_string_equal(json_string_value(json), "K\xc3\xb6ln");
	json_decref(json);
	json = bh_json_string("K\xff\x6cn \xe2\x82");
	assert_string_equal(json_string_value(json), "K?ln ");
	json_decref(json);
	json = bh_json_string("");
	assert_string_equal(json_string_value(json), "");
	json_decref(json);
}

static void
files(void **state BH_UNUSED)
{
	char path[] = "/tmp/t-json-XXXXXX";
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{\"a\":[1,2]}", 11), 11);
	assert_int_equal(bh_json_read(path, 11, &json, &err), 0);
	assert_int_equal(bh_json_int(json, "a.1", 0), 2);
	json_decref(json);
	assert_int_equal(bh_json_read(path, 10, &json, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(bh_json_read(path, 100, &json, &err), -1);
	assert_null(json);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "line 1"));
	close(fd);
	unlink(path);
	assert_int_equal(bh_json_read(path, 100, &json, &err), -1);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(bh_json_read("/", 100, &json, &err), -1);
	assert_null(json);
}

/* -- the scan -- */

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *want; /* NULL: not found */
} scans[] = {
    {"first member", BYTES("{\"id\":\"evt_1\",\"type\":\"x\"}"), "evt_1"},
    {"last member", BYTES("{\"type\":\"x\",\"id\":\"evt_1\"}"), "evt_1"},
    {"white space", BYTES(" \t\r\n{ \"n\" : 1 ,\n\t\"id\"\r\n:\t\"evt_1\" }"), "evt_1"},
    {"empty value", BYTES("{\"id\":\"\"}"), ""},
    {"UTF-8", BYTES("{\"id\":\"\xc3\xa4\"}"), "\xc3\xa4"},
    {"nested same name before",
	BYTES("{\"data\":{\"id\":\"in\",\"x\":[{\"id\":\"in\"}]},\"id\":\"out\"}"), "out"},
    {"nested same name only", BYTES("{\"data\":{\"id\":\"in\"}}"), NULL},
    {"in an array of the top", BYTES("[{\"id\":\"in\"}]"), NULL},
    {"array that looks like an object", BYTES("[\"id\":\"in\"]"), NULL},
    {"no object", BYTES("\"id\":\"x\""), NULL},
    {"the name as a value", BYTES("{\"a\":\"id\",\"id\":\"x\"}"), "x"},
    {"the name inside a text", BYTES("{\"a\":\"\\\"id\\\":\\\"no\\\"\",\"id\":\"x\"}"), "x"},
    {"brackets inside a text", BYTES("{\"a\":\"}]{[\",\"id\":\"x\"}"), "x"},
    {"backslash at the end of a text", BYTES("{\"a\":\"\\\\\",\"id\":\"x\"}"), "x"},
    {"quote behind backslashes", BYTES("{\"a\":\"\\\\\\\"\",\"id\":\"x\"}"), "x"},
    {"longer name", BYTES("{\"idx\":\"no\",\"xid\":\"no\"}"), NULL},
    {"escape in the value", BYTES("{\"id\":\"a\\u0062\"}"), NULL},
    {"quote in the value", BYTES("{\"id\":\"a\\\"b\"}"), NULL},
    {"number", BYTES("{\"id\":17}"), NULL},
    {"null", BYTES("{\"id\":null,\"x\":{\"id\":\"in\"}}"), NULL},
    {"object", BYTES("{\"id\":{\"id\":\"in\"}}"), NULL},
    {"second object", BYTES("{\"a\":1}{\"id\":\"x\"}"), NULL},
    {"closed too often", BYTES("}}{\"id\":\"x\"}"), NULL},
    {"control byte", BYTES("{\"id\":\"a\nb\"}"), NULL},
    {"NUL byte", BYTES("{\"id\":\"a\0b\"}"), NULL},
    {"no UTF-8", BYTES("{\"id\":\"a\xff\"}"), NULL},
    {"16 bytes", BYTES("{\"id\":\"0123456789abcdef\"}"), NULL},
    {"15 bytes", BYTES("{\"id\":\"0123456789abcde\"}"), "0123456789abcde"},
    {"empty", BYTES(""), NULL},
    {"only a quote", BYTES("{\""), NULL},
    {"only a backslash", BYTES("{\"\\"), NULL},
};

static void
scanned(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(scans); i++) {
		char out[16] = "?";
		/* Exactly so long: reading on is seen by the sanitizer. */
		char *copy = bh_xmalloc(scans[i].len);
		bool found;

		memcpy(copy, scans[i].text, scans[i].len);
		found = bh_is_json_scanned(copy, scans[i].len, "id", out, sizeof(out));
		free(copy);
		if (found != (scans[i].want != NULL))
			fail_msg("%s: %s", scans[i].name, found ? out : "not found");
		if (found)
			assert_string_equal(out, scans[i].want);
	}
}

/* Cut anywhere before the value's closing quote, the value is not found. */
static void
scanned_truncated(void **state BH_UNUSED)
{
	static const char text[] = "{\"data\":{\"id\":\"in\",\"list\":[1,{}]},\"id\":\"evt_1\"}";
	size_t whole = sizeof(text) - 1;

	for (size_t len = 0; len <= whole; len++) {
		char out[16] = "", *copy = bh_xmalloc(len);
		bool found;

		memcpy(copy, text, len);
		found = bh_is_json_scanned(copy, len, "id", out, sizeof(out));
		free(copy);
		assert_int_equal(found, len >= whole - 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(broken_json_refused),
	    cmocka_unit_test(error_says_where),
	    cmocka_unit_test(any_value_at_the_top),
	    cmocka_unit_test(last_duplicate_wins),
	    cmocka_unit_test(depth_64_and_65),
	    cmocka_unit_test(brackets_in_strings_are_no_depth),
	    cmocka_unit_test(paths),
	    cmocka_unit_test(names_longer_than_any_field),
	    cmocka_unit_test(integers),
	    cmocka_unit_test(only_true_is_true),
	    cmocka_unit_test(canonical_text),
	    cmocka_unit_test(strings_of_any_bytes),
	    cmocka_unit_test(files),
	    cmocka_unit_test(scanned),
	    cmocka_unit_test(scanned_truncated),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
