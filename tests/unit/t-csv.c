/* CSV: what is written, what is read, and what is refused. */
#include "base/base.h"

#include "dest/csv.h"
#include "unit.h"

static void
written(void **state BH_UNUSED)
{
	static const struct {
		const char *text, *csv;
	} cases[] = {
	    {"", ""},
	    {"Acme", "Acme"},
	    {"a b", "a b"},
	    {"Caf\xc3\xa9 \xf0\x9f\x8e\x82", "Caf\xc3\xa9 \xf0\x9f\x8e\x82"},
	    {"a,b", "\"a,b\""},
	    {"\"", "\"\"\"\""},
	    {"5\" pipe", "\"5\"\" pipe\""},
	    {"\"quoted\"", "\"\"\"quoted\"\"\""},
	    {"two\nlines", "\"two\nlines\""},
	    {"two\r\nlines", "\"two\r\nlines\""},
	    {"\r", "\"\r\""},
	    {" in front", "\" in front\""},
	    {"behind ", "\"behind \""},
	    {"#N/A", "#N/A"},
	    {"-12.50", "-12.50"},
	    {"=1+1", "=1+1"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_buf out = BH_BUF_INIT(1000);

		csv_add(&out, cases[i].text);
		assert_string_equal(bh_buf_str(&out), cases[i].csv);
		bh_buf_release(&out);
	}
}

/* Rows as "a|b/c|d": values divided by |, rows by /. */
static int
flatten(const char *text, size_t len, struct bh_buf *out, struct bh_err *err)
{
	struct csv_reader reader;
	int rc;

	csv_open(&reader, text, len);
	while ((rc = csv_next(&reader, err)) == 1) {
		if (out->len > 0)
			bh_buf_addc(out, '/');
		for (size_t i = 0; i < reader.n; i++)
			bh_buf_addf(out, "%s%s", i > 0 ? "|" : "", csv_value(&reader, i));
	}
	csv_release(&reader);
	return rc;
}

static void
understood(void **state BH_UNUSED)
{
	static const struct {
		const char *csv, *rows;
	} cases[] = {
	    {"", ""},
	    {"a", "a"},
	    {"a\n", "a"},
	    {"a,b\n1,2\n", "a|b/1|2"},
	    {"a,b\r\n1,2\r\n", "a|b/1|2"},
	    {"a,b\r\n1,2\n3,4", "a|b/1|2/3|4"},
	    {"\xef\xbb\xbf\"a\",b\n1,2\n", "a|b/1|2"},
	    /* Heads of the server in quotes, ours bare, values in quotes. */
	    {"\"sf__Id\",\"sf__Created\",Key__c\n\"001\",\"true\",\"k,1\"\n",
		"sf__Id|sf__Created|Key__c/001|true|k,1"},
	    {"a,b\n\"x\"\"y\",\"\"\n", "a|b/x\"y|"},
	    {"a,b\n\"\"\"\",\"\"\"\"\"\"\n", "a|b/\"|\"\""},
	    {"a,b\n\"two\nlines\",\"two\r\nlines\"\n", "a|b/two\nlines|two\r\nlines"},
	    {"a,b\n,\n", "a|b/|"},
	    {"a,b\n1,", "a|b/1|"},
	    {"\n\na,b\n\n1,2\n\r\n\n", "a|b/1|2"},
	    {"a\n\" \"\n", "a/ "},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_buf out = BH_BUF_INIT(1000);
		struct bh_err err = BH_ERR_INIT;

		assert_int_equal(flatten(cases[i].csv, strlen(cases[i].csv), &out, &err), 0);
		assert_string_equal(bh_buf_str(&out), cases[i].rows);
		bh_buf_release(&out);
	}
}

static void
refused(void **state BH_UNUSED)
{
	static const struct {
		const char *csv;
		size_t len;
		const char *error;
	} cases[] = {
#define CASE(text, error) {text, sizeof(text) - 1, error}
	    CASE("a,b\n1,x\"y\n", "line 2 of the CSV: a quote stands inside"),
	    CASE("a,b\n\"1\"x,2\n", "line 2 of the CSV: text stands behind"),
	    CASE("a,b\n\"1\" ,2\n", "line 2 of the CSV: text stands behind"),
	    CASE("a,b\n1,\"2\n3,4\n", "line 2 of the CSV: a quote is not closed"),
	    CASE("a,b\n1,\"2\"\"", "a quote is not closed"),
	    CASE("a,b\n1\r2,3\n", "a control character"),
	    CASE("a,b\n1,2\r", "a control character"),
	    CASE("a,b\n1\0,2\n", "a control character"),
	    CASE("a,b\n\"1\0\",2\n", "a NUL stands"),
	    CASE("a,b\n1\n", "not as many values"),
	    CASE("a,b\n1,2,3\n", "not as many values"),
	    /* Lines inside quotes count. */
	    CASE("a,b\n\"x\ny\nz\",2\n\n1\n", "line 6 of the CSV: it has not"),
#undef CASE
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_buf out = BH_BUF_INIT(1000);
		struct bh_err err = BH_ERR_INIT;

		assert_int_equal(flatten(cases[i].csv, cases[i].len, &out, &err), -1);
		assert_int_equal(err.code, BH_INVALID);
		if (strstr(err.text, cases[i].error) == NULL)
			fail_msg("case %zu: %s", i, err.text);
		bh_buf_release(&out);
	}
}

static void
bounded(void **state BH_UNUSED)
{
	struct bh_buf wide = BH_BUF_INIT(SIZE_MAX / 2), out = BH_BUF_INIT(SIZE_MAX / 2);
	struct bh_err err = BH_ERR_INIT;

	for (size_t i = 0; i < CSV_COLUMNS_MAX; i++)
		bh_buf_addc(&wide, ',');
	assert_int_equal(flatten(wide.data, wide.len, &out, &err), -1);
	assert_non_null(strstr(err.text, "too many columns"));
	/* One comma less is as many columns as there may be. */
	assert_int_equal(flatten(wide.data, wide.len - 1, &out, &err), 0);
	bh_buf_reset(&wide);
	while (wide.len <= CSV_ROW_MAX)
		bh_buf_adds(&wide, "0123456789abcdef");
	assert_int_equal(flatten(wide.data, wide.len, &out, &err), -1);
	assert_non_null(strstr(err.text, "too large"));
	bh_buf_release(&wide);
	bh_buf_release(&out);
}

static void
columns(void **state BH_UNUSED)
{
	static const char text[] = "\"sf__Id\",Key__c\n1,2\n";
	struct csv_reader reader;

	csv_open(&reader, text, strlen(text));
	assert_int_equal(csv_next(&reader, NULL), 1);
	assert_int_equal(csv_column(&reader, "KEY__C"), 1);
	assert_int_equal(csv_column(&reader, "sf__Id"), 0);
	assert_int_equal(csv_column(&reader, "sf__Error"), -1);
	csv_release(&reader);
}

/* A small generator with a known start: failures can be repeated. */
static unsigned
pick(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

/* Whatever is written is read as it was. */
static void
round_trip(void **state BH_UNUSED)
{
	static const char letters[] = "a,\"\r\n #\xc3\xa9";
	unsigned seed = 3;

	for (int round = 0; round < 2000; round++) {
		struct bh_buf csv = BH_BUF_INIT(10000);
		char values[4][12] = {{0}};
		struct csv_reader reader;

		for (size_t i = 0; i < BH_LEN(values); i++) {
			unsigned len = 1 + pick(&seed, sizeof(values[i]) - 1);

			for (unsigned k = 0; k < len; k++)
				values[i][k] = letters[pick(&seed, sizeof(letters) - 1)];
			csv_add(&csv, values[i]);
			bh_buf_addc(&csv, i % 2 == 0 ? ',' : '\n');
		}
		csv_open(&reader, csv.data, csv.len);
		for (size_t i = 0; i < BH_LEN(values); i++) {
			if (i % 2 == 0)
				assert_int_equal(csv_next(&reader, NULL), 1);
			assert_string_equal(csv_value(&reader, i % 2), values[i]);
		}
		assert_int_equal(csv_next(&reader, NULL), 0);
		csv_release(&reader);
		bh_buf_release(&csv);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(written),
	    cmocka_unit_test(understood),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(bounded),
	    cmocka_unit_test(columns),
	    cmocka_unit_test(round_trip),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
