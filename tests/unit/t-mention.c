/* Which texts name whom. */
#include "base/base.h"

#include "sync/mention.h"
#include "unit.h"

#define LONG_ID "cus_NffrFeUfNV2Hib"
#define UUID "1a901a90-1a90-1a90-1a90-1a901a901a90"

static struct mention *
make_mention(void)
{
	struct mention *mention = mention_new();

	mention_add(mention, OBJECT_CUSTOMER, LONG_ID);
	mention_add(mention, OBJECT_CUSTOMER, UUID);
	mention_add(mention, OBJECT_CUSTOMER, "42");
	mention_add(mention, OBJECT_INVOICE, "7");
	mention_add(mention, OBJECT_CUSTOMER, "acme");
	mention_add(mention, OBJECT_CUSTOMER, "Ä \"quoted\"");
	mention_add_email(mention, "Ada@Example.com");
	mention_add_email(mention, "\xc3\x84nne@Example.com ");
	return mention;
}

static void
in_json(void **state BH_UNUSED)
{
	static const struct {
		const char *text;
		bool found;
	} cases[] = {
	    /* An id that cannot be mistaken: anywhere, but alone. */
	    {"{\"data\":{\"object\":{\"id\":\"" LONG_ID "\"}}}", true},
	    {"{\"x\":[1,[\"" LONG_ID "\"]]}", true},
	    {"{ \"x\" : \"" LONG_ID "\" }", true},
	    {"{\"" LONG_ID "\":1}", true},
	    {"{\"x\":\"" UUID "\"}", true},
	    {"{\"x\":\"" LONG_ID "x\"}", false},
	    {"{\"x\":\"x" LONG_ID "\"}", false},
	    {"{\"x\":\"cus_NffrFeUfNV2Hi\"}", false},
	    {"{\"x\":\"see " LONG_ID " there\"}", false},
	    /* Escaped, as some write it. */
	    {"{\"x\":\"cus\\u005fNffrFeUfNV2Hib\"}", true},
	    {"{\"customer\":\"\\u00c4 \\\"quoted\\\"\"}", true},
	    {"{\"customer\":\"\\u00e4 \\\"quoted\\\"\"}", false},
	    /* Another one where a key says what it is. */
	    {"{\"customer\":\"42\"}", true},
	    {"{\"customer\":42}", true},
	    {"{\"customer_id\":42}", true},
	    {"{\"customerId\":\"42\"}", true},
	    {"{\"account_code\":\"acme\"}", true},
	    {"{\"customer\":{\"id\":\"42\"}}", true},
	    {"{\"customer\":{\"address\":{\"zip\":\"42\"}}}", false},
	    {"{\"content\":{\"customer\":{\"external_id\":\"acme\",\"x\":1}}}", true},
	    {"{\"customers\":[\"42\"]}", true},
	    {"{\"id\":42}", true},
	    {"{\"quantity\":42}", false},
	    {"{\"customer\":{\"quantity\":42}}", false},
	    {"{\"invoice\":{\"id\":\"42\"}}", false},
	    {"{\"invoice\":{\"id\":\"7\"}}", true},
	    {"{\"invoice\":{\"customer_id\":\"42\"}}", true},
	    {"{\"invoice\":{\"customer_id\":\"7\"}}", false},
	    {"{\"invoice\":{\"lines\":[{\"x\":1}],\"id\":7}}", true},
	    {"{\"customer\":{\"name\":\"acme\"}}", false},
	    {"{\"plan\":{\"code\":\"acme\"}}", false},
	    {"{\"customer\":{},\"x\":{\"id\":\"42\"}}", true},
	    {"{\"customer\":42.0}", false},
	    {"{\"customer\":420}", false},
	    {"{\"customer\":-42}", true},
	    {"{\"amount\":42,\"customer\":1}", false},
	    /* An address, in any case of letters, alone or in a text. */
	    {"{\"email\":\"ada@example.com\"}", true},
	    {"{\"email\":\"ADA@EXAMPLE.COM\"}", true},
	    {"{\"email\":\"\xc3\xa4nne@example.com\"}", true},
	    {"{\"email\":\"\xc3\x84NNE@example.com\"}", true},
	    {"{\"email\":\"\\u00c4nne@example.com\"}", true},
	    {"{\"email\":\"\xc3\xb6nne@example.com\"}", false},
	    {"{\"email\":\"bob@example.com,ada@example.com\"}", true},
	    {"{\"text\":\"Ada Example <ada@example.com>.\"}", true},
	    {"{\"text\":\"write to ada@example.com.\"}", true},
	    {"{\"email\":\"bada@example.com\"}", false},
	    {"{\"email\":\"ada@example.community\"}", false},
	    {"{\"email\":\"ada+x@example.com\"}", false},
	    {"{\"text\":\"line\\nada@example.com\"}", true},
	    /* Broken JSON is looked at as far as it goes. */
	    {"{\"data\":{\"object\":{\"id\":\"" LONG_ID "\",\"na", true},
	    {"{\"x\":\"" LONG_ID, true},
	    {"\"" LONG_ID "\"", true},
	    {"}}]]{\"x\":\"" LONG_ID "\"", true},
	    {"\\\"", false},
	    {"\"", false},
	    {"\"\\", false},
	    {"", false},
	};
	struct mention *mention = make_mention();

	for (size_t i = 0; i < BH_LEN(cases); i++)
		if (is_mentioned_in_json(mention, cases[i].text, strlen(cases[i].text)) !=
		    cases[i].found)
			fail_msg("%s: %s", cases[i].text, cases[i].found ? "not found" : "found");
	mention_free(&mention);
}

