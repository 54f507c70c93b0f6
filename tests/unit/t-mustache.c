/* Mustache: the official specification (tests/mustache/), and what it leaves open. */
#include "base/base.h"

#include "base/json.h"
#include "base/mustache.h"
#include "unit.h"

#define SPEC_BYTES (1 << 20)

struct partials {
	const json_t *texts;
	struct bh_mustache *parsed[8];
	const char *names[8];
	size_t n;
};

static const struct bh_mustache *
find_partial(void *arg, const char *name)
{
	struct partials *partials = arg;
	const char *text = json_string_value(json_object_get(partials->texts, name));
	struct bh_err err = BH_ERR_INIT;

	for (size_t i = 0; i < partials->n; i++) {
		if (strcmp(partials->names[i], name) == 0)
			return partials->parsed[i];
	}
	if (text == NULL)
		return NULL;
	assert_true(partials->n < BH_LEN(partials->parsed));
	assert_int_equal(bh_mustache_parse(text, strlen(text), &partials->parsed[partials->n],
			     &err),
	    0);
	partials->names[partials->n] = name;
	return partials->parsed[partials->n++];
}

/* The rendering, owned by the caller, or the error's text. */
static char *
render(const char *text, const json_t *view, const json_t *texts, size_t max)
{
	struct partials partials = {.texts = texts};
	struct bh_buf out = BH_BUF_INIT(max);
	struct bh_err err = BH_ERR_INIT;
	struct bh_mustache *t = NULL;
	char *result;

	if (bh_mustache_parse(text, strlen(text), &t, &err) < 0 ||
	    bh_mustache_render(t, view, find_partial, &partials, &out, &err) < 0) {
		assert_int_equal(err.code, BH_INVALID);
		bh_buf_release(&out);
		result = bh_xstrdup(err.text);
	} else {
		result = bh_buf_steal(&out);
	}
	for (size_t i = 0; i < partials.n; i++)
		bh_mustache_free(&partials.parsed[i]);
	bh_mustache_free(&t);
	assert_null(t);
	return result;
}

/* The number of cases in a file; fails at the first that differs. */
static size_t
run_spec(const char *name)
{
	char *file = bh_xasprintf("tests/mustache/%s.json", name);
	char *path = unit_path(file);
	struct bh_err err = BH_ERR_INIT;
	json_t *spec, *tests, *test;
	size_t i;

	assert_int_equal(bh_json_read(path, SPEC_BYTES, &spec, &err), 0);
	tests = json_object_get(spec, "tests");
	json_array_foreach (tests, i, test) {
		char *got = render(bh_json_str(test, "template"), json_object_get(test, "data"),
		    json_object_get(test, "partials"), SPEC_BYTES);
		const char *want = bh_json_str(test, "expected");

		if (strcmp(got, want) != 0)
			fail_msg("%s: %s: got \"%s\", want \"%s\"", name, bh_json_str(test, "name"),
			    got, want);
		free(got);
	}
	i = json_array_size(tests);
	json_decref(spec);
	free(path);
	free(file);
	return i;
}

static void
test_spec(void **state BH_UNUSED)
{
	assert_int_equal(run_spec("interpolation"), 42);
	assert_int_equal(run_spec("sections"), 34);
	assert_int_equal(run_spec("inverted"), 22);
	assert_int_equal(run_spec("partials"), 12);
	assert_int_equal(run_spec("comments"), 12);
	assert_int_equal(run_spec("delimiters"), 14);
}

struct own_case {
	const char *name, *text, *view, *partials, *want;
};

