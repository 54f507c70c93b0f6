/* web/mapping_form.h, mapping_diff.h, mapping_file.h: nothing that a mapping says is lost on the way through a form. */
#include "mapping-unit.h"
#include "web/mapping_diff.h"
#include "web/mapping_file.h"
#include "web/mapping_form.h"

static const char *const presets[] = {"stripe-hubspot", "stripe-salesforce", "lago-hubspot",
    "lago-salesforce", "alguna-hubspot", "alguna-salesforce", "lostchurn-hubspot",
    "lostchurn-salesforce"};

static json_t *
parse(const char *text)
{
	json_t *json = NULL;
	struct bh_err err = BH_ERR_INIT;

	if (bh_json_parse(text, strlen(text), &json, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return json;
}

/* Shown and read back without its own JSON at hand. */
static void
check_row(const json_t *row, const char *of)
{
	json_t *view = mapping_row_view(row), *again;
	struct bh_err err = BH_ERR_INIT;

	if (mapping_row_read(view, NULL, &again, &err) < 0)
		fail_msg("%s: %s", of, err.text);
	if (!json_equal(again, row))
		fail_msg("%s: %s became %s", of, json_dumps(row, 0), json_dumps(again, 0));
	json_decref(again);
	json_decref(view);
}

static void
check_object(const json_t *object, const char *of)
{
	json_t *row, *rule, *view;
	size_t i;

	json_array_foreach (json_object_get(object, "fields"), i, row)
		check_row(row, of);
	json_array_foreach (json_object_get(object, "match"), i, rule) {
		view = mapping_rule_view(rule);
		assert_non_null(
		    view); /* mapping_rule_view() gives none that reads back otherwise */
		json_decref(view);
	}
}

static void
test_presets(void **state)
{
	(void)state;
	for (size_t i = 0; i < BH_LEN(presets); i++) {
		json_t *mapping = mapping_read_preset(presets[i]), *object;
		size_t k;

		json_array_foreach (json_object_get(mapping, "objects"), k, object)
			check_object(object, presets[i]);
		json_decref(mapping);
	}
}

static void
test_rows(void **state)
{
	static const char *const rows[] = {
	    "{\"to\": \"A\", \"from\": [\"a\", \"b\"], \"as\": \"join\", \"with\": \"\"}",
	    "{\"to\": \"A\", \"from\": [\"a\"], \"with\": \" \\\" \"}",
	    "{\"to\": \"A\", \"value\": \" x \"}",
	    "{\"to\": \"A\", \"value\": \"\"}",
	    "{\"to\": \"A\", \"value\": \"5\"}",
	    "{\"to\": \"A\", \"value\": 5}",
	    "{\"to\": \"A\", \"value\": null}",
	    "{\"to\": \"A\", \"value\": false}",
	    "{\"to\": \"A\", \"from\": \"a\", \"default\": [\"x\"]}",
	    "{\"to\": \"A\", \"from\": \"a\", \"default\": \"[x\"}",
	    "{\"to\": \"A\", \"from\": \"a\", \"default\": {\"setting\": \"x\"}}",
	    "{\"to\": \"A\", \"from\": \"a\", \"default\": \"{email}\"}",
	    "{\"to\": \"A\", \"from\": \"a\", \"on\": \"x, y\"}",
	    "{\"to\": \"A\", \"from\": \"a\", \"on\": \"x\\\"y, z\"}",
	    "{\"to\": \"A\", \"from\": \"a\", \"on\": [\"x, y\", \"z\"]}",
	    "{\"to\": \"A\", \"from\": \"a\", \"on\": [\"x\", \"z\"]}",
	    "{\"to\": \"A\", \"from\": \"a\", \"enum\": {\"a = b\": \"c\"}}",
	    "{\"to\": \"A\", \"from\": \"a\", \"enum\": {\"a\": \"b = c\", \"*\": \"d\"}}",
	    "{\"to\": \"A\", \"from\": \"a\", \"enum\": {\"a\": 1, \"b\": null}}",
	    "{\"to\": \"A\", \"from\": \"a\", \"enum\": {\" a\": \"b\"}}",
	    "{\"to\": \"A\", \"from\": \"a\", \"enum\": {\"{a\": \"b\"}}",
	    "{\"to\": \"A\", \"from\": \"a\", \"enum\": {\"a\": \"x\\ny\"}}",
	    "{\"to\": \"A\", \"from\": \"a\", \"enum\": {}}",
	    "{\"to\": \"A\", \"setting\": \"owner\", \"when\": \"on_create\", \"empty\": \"keep\"}",
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(rows); i++) {
		json_t *row = parse(rows[i]);

		check_row(row, "row");
		json_decref(row);
	}
}

/* Saved without a change, a row stays as it was written, be it wordier than need be. */
static void
test_untouched(void **state)
{
	json_t *row = parse("{\"to\": \"A\", \"from\": \"a\", \"empty\": \"clear\", \"when\": "
			    "\"always\", \"on\": [\"x\"]}"),
	       *view = mapping_row_view(row), *again;

	(void)state;
	assert_int_equal(mapping_row_read(view, row, &again, NULL), 0);
	assert_true(json_equal(again, row));
	json_decref(again);
	json_decref(view);
	json_decref(row);
}

static void
test_filters(void **state)
{
	static const struct {
		const char *text;
		bool is_form;
	} filters[] = {
	    {"{\"field\": \"status\", \"in\": [\"open\", \"paid\"]}", true},
	    {"{\"field\": \"status\", \"in\": []}", true},
	    {"{\"field\": \"overdue\", \"is\": true}", true},
	    {"{\"field\": \"total\", \"not_in\": [0, null]}", true},
	    {"{\"field\": \"number\", \"is\": null}", true},
	    {"{\"field\": \"customer.metadata.tier\", \"is\": \"gold, old\"}", true},
	    {"{\"any\": [{\"field\": \"status\", \"is\": \"open\"}, {\"field\": \"total\", \"is\": 1}]}",
		true},
	    {"{\"field\": \"status\", \"in\": [\"a,b\"]}", false},
	    {"{\"field\": \"status\", \"in\": [\" a\"]}", false},
	    {"{\"field\": \"status\", \"is\": \"(empty)\"}", false},
	    {"{\"field\": \"status\", \"is\": 1}", false},
	    {"{\"field\": \"customer.metadata.tier\", \"is\": 1}", false},
	    {"{\"setting\": \"customer_object\", \"is\": \"companies\"}", false},
	    {"{\"all\": [{\"any\": [{\"field\": \"status\", \"is\": \"open\"}]}]}", false},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(filters); i++) {
		json_t *filter = parse(filters[i].text),
		       *view = mapping_filter_view(filter, OBJECT_INVOICE), *again = NULL;

		if ((view != NULL) != filters[i].is_form)
			fail_msg("%s", filters[i].text);
		if (view != NULL) {
			assert_int_equal(mapping_filter_read(view, OBJECT_INVOICE, &again, NULL),
			    0);
			assert_true(json_equal(again, filter));
		}
		json_decref(again);
		json_decref(view);
		json_decref(filter);
	}
}

static void
test_rules(void **state)
{
	static const struct {
		const char *text;
		bool is_form;
	} rules[] = {
	    {"{\"by\": \"key\"}", true},
	    {"{\"by\": \"id\", \"from\": \"hubspot_id\", \"on\": \"contacts\"}", true},
	    {"{\"by\": \"key\", \"if\": {\"field\": \"type\", \"is\": \"company\"}}", true},
	    {"{\"by\": \"domain\", \"to\": \"W\", \"from\": \"{email|company_domain}\"}", true},
	    {"{\"by\": \"value\", \"fields\": [{\"to\": \"A\", \"from\": \"a\"}, {\"to\": \"B\", \"from\": \"b\", \"as\": \"upper\"}]}",
		true},
	    {"{\"by\": \"value\", \"fields\": [{\"to\": \"A\", \"from\": \"a\", \"on\": \"x\"}, {\"to\": \"B\", \"from\": \"b\"}]}",
		false},
	    {"{\"by\": \"value\", \"fields\": [{\"to\": \"A\", \"value\": \"a\"}]}", false},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(rules); i++) {
		json_t *rule = parse(rules[i].text), *view = mapping_rule_view(rule), *again = NULL;

		if ((view != NULL) != rules[i].is_form)
			fail_msg("%s", rules[i].text);
		if (view != NULL) {
			assert_int_equal(mapping_rule_read(view, &again, NULL), 0);
			assert_true(json_equal(again, rule));
		}
		json_decref(again);
		json_decref(view);
		json_decref(rule);
	}
}

/* What differs, as "where: what". */
static char *
differences(const char *before, const char *after)
{
	json_t *a = parse(before), *b = parse(after), *list = mapping_diff(a, b), *one;
	struct bh_buf out = BH_BUF_INIT(4096);
	size_t i;

	json_array_foreach (list, i, one)
		bh_buf_addf(&out, "%s%s: %s", i > 0 ? "; " : "", bh_json_str(one, "where"),
		    bh_json_str(one, "what"));
	json_decref(list);
	json_decref(a);
	json_decref(b);
	return bh_buf_steal(&out);
}

#define ROWS(rows) "{\"objects\": [{\"name\": \"o\", \"fields\": [" rows "]}]}"

static void
test_diff(void **state)
{
	static const struct {
		const char *before, *after, *said;
	} cases[] = {
	    {ROWS("{\"to\": \"A\", \"from\": \"a\"}"), ROWS("{\"to\": \"A\", \"from\": \"b\"}"),
		"o · A: changed"},
	    {ROWS("{\"to\": \"A\"}, {\"to\": \"B\"}"), ROWS("{\"to\": \"B\"}"), "o · A: removed"},
	    {ROWS("{\"to\": \"A\"}"), ROWS("{\"to\": \"B\"}, {\"to\": \"A\"}"), "o · B: added"},
	    {ROWS("{\"to\": \"A\"}, {\"to\": \"B\"}"), ROWS("{\"to\": \"B\"}, {\"to\": \"A\"}"),
		"o · order of the fields: moved"},
	    {ROWS("{\"to\": \"A\", \"on\": \"x\"}, {\"to\": \"A\", \"on\": \"y\"}"),
		ROWS(
		    "{\"to\": \"A\", \"on\": \"x\"}, {\"to\": \"A\", \"on\": \"y\", \"from\": \"a\"}"),
		"o · A: changed"},
	    {"{\"objects\": [{\"name\": \"o\", \"if\": {\"field\": \"a\", \"is\": 1}}]}",
		"{\"objects\": [{\"name\": \"o\"}]}", "o · filter: removed"},
	    {"{\"objects\": [{\"name\": \"o\"}]}", "{\"objects\": [{\"name\": \"p\"}]}",
		"p: added; o: removed"},
	    {"{\"objects\": [{\"name\": \"o\"}, {\"name\": \"p\"}]}",
		"{\"objects\": [{\"name\": \"p\"}, {\"name\": \"o\"}]}",
		"order of the objects: moved"},
	    {"{\"title\": \"a\", \"objects\": []}", "{\"prefix\": \"\", \"objects\": []}",
		"prefix: added; title: removed"},
	    {ROWS("{\"to\": \"A\"}"), ROWS("{\"to\": \"A\"}"), ""},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char *said = differences(cases[i].before, cases[i].after);

		assert_string_equal(said != NULL ? said : "", cases[i].said);
		free(said);
	}
}

static void
test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < BH_LEN(presets); i++) {
		json_t *mapping = mapping_read_preset(presets[i]), *again;
		struct bh_buf file = BH_BUF_INIT(1 << 20);

		mapping_file_add(&file, mapping);
		assert_int_equal(mapping_file_read(bh_buf_str(&file), "main", &again, NULL), 0);
		assert_true(json_equal(again, mapping));
		json_decref(again);
		json_decref(mapping);
		bh_buf_release(&file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_presets),
	    cmocka_unit_test(test_rows), cmocka_unit_test(test_untouched),
	    cmocka_unit_test(test_filters), cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_diff), cmocka_unit_test(test_files)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
