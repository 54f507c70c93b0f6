/* SOAP envelopes: what is written can be read, and what must not be read is not. */
#include "base/base.h"

#include "dest/soap.h"
#include "unit.h"

#define OPEN "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>"
#define CLOSE "</e:Body></e:Envelope>"
#define XSI " xmlns:x=\"http://www.w3.org/2001/XMLSchema-instance\""

static char *
written(const json_t *body)
{
	struct bh_buf out = BH_BUF_INIT(65536);
	struct bh_secret session = BH_SECRET_INIT;

	bh_secret_set(&session, "00D<&!", 6);
	soap_write(&out, &session, "call", body);
	bh_secret_release(&session);
	return bh_buf_steal(&out);
}

static void
test_write(void **state BH_UNUSED)
{
	json_t *body = json_pack("{s:[{s:s,s:s,s:{s:b}},s], s:n, s:i}", "metadata", "@type",
	    "Custom\"Field", "label", "a<b>&'c'\x01\n", "inside", "yes", 1, "second\xef\xbf\xbf",
	    "nothing", "number", 18);
	char *text = written(body);

	assert_non_null(strstr(text, "<sessionId>00D&lt;&amp;!</sessionId>"));
	assert_non_null(strstr(text,
	    "<call><metadata xsi:type=\"Custom&quot;Field\"><label>a&lt;b&gt;&amp;&#39;c&#39; \n</label>"
	    "<inside><yes>true</yes></inside></metadata><metadata>second   </metadata>"
	    "<number>18</number></call>"));
	free(text);
	json_decref(body);
}

static void
test_round_trip(void **state BH_UNUSED)
{
	json_t *body = json_pack("{s:{s:s,s:s,s:[s,s],s:s}}", "metadata", "@type", "CustomField",
	    "label", "Grüße & <mehr>", "value", "a", "b", "empty", "");
	char *text = written(body);
	struct bh_err err = BH_ERR_INIT;
	json_t *answer;

	assert_int_equal(soap_read(text, strlen(text), &answer, &err), 1);
	assert_true(json_equal(answer, body));
	json_decref(answer);
	json_decref(body);
	free(text);
}

static const struct {
	const char *text;
	int rc;
	const char *want; /* JSON, or a part of the error */
} answers[] = {
    {OPEN "<r><a>1</a><b/><a>2</a></r>" CLOSE, 1, "{\"a\":[\"1\",\"2\"],\"b\":\"\"}"},
    {OPEN "<r>\n <a> x </a>\n</r>" CLOSE, 1, "{\"a\":\" x \"}"},
    {OPEN "<r><a><![CDATA[<b>&amp;]]></a><!-- no --><?no no?></r>" CLOSE, 1,
	"{\"a\":\"<b>&amp;\"}"},
    {OPEN "<r><a>&#65;&lt;&#xe9;</a></r>" CLOSE, 1, "{\"a\":\"A<\xc3\xa9\"}"},
    {OPEN "<r" XSI "><a x:nil=\"true\"/><a x:type=\"m:Text\"/></r>" CLOSE, 1,
	"{\"a\":[null,{\"@type\":\"Text\"}]}"},
    {OPEN "<e:Fault><faultcode>sf:X_Y</faultcode><faultstring>no</faultstring></e:Fault>" CLOSE, 0,
	"{\"code\":\"X_Y\",\"message\":\"no\"}"},
    {OPEN "<Fault/>" CLOSE, 0, "{\"code\":\"\",\"message\":\"\"}"},
    {OPEN CLOSE, -1, "body is empty"},
    {OPEN "text" CLOSE, -1, "body is empty"},
    {"", -1, "no XML"},
    {"\xff\xfe<\0", -1, "no XML"},
    {"<Envelope>", -1, "no well-formed"},
    {"<other/>", -1, "no SOAP envelope"},
    {OPEN "<r></s>" CLOSE, -1, "the answer is no"},
    {OPEN "<r>&bomb;</r>" CLOSE, -1, "the answer"},
    {"<!DOCTYPE a [<!ENTITY b \"c\">]>" OPEN "<r>&b;</r>" CLOSE, -1, "document type"},
    {"<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE+AD4-" OPEN "<r/>" CLOSE, -1,
	"the answer"},
};

static void
test_read(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(answers); i++) {
		struct bh_err err = BH_ERR_INIT;
		json_t *answer;
		int rc = soap_read(answers[i].text, strlen(answers[i].text), &answer, &err);
		char *text = answer != NULL ? bh_json_text(answer) : bh_xstrdup(err.text);

		if (rc != answers[i].rc || strstr(text, answers[i].want) == NULL)
			fail_msg("%s: %d %s", answers[i].text, rc, text);
		assert_true((rc < 0) == (answer == NULL));
		free(text);
		json_decref(answer);
	}
}

/* Repeat a text n times between two others. */
static void
refuse_many(const char *before, const char *text, size_t n, const char *behind, const char *why)
{
	struct bh_buf buf = BH_BUF_INIT(SOAP_ANSWER_MAX * 2);
	struct bh_err err = BH_ERR_INIT;
	json_t *answer;

	bh_buf_adds(&buf, before);
	for (size_t i = 0; i < n; i++)
		bh_buf_adds(&buf, text);
	bh_buf_adds(&buf, behind);
	assert_int_equal(soap_read(buf.data, buf.len, &answer, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_non_null(strstr(err.text, why));
	bh_buf_release(&buf);
}

static void
test_limits(void **state BH_UNUSED)
{
	refuse_many(OPEN "<r>", "<a/>", SOAP_ELEMENTS_MAX, "</r>" CLOSE, "too large");
	refuse_many(OPEN, "<a>", 40, "", "too deep");
	refuse_many(OPEN "<r>", "0123456789abcdef", 70000, "</r>" CLOSE, "larger than");
	refuse_many(OPEN "<r>", "<a>0123456789abcdef</a>", 1024 * 1024, "</r>" CLOSE, "no XML");
}

static void
test_items(void **state BH_UNUSED)
{
	json_t *parent = json_pack("{s:s, s:[s,s]}", "one", "a", "two", "b", "c");
	json_t *none = soap_items(parent, "none"), *one = soap_items(parent, "one"),
	       *two = soap_items(parent, "two");

	assert_int_equal(json_array_size(none), 0);
	assert_int_equal(json_array_size(one), 1);
	assert_int_equal(json_array_size(two), 2);
	json_decref(none);
	json_decref(one);
	json_decref(two);
	json_decref(parent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_write),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_items),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