static const struct own_case own_cases[] = {
    {"the empty text is falsy", "{{#a}}x{{/a}}{{^a}}y{{/a}}", "{\"a\":\"\"}", "{}", "y"},
    {"zero is not", "{{#a}}x{{/a}}", "{\"a\":0}", "{}", "x"},
    {"all five are escaped", "{{a}}", "{\"a\":\"<&>\\\"'\"}", "{}", "&lt;&amp;&gt;&quot;&#39;"},
    {"objects and arrays write nothing", "[{{a}}{{b}}]", "{\"a\":[1],\"b\":{}}", "{}", "[]"},
    {"booleans", "{{a}}{{b}}", "{\"a\":true,\"b\":false}", "{}", "truefalse"},
    {"a null stops the search outwards", "{{#s}}[{{a}}]{{/s}}", "{\"a\":1,\"s\":{\"a\":null}}",
	"{}", "[]"},
    {"indentation reaches lines that begin with a tag", "  {{>p}}\n", "{\"a\":1,\"b\":\"x\\ny\"}",
	"{\"p\":\"{{#a}}1{{/a}}\\n\\n{{b}}\\n\"}", "  1\n  \n  x\ny\n"},
    {"indentations add up", " {{>p}}\n", "{}", "{\"p\":\"a\\n {{>q}}\\n\",\"q\":\"b\\nc\\n\"}",
	" a\n  b\n  c\n"},
    {"a partial inside a line is not indented", " {{>p}}\n", "{}",
	"{\"p\":\"a{{>q}}\\n\",\"q\":\"b\\nc\"}", " ab\nc\n"},
    {"white space inside names", "{{a b}}", "{}", "{}",
	"template line 1: a tag has no proper name"},
    {"no name", "x\n{{}}", "{}", "{}", "template line 2: a tag has no proper name"},
    {"an empty part", "{{a..b}}", "{}", "{}", "template line 1: a tag has no proper name"},
    {"an open tag", "\n\n{{a", "{}", "{}", "template line 3: a tag is not closed"},
    {"a triple closed by two", "{{{a}}", "{}", "{}", "template line 1: a tag is not closed"},
    {"an open section", "{{#a}}\n", "{}", "{}", "template line 2: a section is not closed"},
    {"crossed sections", "{{#a}}{{#b}}{{/a}}{{/b}}", "{}", "{}",
	"template line 1: a section is closed that is not open here"},
    {"a stray end", "{{/a}}", "{}", "{}",
	"template line 1: a section is closed that is not open here"},
    {"one delimiter", "{{=a=}}", "{}", "{}", "template line 1: bad delimiters"},
    {"three delimiters", "{{=a b c=}}", "{}", "{}", "template line 1: bad delimiters"},
    {"a partial without end", "{{>p}}", "{}", "{\"p\":\"{{>p}}\"}",
	"the template nests deeper than 64 levels"},
};

static void
test_own(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(own_cases); i++) {
		const struct own_case *c = &own_cases[i];
		json_t *view = json_loads(c->view, 0, NULL),
		       *texts = json_loads(c->partials, 0, NULL);
		char *got = render(c->text, view, texts, 1000);

		if (strcmp(got, c->want) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", c->name, got, c->want);
		free(got);
		json_decref(view);
		json_decref(texts);
	}
}

/* Loops in loops with no output at all must end by themselves. */
static void
test_bounds(void **state BH_UNUSED)
{
	json_t *view = json_object(), *list = json_array();
	struct bh_buf text = BH_BUF_INIT(100000);
	char *got;

	for (int i = 0; i < 10; i++)
		json_array_append_new(list, json_integer(i));
	json_object_set_new(view, "a", list);
	for (int i = 0; i < 20; i++)
		bh_buf_adds(&text, "{{#a}}");
	for (int i = 0; i < 20; i++)
		bh_buf_adds(&text, "{{/a}}");
	got = render(bh_buf_str(&text), view, NULL, 1000);
	assert_string_equal(got, "the template takes more than 2000000 steps");
	free(got);

	got = render("{{#a}}{{a}}{{.}}xxxxxxxxxx{{/a}}", view, NULL, 50);
	assert_string_equal(got, "the page is larger than 50 bytes");
	free(got);

	bh_buf_reset(&text);
	for (int i = 0; i < BH_MUSTACHE_DEPTH + 1; i++)
		bh_buf_adds(&text, "{{#a}}");
	got = render(bh_buf_str(&text), view, NULL, 1000);
	assert_string_equal(got, "template line 1: sections are nested too deep");
	free(got);
	bh_buf_release(&text);
	json_decref(view);
}

static void
note_name(void *arg, enum bh_mustache_tag tag, const char *name)
{
	bh_buf_addf(arg, "%d:%s ", (int)tag, name);
}

static void
test_names(void **state BH_UNUSED)
{
	static const char text[] =
	    "x{{a}} {{#b}}{{{c.d}}}{{/b}}{{^e}}{{&f}}{{/e}}{{>g/h}}{{! no }}{{=< >=}}<i>";
	struct bh_buf names = BH_BUF_INIT(1000);
	struct bh_mustache *t;

	assert_int_equal(bh_mustache_parse(text, strlen(text), &t, NULL), 0);
	bh_mustache_names(t, note_name, &names);
	assert_string_equal(bh_buf_str(&names), "1:a 3:b 2:c.d 6:b 4:e 2:f 6:e 5:g/h 1:i ");
	bh_mustache_free(&t);
	bh_buf_release(&names);
}

static void
test_nul(void **state BH_UNUSED)
{
	struct bh_mustache *t;
	struct bh_err err = BH_ERR_INIT;

	assert_int_equal(bh_mustache_parse("a\0b", 3, &t, &err), -1);
	assert_string_equal(err.text, "the template holds a NUL byte");
	assert_null(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spec),
	    cmocka_unit_test(test_own),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_nul),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
