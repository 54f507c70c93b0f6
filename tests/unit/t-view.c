/* web/view, response, words, form: headers, templates, static files. */
#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "unit.h"
#include "web/form.h"
#include "web/view.h"
#include "web/words.h"

static struct conf conf;

static struct view *
open_view(void)
{
	struct view *view;
	struct bh_err err = BH_ERR_INIT;

	conf.template_dir = unit_path("templates");
	conf.static_dir = unit_path("static");
	if (view_open(&conf, &view, &err) < 0)
		fail_msg("%s", err.text);
	free(conf.template_dir);
	free(conf.static_dir);
	return view;
}

static char *
head_of(const struct response *response)
{
	struct bh_buf head = BH_BUF_INIT(1 << 16);

	response_head(response, &head);
	assert_false(head.full);
	return bh_buf_steal(&head);
}

static void
assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void
test_headers(void **state)
{
	struct response response;
	const void *body;
	size_t len;
	char *head;

	(void)state;
	response_init(&response);
	response_text(&response, 200, "fine");
	response_cookie(&response, "billhook", "abc", "/sub", 60, true);
	head = head_of(&response);
	assert_int_equal(strncmp(head, "Status: 200 OK\r\n", 16), 0);
	assert_has(head, "Content-Type: text/plain; charset=utf-8\r\n");
	assert_has(head, "Content-Length: 5\r\n");
	assert_has(head, "Cache-Control: no-store\r\n");
	assert_has(head,
	    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
	    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n");
	assert_has(head, "X-Content-Type-Options: nosniff\r\n");
	assert_has(head, "Referrer-Policy: same-origin\r\n");
	assert_has(head,
	    "Set-Cookie: billhook=abc; Path=/sub/; Max-Age=60; HttpOnly; SameSite=Lax; Secure\r\n");
	assert_string_equal(head + strlen(head) - 4, "\r\n\r\n");
	assert_string_equal(response_body(&response, false, &len), "fine\n");
	assert_int_equal(len, 5);
	body = response_body(&response, true, &len);
	assert_non_null(body);
	assert_int_equal(len, 0);
	free(head);
	response_release(&response);
}

/* What is sent in parts has a length, a name and nothing in memory. */
static void
test_stream(void **state)
{
	struct response response;
	size_t len;
	char *head;

	(void)state;
	response_init(&response);
	response_stream(&response, dup(0), UINT64_C(5000000000), "application/x-tar", "a-1.tar");
	head = head_of(&response);
	assert_has(head, "Status: 200 OK\r\n");
	assert_has(head, "Content-Type: application/x-tar\r\n");
	assert_has(head, "Content-Length: 5000000000\r\n");
	assert_has(head, "Content-Disposition: attachment; filename=\"a-1.tar\"\r\n");
	assert_has(head, "Cache-Control: no-store\r\n");
	assert_has(head, "X-Content-Type-Options: nosniff\r\n");
	response_body(&response, false, &len);
	assert_int_equal(len, 0);
	free(head);
	response_release(&response);
	assert_false(response.is_stream);
}

/* Whatever stands in a value, it cannot begin a header of its own. */
static void
test_no_header_injection(void **state)
{
	struct response response;
	char *head;

	(void)state;
	response_init(&response);
	response_redirect(&response, "/base", "/x\r\nSet-Cookie: evil=1");
	response_cookie(&response, "a", "b\nX: 1", "", 0, false);
	head = head_of(&response);
	assert_has(head, "Status: 303 See Other\r\n");
	assert_has(head, "Location: /base/x  Set-Cookie: evil=1\r\n");
	assert_null(strstr(head, "\nX: 1"));
	assert_null(strstr(head, "\nSet-Cookie: evil"));
	free(head);
	response_release(&response);
}

static void
test_page(void **state)
{
	struct view *view = open_view();
	struct response response;
	struct bh_err err = BH_ERR_INIT;
	json_t *model = json_pack("{ss, ss, ss, ss, si, sb}", "title", "T", "heading", "<b>&\"'",
	    "text", "why", "home_url", "/base/", "status", 404, "is_signed_in", 0);
	const char *html;

	(void)state;
	response_init(&response);
	assert_int_equal(view_page(view, &response, 404, "error", model, &err), 0);
	html = bh_buf_str(&response.body);
	assert_int_equal(response.status, 404);
	assert_string_equal(response.type, "text/html; charset=utf-8");
	assert_int_equal(strncmp(html, "<!DOCTYPE html>", 15), 0);
	assert_has(html, "<h1>&lt;b&gt;&amp;&quot;&#39;</h1>");
	assert_has(html, "<a href=\"/base/\">");
	assert_has(html, "(404)");
	assert_null(strstr(html, "Sign out"));
	assert_int_equal(view_page(view, &response, 200, "no-such-page", model, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_int_equal(response.status, 404);
	json_decref(model);
	response_release(&response);
	view_close(&view);
}

static void
test_static(void **state)
{
	struct view *view = open_view();
	struct response response;
	char quoted[40], *head;
	size_t len;

	(void)state;
	response_init(&response);
	assert_true(view_file(view, &response, "style.css", NULL, false));
	head = head_of(&response);
	assert_has(head, "Status: 200 OK\r\n");
	assert_has(head, "Content-Type: text/css; charset=utf-8\r\n");
	assert_has(head, "Cache-Control: public, max-age=300\r\n");
	assert_has(head, "ETag: \"");
	assert_has(head, "X-Content-Type-Options: nosniff\r\n");
	free(head);
	assert_ptr_equal(response_body(&response, false, &len), response.file);
	assert_in_range(len, 1000, 20000);

	snprintf(quoted, sizeof(quoted), "\"%s\"", response.etag);
	assert_string_equal(view_file_version(view, "style.css"), response.etag);
	assert_true(view_file(view, &response, "style.css", quoted, true));
	head = head_of(&response);
	assert_has(head, "Status: 304 Not Modified\r\n");
	assert_has(head, "immutable\r\n");
	assert_null(strstr(head, "Content-Length"));
	free(head);
	response_body(&response, false, &len);
	assert_int_equal(len, 0);

	assert_true(view_file(view, &response, "billhook.js", NULL, false));
	assert_string_equal(response.type, "text/javascript; charset=utf-8");
	assert_in_range(response.file_len, 500, 15000);
	response_release(&response);
	view_close(&view);
}

static void
test_static_refused(void **state)
{
	static const char *const names[] = {"../templates/layout.mustache", "layout.mustache", "",
	    ".", "..", "STYLE.CSS", "style.css/", "/etc/passwd", "no.css"};
	struct view *view = open_view();
	struct response response;

	(void)state;
	response_init(&response);
	for (size_t i = 0; i < BH_LEN(names); i++)
		if (view_file(view, &response, names[i], NULL, false))
			fail_msg("%s was served", names[i]);
	assert_string_equal(view_file_version(view, "no.css"), "");
	response_release(&response);
	view_close(&view);
}

static void
test_words(void **state)
{
	static const struct {
		int64_t n;
		const char *text;
	} counts[] = {{0, "0"}, {7, "7"}, {999, "999"}, {1000, "1,000"}, {1204, "1,204"},
	    {123456, "123,456"}, {1234567, "1,234,567"}, {-1204, "-1,204"},
	    {INT64_MIN, "-9,223,372,036,854,775,808"}};
	static const struct {
		int64_t before_s;
		const char *text;
	} ages[] = {{0, "just now"}, {1, "just now"}, {2, "2 s ago"}, {119, "119 s ago"},
	    {120, "2 min ago"}, {7199, "119 min ago"}, {7200, "2 h ago"}, {172799, "47 h ago"},
	    {172800, "2 days ago"}, {-300, "in 5 min"}, {-1, "in a moment"}};
	char out[WORDS_MAX];
	json_t *json;

	(void)state;
	for (size_t i = 0; i < BH_LEN(counts); i++) {
		words_count(out, counts[i].n);
		assert_string_equal(out, counts[i].text);
	}
	for (size_t i = 0; i < BH_LEN(ages); i++) {
		words_age(out, 1000000000000 - ages[i].before_s * 1000, 1000000000000);
		assert_string_equal(out, ages[i].text);
	}
	json = words_time_json(1795321771123, 1795321776123);
	assert_string_equal(bh_json_str(json, "iso"), "2026-11-22T04:29:31Z");
	assert_string_equal(bh_json_str(json, "utc"), "2026-11-22 04:29:31 UTC");
	assert_string_equal(bh_json_str(json, "text"), "5 s ago");
	json_decref(json);
	json = words_json("a\xff\x01z");
	assert_string_equal(json_string_value(json), "a\xef\xbf\xbd z");
	json_decref(json);
}

static const struct form_field fields[] = {
    {"name", "Name", FORM_TEXT, 1, 5, "username"},
    {"password", "Password", FORM_PASSWORD, 3, 8, NULL},
    {"note", "Note", FORM_TEXT, 0, 5, NULL},
};

static void
test_form(void **state)
{
	static const struct {
		const char *body;
		const char *field, *error; /* NULL: all right */
	} cases[] = {
	    {"name=+ada+&password=abcd", NULL, NULL},
	    {"name=&password=abcd", "name", "Please fill in: Name."},
	    {"password=abcd", "name", "Please fill in: Name."},
	    {"name=adalovelace&password=abcd", "name", "Name can have at most 5 characters."},
	    {"name=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9&password=abcd", NULL, NULL},
	    {"name=ada&password=ab", "password", "Password needs at least 3 characters."},
	    {"name=ada&password=+++", NULL, NULL},
	    {"name=ada&password=abcd&note=toolong", "note", "Note can have at most 5 characters."},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct request request;
		struct bh_err err = BH_ERR_INIT;
		json_t *values, *errors, *view;
		bool is_valid;

		request_init(&request, 1000);
		assert_int_equal(request_fields_parse(&request.form, cases[i].body,
				     strlen(cases[i].body), &err),
		    0);
		is_valid = form_is_valid(fields, BH_LEN(fields), &request, &values, &errors);
		assert_int_equal(is_valid, cases[i].error == NULL);
		if (cases[i].error != NULL)
			assert_string_equal(bh_json_str(errors, cases[i].field), cases[i].error);
		assert_null(json_object_get(values, "password"));
		view = form_view(fields, BH_LEN(fields), values, errors);
		assert_int_equal(json_array_size(view), 3);
		assert_string_equal(bh_json_str(view, "1.value"), "");
		if (i == 0)
			assert_string_equal(bh_json_str(view, "0.value"), "ada");
		json_decref(view);
		json_decref(values);
		json_decref(errors);
		request_release(&request);
	}
}

/* Every template parses; none uses the raw form, and none an inline script or style. */
static void
test_templates_are_safe(void **state)
{
	static const char *const names[] = {"layout", "home", "login", "error", "_field", "_time"};
	struct view *view = open_view();

	(void)state;
	for (size_t i = 0; i < BH_LEN(names); i++) {
		char *path, *text, name[64];
		FILE *file;
		size_t n;

		snprintf(name, sizeof(name), "templates/%s.mustache", names[i]);
		path = unit_path(name);
		file = fopen(path, "re");
		assert_non_null(file);
		text = bh_xcalloc(1, 1 << 16);
		n = fread(text, 1, (1 << 16) - 1, file);
		assert_in_range(n, 10, (1 << 16) - 2);
		assert_null(strstr(text, "{{{"));
		assert_null(strstr(text, "{{&"));
		assert_null(strstr(text, " style="));
		assert_null(strstr(text, " onclick="));
		assert_null(strstr(text, "http://"));
		fclose(file);
		free(text);
		free(path);
	}
	view_close(&view);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_stream), cmocka_unit_test(test_no_header_injection), cmocka_unit_test(test_page),
	    cmocka_unit_test(test_static), cmocka_unit_test(test_static_refused),
	    cmocka_unit_test(test_words), cmocka_unit_test(test_form),
	    cmocka_unit_test(test_templates_are_safe)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