static void
in_text(void **state BH_UNUSED)
{
	static const struct {
		const char *text;
		bool found;
	} cases[] = {
	    {"{\"subject\":\"stripe:" LONG_ID "\",\"text\":\"held\"}", true},
	    {"{\"subject\":\"crm\",\"text\":\"Account " LONG_ID ", refused\"}", true},
	    {"customer " LONG_ID ".", true},
	    {"stripe:acct_1/" LONG_ID, true},
	    {"stripe:42", true},
	    {"stripe:421", false},
	    {"42 records", false},
	    {"acme", false},
	    {"told (ada@example.com)", true},
	    {"x" LONG_ID, false},
	    {"", false},
	};
	struct mention *mention = make_mention();

	for (size_t i = 0; i < BH_LEN(cases); i++)
		if (is_mentioned_in_text(mention, cases[i].text, strlen(cases[i].text)) !=
		    cases[i].found)
			fail_msg("%s: %s", cases[i].text, cases[i].found ? "not found" : "found");
	assert_true(is_mentioned_surely(mention, LONG_ID));
	assert_false(is_mentioned_surely(mention, "42"));
	assert_false(is_mentioned_surely(mention, "cus_NffrFeUfNV2Hi0"));
	mention_free(&mention);
}

/* No nesting, length or byte makes it read where nothing is. */
static void
hostile(void **state BH_UNUSED)
{
	struct mention *mention = make_mention();
	size_t len = 1 << 20;
	char *text = bh_xmalloc(len);

	memset(text, '[', len);
	assert_false(is_mentioned_in_json(mention, text, len));
	memset(text, '{', len);
	memcpy(text + len - 20, "\"" LONG_ID "\"", 20);
	assert_true(is_mentioned_in_json(mention, text, len));
	memset(text, '"', len);
	assert_false(is_mentioned_in_json(mention, text, len));
	memset(text, '\\', len);
	text[0] = '"';
	assert_false(is_mentioned_in_json(mention, text, len));
	memset(text, '7', len);
	assert_false(is_mentioned_in_json(mention, text, len));
	memset(text, '\0', len);
	assert_false(is_mentioned_in_json(mention, text, len));
	memset(text, '@', len);
	text[0] = text[len - 1] = '"';
	assert_false(is_mentioned_in_json(mention, text, len));
	memset(text, ':', len);
	assert_false(is_mentioned_in_text(mention, text, len));
	free(text);
	mention_free(&mention);
}

static void
nobody(void **state BH_UNUSED)
{
	struct mention *mention = mention_new();

	mention_add(mention, OBJECT_CUSTOMER, "");
	assert_false(is_mentioned_in_json(mention, "{\"customer\":\"\"}", 15));
	mention_free(&mention);
	assert_null(mention);
	mention_free(&mention);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(in_json),
	    cmocka_unit_test(in_text),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(nobody),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
