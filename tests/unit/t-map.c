/* Mapping: rows, transforms, templates, limits, filters, parents, and what is refused. */
#include "base/base.h"

#include "base/json.h"
#include "map/decimal.h"
#include "map/map.h"
#include "map/transform.h"
#include "unit.h"

static const char *const type_words[] = {"text", "number", "bool", "date", "time", "enum"};

static json_t *
load(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &why);

	if (json == NULL)
		fail_msg("bad JSON in the test: %s: %s", why.text, text);
	return json;
}

/* {"Name": {"type": 0, "length": 5, ...}}, the same for every object. */
static bool
is_described(void *arg, const char *object BH_UNUSED, const char *field, struct map_limit *limit_r)
{
	const json_t *limit = json_object_get(arg, field);
	const char *type = bh_json_str(limit, "type");

	if (limit == NULL)
		return false;
	for (size_t i = 0; i < BH_LEN(type_words); i++) {
		if (strcmp(type_words[i], type) == 0)
			limit_r->type = (enum record_type)i;
	}
	limit_r->length = (size_t)bh_json_int(limit, "length", 0);
	limit_r->digits = (int)bh_json_int(limit, "digits", 0);
	limit_r->scale = (int)bh_json_int(limit, "scale", -1);
	limit_r->options = json_object_get(limit, "options");
	return true;
}

/* "Name=text:\"x\" Amount=number:\"1.50\" <Account__c=Account.K__c:stripe:cus_1>". */
static char *
show(const struct record *record)
{
	struct bh_buf out = BH_BUF_INIT(100000);

	for (size_t i = 0; i < record->fields_n; i++) {
		bh_buf_addf(&out, "%s%s=%s:", out.len > 0 ? " " : "", record->fields[i].name,
		    type_words[record->fields[i].type]);
		bh_json_add(&out, record->fields[i].value);
	}
	for (size_t i = 0; i < record->parents_n; i++)
		bh_buf_addf(&out, "%s<%s=%s.%s:%s>", out.len > 0 ? " " : "",
		    record->parents[i].field, record->parents[i].object,
		    record->parents[i].key_field, record->parents[i].key);
	return bh_buf_steal(&out);
}

/* Parse a mapping and render its last object: the record as text, "filtered", or the error. */
static char *
render(const char *mapping, const char *object, struct map_context *context)
{
	struct bh_err err = BH_ERR_INIT;
	struct map *map;
	const struct map_object *objects;
	struct record *record;
	enum map_verdict verdict;
	json_t *map_json = load(mapping), *object_json = load(object);
	char *text;
	size_t n;
	int rc = map_new(map_json, &map, &err);

	/* The map keeps a copy of its own. */
	json_decref(map_json);
	if (rc == 0) {
		n = map_objects(map, &objects);
		rc = map_render(map, n - 1, "x1", object_json, context, &verdict, &record, &err);
	}
	if (rc < 0) {
		assert_int_equal(err.code, BH_INVALID);
		text = bh_xstrdup(err.text);
	} else if (verdict == MAP_FILTERED) {
		assert_null(record);
		text = bh_xstrdup("filtered");
	} else {
		text = show(record);
		record_free(&record);
	}
	map_free(&map);
	json_decref(object_json);
	return text;
}

struct row_case {
	const char *name, *row, *object, *limits, *want;
};

static void
run_rows(const struct row_case *cases, size_t n, const char *kind)
{
	for (size_t i = 0; i < n; i++) {
		char *mapping =
		    bh_xasprintf("{\"objects\":[{\"name\":\"o\",\"from\":\"%s\",\"to\":\"O\","
				 "\"key\":\"K\",\"fields\":[%s]}]}",
			kind, cases[i].row);
		json_t *limits = load(cases[i].limits != NULL ? cases[i].limits : "{}");
		json_t *customer = load(
		    "{\"name\":\"Ada\",\"email\":\"ada@example.com\",\"metadata\":{\"tier\":\"gold\"}}");
		struct map_context context = {.key_prefix = "stripe",
		    .account = "acct_1",
		    .customer = strcmp(kind, "customer") != 0 ? customer : NULL,
		    .is_described = is_described,
		    .arg = limits};
		char *got = render(mapping, cases[i].object, &context);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].want);
		free(got);
		free(mapping);
		json_decref(limits);
		json_decref(customer);
	}
}

/* In rows of customers. */
static const struct row_case customer_cases[] = {
    {"a field", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"Acme\"}", NULL, "A=text:\"Acme\""},
    {"absent is left out", "{\"to\":\"A\",\"from\":\"name\"}", "{}", NULL, ""},
    {"null clears", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":null}", NULL, "A=text:null"},
    {"the empty text clears", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"\"}", NULL,
	"A=text:null"},
    {"blanks are no name", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\" \\t\"}", NULL,
	"A=text:null"},
    {"null is kept away", "{\"to\":\"A\",\"from\":\"name\",\"empty\":\"keep\"}", "{\"name\":null}",
	NULL, ""},
    {"never", "{\"to\":\"A\",\"from\":\"name\",\"when\":\"never\"}", "{\"name\":\"Acme\"}", NULL,
	""},
    {"if empty", "{\"to\":\"A\",\"from\":\"name\",\"when\":\"if_empty\"}", "{\"name\":\"Acme\"}",
	NULL, "A=text:\"Acme\""},
    {"on create", "{\"to\":\"A\",\"from\":\"name\",\"when\":\"on_create\"}", "{\"name\":\"Acme\"}",
	NULL, "A=text:\"Acme\""},
    {"ends are trimmed", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\" Acme \"}", NULL,
	"A=text:\"Acme\""},
    {"controls become blanks", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"A\\u0001B\"}", NULL,
	"A=text:\"A B\""},
    {"the id", "{\"to\":\"A\",\"from\":\"id\"}", "{}", NULL, "A=text:\"x1\""},
    {"the key", "{\"to\":\"A\",\"from\":\"key\"}", "{}", NULL, "A=text:\"stripe:acct_1/x1\""},
    {"the account", "{\"to\":\"A\",\"from\":\"account\"}", "{}", NULL, "A=text:\"acct_1\""},
    {"on this object", "{\"to\":\"A\",\"from\":\"name\",\"on\":\"O\"}", "{\"name\":\"Acme\"}", NULL,
	"A=text:\"Acme\""},
    {"on another object", "{\"to\":\"A\",\"from\":\"name\",\"on\":\"P\"}", "{\"name\":\"Acme\"}",
	NULL, ""},
    {"on one of several", "{\"to\":\"A\",\"from\":\"name\",\"on\":[\"P\",\"O\"]}",
	"{\"name\":\"Acme\"}", NULL, "A=text:\"Acme\""},

    /* defaults */
    {"no default needed", "{\"to\":\"A\",\"from\":\"name\",\"default\":\"{email}\"}",
	"{\"name\":\"Acme\",\"email\":\"a@example.com\"}", NULL, "A=text:\"Acme\""},
    {"the first default that is filled",
	"{\"to\":\"A\",\"from\":\"name\",\"default\":[\"{legal_name}\",\"{email}\",\"{id}\"]}",
	"{\"name\":null,\"email\":\"a@example.com\"}", NULL, "A=text:\"a@example.com\""},
    {"the last default", "{\"to\":\"A\",\"from\":\"name\",\"default\":[\"{email}\",\"{id}\"]}",
	"{}", NULL, "A=text:\"x1\""},
    {"a default of another type", "{\"to\":\"A\",\"from\":\"delinquent\",\"default\":\"false\"}",
	"{\"delinquent\":null}", NULL, "A=bool:false"},
    {"a default that is no such thing",
	"{\"to\":\"A\",\"from\":\"delinquent\",\"default\":\"perhaps\"}", "{}", NULL,
	"o: field 1 (A): 'perhaps' is not a yes-or-no"},

    /* templates */
    {"a template", "{\"to\":\"A\",\"from\":\"{name} <{email}>\"}",
	"{\"name\":\"Acme\",\"email\":\"a@example.com\"}", NULL, "A=text:\"Acme <a@example.com>\""},
    {"a part is missing", "{\"to\":\"A\",\"from\":\"{name} - {email}\"}", "{\"name\":\"Acme\"}",
	NULL, "A=text:\"Acme -\""},
    {"all parts are null", "{\"to\":\"A\",\"from\":\"{name} - {email}\"}", "{\"name\":null}", NULL,
	"A=text:null"},
    {"all parts are absent", "{\"to\":\"A\",\"from\":\"{name} - {email}\"}", "{}", NULL, ""},
    {"braces", "{\"to\":\"A\",\"from\":\"{{{name}}} {{x}} }\"}", "{\"name\":\"Acme\"}", NULL,
	"A=text:\"{Acme} {x} }\""},
    {"a transform", "{\"to\":\"A\",\"from\":\"{created_at|date}\"}",
	"{\"created_at\":\"2026-11-22T23:30:00-02:00\"}", NULL, "A=text:\"2026-11-23\""},
    {"a chain", "{\"to\":\"A\",\"from\":\"{name|last_name|upper}\"}", "{\"name\":\"Ada King\"}",
	NULL, "A=text:\"KING\""},
    {"money in a template", "{\"to\":\"A\",\"from\":\"{balance} {currency}\"}",
	"{\"balance\":-1250,\"currency\":\"EUR\"}", NULL, "A=text:\"-12.50 EUR\""},
    {"a part that cannot be turned", "{\"to\":\"A\",\"from\":\"{name|date}\"}",
	"{\"name\":\"Acme\"}", NULL, "o: field 1 (A): 'Acme' is not a date"},
    {"a template and a transform", "{\"to\":\"A\",\"from\":\"{name}!\",\"as\":\"upper\"}",
	"{\"name\":\"Acme\"}", NULL, "A=text:\"ACME!\""},

    /* structures */
    {"metadata", "{\"to\":\"A\",\"from\":\"metadata.tier\"}", "{\"metadata\":{\"tier\":\"gold\"}}",
	NULL, "A=text:\"gold\""},
    {"metadata with dots", "{\"to\":\"A\",\"from\":\"metadata.a.b\"}",
	"{\"metadata\":{\"a.b\":\"dots\"}}", NULL, "A=text:\"dots\""},
    {"metadata that is not there", "{\"to\":\"A\",\"from\":\"metadata.tier\"}", "{\"metadata\":{}}",
	NULL, "A=text:null"},
    {"a number in metadata", "{\"to\":\"A\",\"from\":\"metadata.n\",\"as\":\"number\"}",
	"{\"metadata\":{\"n\":\"007.50\"}}", NULL, "A=number:\"7.50\""},
    {"a real in metadata", "{\"to\":\"A\",\"from\":\"metadata.n\",\"as\":\"number\"}",
	"{\"metadata\":{\"n\":1.25}}", NULL, "A=number:\"1.25\""},
    {"a structure as text", "{\"to\":\"A\",\"from\":\"metadata\"}",
	"{\"metadata\":{\"b\":[1],\"a\":null}}", NULL, "A=text:\"{\\\"a\\\":null,\\\"b\\\":[1]}\""},
    {"a structure where words are wanted",
	"{\"to\":\"A\",\"from\":\"metadata.x\",\"as\":\"country\"}", "{\"metadata\":{\"x\":{}}}",
	NULL, "o: field 1 (A): country does not take a structure"},
    {"a field of a wrong type", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"last_name\"}",
	"{\"name\":12}", NULL, "o: field 1 (A): last_name does not take a whole number"},

    /* transforms */
    {"upper", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"upper\"}", "{\"name\":\"Zürich 1\"}", NULL,
	"A=text:\"ZüRICH 1\""},
    {"lower", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"lower\"}", "{\"name\":\"ACME Ü\"}", NULL,
	"A=text:\"acme Ü\""},
    {"words", "{\"to\":\"A\",\"from\":\"type\",\"as\":\"words\"}", "{\"type\":\"past_due_x\"}",
	NULL, "A=text:\"Past due x\""},
    {"const", "{\"to\":\"A\",\"as\":\"const\",\"value\":\"Stripe\"}", "{}", NULL,
	"A=text:\"Stripe\""},
    {"const is implied", "{\"to\":\"A\",\"value\":12}", "{}", NULL, "A=number:\"12\""},
    {"a constant truth", "{\"to\":\"A\",\"value\":true}", "{}", NULL, "A=bool:true"},
    {"a constant nothing", "{\"to\":\"A\",\"value\":null}", "{}", NULL, "A=text:null"},
    {"bool", "{\"to\":\"A\",\"from\":\"delinquent\"}", "{\"delinquent\":true}", NULL,
	"A=bool:true"},
    {"bool from text", "{\"to\":\"A\",\"from\":\"metadata.x\",\"as\":\"bool\"}",
	"{\"metadata\":{\"x\":\"YES\"}}", NULL, "A=bool:true"},
    {"bool from a number", "{\"to\":\"A\",\"from\":\"metadata.x\",\"as\":\"bool\"}",
	"{\"metadata\":{\"x\":0}}", NULL, "A=bool:false"},
    {"bool as text", "{\"to\":\"A\",\"from\":\"delinquent\",\"as\":\"text\"}",
	"{\"delinquent\":true}", NULL, "A=text:\"true\""},
    {"time", "{\"to\":\"A\",\"from\":\"created_at\"}",
	"{\"created_at\":\"2026-11-22T10:00:00+01:00\"}", NULL, "A=time:\"2026-11-22T09:00:00Z\""},
    {"datetime", "{\"to\":\"A\",\"from\":\"created_at\",\"as\":\"datetime\"}",
	"{\"created_at\":\"2026-11-22\"}", NULL, "A=time:\"2026-11-22T00:00:00Z\""},
    {"date", "{\"to\":\"A\",\"from\":\"created_at\",\"as\":\"date\"}",
	"{\"created_at\":\"2026-11-22T23:59:59Z\"}", NULL, "A=date:\"2026-11-22\""},
    {"no date", "{\"to\":\"A\",\"from\":\"created_at\",\"as\":\"date\"}",
	"{\"created_at\":\"soon\"}", NULL, "o: field 1 (A): 'soon' is not a date"},
    {"enum as it is", "{\"to\":\"A\",\"from\":\"type\"}", "{\"type\":\"company\"}", NULL,
	"A=enum:\"company\""},
    {"enum by the table",
	"{\"to\":\"A\",\"from\":\"type\",\"enum\":{\"company\":\"Firm\",\"*\":\"Other\"}}",
	"{\"type\":\"company\"}", NULL, "A=enum:\"Firm\""},
    {"enum in another case",
	"{\"to\":\"A\",\"from\":\"type\",\"enum\":{\"Company\":\"Firm\",\"*\":\"Other\"}}",
	"{\"type\":\"COMPANY\"}", NULL, "A=enum:\"Firm\""},
    {"enum, the rest",
	"{\"to\":\"A\",\"from\":\"type\",\"enum\":{\"company\":\"Firm\",\"*\":\"Other\"}}",
	"{\"type\":\"x\"}", NULL, "A=enum:\"Other\""},
    {"enum, not in the table", "{\"to\":\"A\",\"from\":\"type\",\"enum\":{\"company\":\"Firm\"}}",
	"{\"type\":\"x\"}", NULL, "A=enum:\"x\""},
    {"enum to null", "{\"to\":\"A\",\"from\":\"type\",\"enum\":{\"company\":null}}",
	"{\"type\":\"company\"}", NULL, "A=enum:null"},
    {"enum of a yes-or-no",
	"{\"to\":\"A\",\"from\":\"delinquent\",\"enum\":{\"true\":\"Late\",\"false\":\"Good\"}}",
	"{\"delinquent\":false}", NULL, "A=enum:\"Good\""},
    {"enum to a yes-or-no",
	"{\"to\":\"A\",\"from\":\"type\",\"enum\":{\"company\":true,\"*\":false}}",
	"{\"type\":\"company\"}", "{\"A\":{\"type\":\"bool\"}}", "A=bool:true"},
    {"url", "{\"to\":\"A\",\"from\":\"website\"}", "{\"website\":\" https://example.com/a?b#c \"}",
	NULL, "A=text:\"https://example.com/a?b#c\""},
    {"url, another scheme", "{\"to\":\"A\",\"from\":\"website\"}",
	"{\"website\":\"javascript:alert(1)\"}", NULL, "A=text:null"},
    {"url, bare host", "{\"to\":\"A\",\"from\":\"website\"}", "{\"website\":\"example.com\"}", NULL,
	"A=text:null"},
    {"url, without host", "{\"to\":\"A\",\"from\":\"website\"}", "{\"website\":\"https:///x\"}",
	NULL, "A=text:null"},
    {"url with blanks", "{\"to\":\"A\",\"from\":\"website\"}",
	"{\"website\":\"https://example.com/a b\"}", NULL, "A=text:null"},
    {"url with a port", "{\"to\":\"A\",\"from\":\"website\"}",
	"{\"website\":\"HTTP://localhost:3000/x\"}", NULL, "A=text:\"HTTP://localhost:3000/x\""},
    {"website", "{\"to\":\"A\",\"from\":\"website\",\"as\":\"website\"}",
	"{\"website\":\"www.example.com/de\"}", NULL, "A=text:\"https://www.example.com/de\""},
    {"website, complete", "{\"to\":\"A\",\"from\":\"website\",\"as\":\"website\"}",
	"{\"website\":\"http://example.com\"}", NULL, "A=text:\"http://example.com\""},
    {"website, a word", "{\"to\":\"A\",\"from\":\"website\",\"as\":\"website\"}",
	"{\"website\":\"none\"}", NULL, "A=text:null"},
    {"website, a script", "{\"to\":\"A\",\"from\":\"website\",\"as\":\"website\"}",
	"{\"website\":\"data://example.com\"}", NULL, "A=text:null"},
    {"website, an e-mail", "{\"to\":\"A\",\"from\":\"website\",\"as\":\"website\"}",
	"{\"website\":\"a@example.com\"}", NULL, "A=text:null"},
    {"email", "{\"to\":\"A\",\"from\":\"email\"}", "{\"email\":\" Ada@Example.COM \"}", NULL,
	"A=text:\"ada@example.com\""},
    {"email, the first of a list", "{\"to\":\"A\",\"from\":\"email\"}",
	"{\"email\":\"a@example.com, b@example.com\"}", NULL, "A=text:\"a@example.com\""},
    {"email, none", "{\"to\":\"A\",\"from\":\"email\"}", "{\"email\":\"not-an-address\"}", NULL,
	"A=text:null"},
    {"email, two dots", "{\"to\":\"A\",\"from\":\"email\"}", "{\"email\":\"a..b@example.com\"}",
	NULL, "A=text:null"},
    {"email, no dot behind", "{\"to\":\"A\",\"from\":\"email\"}", "{\"email\":\"a@localhost\"}",
	NULL, "A=text:null"},
    {"email, two at signs", "{\"to\":\"A\",\"from\":\"email\"}", "{\"email\":\"a@b@example.com\"}",
	NULL, "A=text:null"},
    {"host", "{\"to\":\"A\",\"from\":\"website\",\"as\":\"host\"}",
	"{\"website\":\"https://user:pw@WWW.Example.com:8443/x\"}", NULL,
	"A=text:\"www.example.com\""},
    {"host of an e-mail", "{\"to\":\"A\",\"from\":\"email\",\"as\":\"host\"}",
	"{\"email\":\"a@Example.com\"}", NULL, "A=text:\"example.com\""},
    {"company_domain", "{\"to\":\"A\",\"from\":\"website\",\"as\":\"company_domain\"}",
	"{\"website\":\"http://www.example.com.\"}", NULL, "A=text:\"example.com\""},
    {"company_domain of free mail", "{\"to\":\"A\",\"from\":\"email\",\"as\":\"company_domain\"}",
	"{\"email\":\"x@GMail.com\"}", NULL, "A=text:null"},
    {"company_domain of an address",
	"{\"to\":\"A\",\"from\":\"website\",\"as\":\"company_domain\"}",
	"{\"website\":\"http://192.0.2.7/\"}", NULL, "A=text:null"},
    {"company_domain from the e-mail",
	"{\"to\":\"A\",\"from\":\"website\",\"as\":\"company_domain\",\"default\":\"{email|company_domain}\"}",
	"{\"email\":\"x@example.org\"}", NULL, "A=text:\"example.org\""},
    {"country", "{\"to\":\"A\",\"from\":\"address_country\",\"as\":\"country\"}",
	"{\"address_country\":\"de\"}", NULL, "A=text:\"Germany\""},
    {"the first and the last country",
	"{\"to\":\"A\",\"from\":\"{metadata.a|country}/{metadata.b|country}\"}",
	"{\"metadata\":{\"a\":\"AD\",\"b\":\"ZW\"}}", NULL, "A=text:\"Andorra/Zimbabwe\""},
    {"no country", "{\"to\":\"A\",\"from\":\"address_country\",\"as\":\"country\"}",
	"{\"address_country\":\"Utopia\"}", NULL, "A=text:\"Utopia\""},
    {"first name", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"first_name\"}",
	"{\"name\":\" Ada Augusta  King \"}", NULL, "A=text:\"Ada Augusta\""},
    {"last name", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"last_name\"}",
	"{\"name\":\" Ada Augusta  King \"}", NULL, "A=text:\"King\""},
    {"first name of one word", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"first_name\"}",
	"{\"name\":\"Ada\"}", NULL, "A=text:null"},
    {"last name of one word", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"last_name\"}",
	"{\"name\":\"Ada\"}", NULL, "A=text:\"Ada\""},
    {"join",
	"{\"to\":\"A\",\"from\":[\"address_line1\",\"address_line2\",\"{address_postal_code} {address_city}\"],"
	"\"with\":\"\\n\"}",
	"{\"address_line1\":\"1 Main St\",\"address_line2\":null,\"address_city\":\"Bern\"}", NULL,
	"A=text:\"1 Main St\\n Bern\""},
    {"join of nothing", "{\"to\":\"A\",\"from\":[\"address_line1\",\"address_line2\"]}",
	"{\"address_line1\":null}", NULL, "A=text:null"},
    {"join of what is not known", "{\"to\":\"A\",\"from\":[\"address_line1\",\"address_line2\"]}",
	"{}", NULL, ""},
    {"join of a list", "{\"to\":\"A\",\"from\":\"metadata.l\",\"as\":\"join\"}",
	"{\"metadata\":{\"l\":[\"a\",null,2]}}", NULL, "A=text:\"a, 2\""},
    {"join of no list", "{\"to\":\"A\",\"from\":\"metadata\",\"as\":\"join\"}", "{\"metadata\":{}}",
	NULL, "o: field 1 (A): only lists can be joined"},

    /* lengths are UTF-16 units; a smile takes two */
    {"cut", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"Acme Incorporated\"}",
	"{\"A\":{\"type\":\"text\",\"length\":6}}", "A=text:\"Acme I\""},
    {"cut, no blank at the end", "{\"to\":\"A\",\"from\":\"name\"}",
	"{\"name\":\"Acme Incorporated\"}", "{\"A\":{\"type\":\"text\",\"length\":5}}",
	"A=text:\"Acme\""},
    {"it fits", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"a😀\"}",
	"{\"A\":{\"type\":\"text\",\"length\":3}}", "A=text:\"a😀\""},
    {"never half a pair", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"a😀b\"}",
	"{\"A\":{\"type\":\"text\",\"length\":2}}", "A=text:\"a\""},
    {"letters of two bytes", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"äöü\"}",
	"{\"A\":{\"type\":\"text\",\"length\":2}}", "A=text:\"äö\""},
    {"no half URL", "{\"to\":\"A\",\"from\":\"website\"}",
	"{\"website\":\"https://example.com/long\"}", "{\"A\":{\"type\":\"text\",\"length\":20}}",
	"A=text:null"},
    {"no half e-mail", "{\"to\":\"A\",\"from\":\"email\"}", "{\"email\":\"ada@example.com\"}",
	"{\"A\":{\"type\":\"text\",\"length\":10}}", "A=text:null"},

    /* options */
    {"an option", "{\"to\":\"A\",\"from\":\"type\"}", "{\"type\":\"company\"}",
	"{\"A\":{\"type\":\"enum\",\"options\":[\"company\",\"other\"]}}", "A=enum:\"company\""},
    {"an option in its own spelling", "{\"to\":\"A\",\"from\":\"type\"}", "{\"type\":\"company\"}",
	"{\"A\":{\"type\":\"enum\",\"options\":[\"Other\",\"Company\"]}}", "A=enum:\"Company\""},
    {"the exact option first", "{\"to\":\"A\",\"from\":\"type\"}", "{\"type\":\"company\"}",
	"{\"A\":{\"type\":\"enum\",\"options\":[\"Company\",\"company\"]}}", "A=enum:\"company\""},
    {"no option", "{\"to\":\"A\",\"from\":\"type\"}", "{\"type\":\"company\"}",
	"{\"A\":{\"type\":\"enum\",\"options\":[\"x\"]}}",
	"o: field 1 (A): 'company' is none of the CRM's options"},
    {"any option", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"x\"}",
	"{\"A\":{\"type\":\"enum\"}}", "A=enum:\"x\""},

    /* what the CRM says of the type goes first */
    {"time to a date", "{\"to\":\"A\",\"from\":\"created_at\"}",
	"{\"created_at\":\"2026-11-22T10:00:00Z\"}", "{\"A\":{\"type\":\"date\"}}",
	"A=date:\"2026-11-22\""},
    {"time to a text", "{\"to\":\"A\",\"from\":\"created_at\"}",
	"{\"created_at\":\"2026-11-22T10:00:00Z\"}", "{\"A\":{\"type\":\"text\"}}",
	"A=text:\"2026-11-22T10:00:00Z\""},
    {"text to a number", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"+.5\"}",
	"{\"A\":{\"type\":\"number\"}}", "A=number:\"0.5\""},
    {"text that is no number", "{\"to\":\"A\",\"from\":\"name\"}", "{\"name\":\"1e3\"}",
	"{\"A\":{\"type\":\"number\"}}", "o: field 1 (A): '1e3' is not a decimal number"},
    {"a long text that is no number", "{\"to\":\"A\",\"from\":\"name\"}",
	"{\"name\":\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee\"}",
	"{\"A\":{\"type\":\"number\"}}",
	"o: field 1 (A): 'aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...' is not a decimal number"},
    {"a yes-or-no is no number", "{\"to\":\"A\",\"from\":\"delinquent\"}", "{\"delinquent\":true}",
	"{\"A\":{\"type\":\"number\"}}", "o: field 1 (A): 'true' is not a decimal number"},
    {"a number is no date", "{\"to\":\"A\",\"from\":\"balance\"}",
	"{\"balance\":100,\"currency\":\"EUR\"}", "{\"A\":{\"type\":\"date\"}}",
	"o: field 1 (A): '1.00' is not a date"},

    /* money */
    {"EUR", "{\"to\":\"A\",\"from\":\"balance\"}", "{\"balance\":-1250,\"currency\":\"EUR\"}", NULL,
	"A=number:\"-12.50\""},
    {"JPY", "{\"to\":\"A\",\"from\":\"balance\"}", "{\"balance\":1250,\"currency\":\"jpy\"}", NULL,
	"A=number:\"1250\""},
    {"KWD", "{\"to\":\"A\",\"from\":\"balance\"}", "{\"balance\":1255,\"currency\":\"KWD\"}", NULL,
	"A=number:\"1.255\""},
    {"KWD in two decimals", "{\"to\":\"A\",\"from\":\"balance\"}",
	"{\"balance\":1255,\"currency\":\"KWD\"}",
	"{\"A\":{\"type\":\"number\",\"digits\":16,\"scale\":2}}", "A=number:\"1.26\""},
    {"below zero, away from zero", "{\"to\":\"A\",\"from\":\"balance\"}",
	"{\"balance\":-1255,\"currency\":\"KWD\"}",
	"{\"A\":{\"type\":\"number\",\"digits\":16,\"scale\":2}}", "A=number:\"-1.26\""},
    {"no minus on zero", "{\"to\":\"A\",\"from\":\"balance\"}",
	"{\"balance\":-4,\"currency\":\"KWD\"}", "{\"A\":{\"type\":\"number\",\"scale\":2}}",
	"A=number:\"0.00\""},
    {"a carry through all digits", "{\"to\":\"A\",\"from\":\"balance\"}",
	"{\"balance\":9999,\"currency\":\"EUR\"}",
	"{\"A\":{\"type\":\"number\",\"digits\":3,\"scale\":0}}", "A=number:\"100\""},
    {"too many digits after the carry", "{\"to\":\"A\",\"from\":\"balance\"}",
	"{\"balance\":9999,\"currency\":\"EUR\"}",
	"{\"A\":{\"type\":\"number\",\"digits\":2,\"scale\":0}}",
	"o: field 1 (A): 100 has more than 2 digits before the point"},
    {"the largest amount", "{\"to\":\"A\",\"from\":\"balance\"}",
	"{\"balance\":9223372036854775807,\"currency\":\"EUR\"}", NULL,
	"A=number:\"92233720368547758.07\""},
    {"without currency", "{\"to\":\"A\",\"from\":\"balance\"}", "{\"balance\":5}", NULL,
	"A=number:\"0.05\""},
    {"money as text", "{\"to\":\"A\",\"from\":\"balance\",\"as\":\"text\"}",
	"{\"balance\":5,\"currency\":\"EUR\"}", NULL, "A=text:\"0.05\""},

    /* refused rows */
    {"unknown transform", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"x\"}", "{}", NULL,
	"o: field 1 (A): unknown transform 'x'"},
    {"unknown transform in a template", "{\"to\":\"A\",\"from\":\"{name|x}\"}", "{}", NULL,
	"o: field 1 (A): unknown transform 'x'"},
    {"unknown field", "{\"to\":\"A\",\"from\":\"nmae\"}", "{}", NULL,
	"o: field 1 (A): customer has no field 'nmae'"},
    {"unknown field in a template", "{\"to\":\"A\",\"from\":\"{nmae}\"}", "{}", NULL,
	"o: field 1 (A): customer has no field 'nmae'"},
    {"a customer has no customer", "{\"to\":\"A\",\"from\":\"customer.name\"}", "{}", NULL,
	"o: field 1 (A): customer has no field 'customer'"},
    {"parts of a text", "{\"to\":\"A\",\"from\":\"name.x\"}", "{}", NULL,
	"o: field 1 (A): name has no parts"},
    {"an open brace", "{\"to\":\"A\",\"from\":\"{name\"}", "{}", NULL,
	"o: field 1 (A): a brace is not closed"},
    {"an empty brace", "{\"to\":\"A\",\"from\":\"{}\"}", "{}", NULL,
	"o: field 1 (A): a field name has 1 to 200 bytes"},
    {"no to", "{\"from\":\"name\"}", "{}", NULL, "o: field 1 (?): to is the name of a CRM field"},
    {"no from", "{\"to\":\"A\"}", "{}", NULL,
	"o: field 1 (A): from is the name of a field, a template, or a list of them"},
    {"from and value", "{\"to\":\"A\",\"from\":\"name\",\"value\":1}", "{}", NULL,
	"o: field 1 (A): it has both from and value"},
    {"value and a transform", "{\"to\":\"A\",\"as\":\"upper\",\"value\":\"a\"}", "{}", NULL,
	"o: field 1 (A): value goes with const only"},
    {"const without value", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"const\"}", "{}", NULL,
	"o: field 1 (A): const does not take text"},
    {"a structure as value", "{\"to\":\"A\",\"value\":[]}", "{}", NULL,
	"o: field 1 (A): value is a text, a whole number, true, false or null"},
    {"money of a text", "{\"to\":\"A\",\"from\":\"name\",\"as\":\"money\"}", "{}", NULL,
	"o: field 1 (A): money does not take text"},
    {"money of a day in a template", "{\"to\":\"A\",\"from\":\"{created_at|date|money}\"}", "{}",
	NULL, "o: field 1 (A): money does not take a date"},
    {"an unknown member", "{\"to\":\"A\",\"form\":\"name\"}", "{}", NULL,
	"o: field 1 (A): unknown member 'form'"},
    {"a bad when", "{\"to\":\"A\",\"from\":\"name\",\"when\":\"x\"}", "{}", NULL,
	"o: field 1 (A): when is always, if_empty, on_create or never"},
    {"a bad empty", "{\"to\":\"A\",\"from\":\"name\",\"empty\":\"x\"}", "{}", NULL,
	"o: field 1 (A): empty is clear or keep"},
    {"a bad default", "{\"to\":\"A\",\"from\":\"name\",\"default\":\"{x}\"}", "{}", NULL,
	"o: field 1 (A): default: customer has no field 'x'"},
    {"a bad enum", "{\"to\":\"A\",\"from\":\"type\",\"enum\":{\"a\":[]}}", "{}", NULL,
	"o: field 1 (A): enum: 'a' is not turned into a text, a whole number, true, false or null"},
    {"a row that is no object", "12", "{}", NULL, "o: field 1 (?): to is the name of a CRM field"},
    {"the second row", "{\"to\":\"A\",\"from\":\"name\"},{\"to\":\"B\",\"from\":\"x\"}", "{}", NULL,
	"o: field 2 (B): customer has no field 'x'"},
    {"twice the same field", "{\"to\":\"A\",\"from\":\"name\"},{\"to\":\"A\",\"from\":\"email\"}",
	"{}", NULL, "o: field 2 (A): field 1 writes it already"},
    {"twice, but never together",
	"{\"to\":\"A\",\"from\":\"name\",\"on\":\"O\"},{\"to\":\"A\",\"from\":\"email\",\"on\":\"P\"}",
	"{\"name\":\"n\",\"email\":\"e\"}", NULL, "A=text:\"n\""},
    {"the key", "{\"to\":\"K\",\"from\":\"name\"}", "{}", NULL,
	"o: field 1 (K): the key is written by itself"},
};

static void
test_customers(void **state BH_UNUSED)
{
	run_rows(customer_cases, BH_LEN(customer_cases), "customer");
}

/* In rows of subscriptions, whose customer is Ada. */
static const struct row_case subscription_cases[] = {
    {"a decimal", "{\"to\":\"A\",\"from\":\"quantity\"}", "{\"quantity\":\"0.0015\"}", NULL,
	"A=number:\"0.0015\""},
    {"a whole number", "{\"to\":\"A\",\"from\":\"interval_count\"}", "{\"interval_count\":3}", NULL,
	"A=number:\"3\""},
    {"the customer's field", "{\"to\":\"A\",\"from\":\"customer.email\"}", "{}", NULL,
	"A=text:\"ada@example.com\""},
    {"the customer's metadata",
	"{\"to\":\"A\",\"from\":\"{customer.metadata.tier|upper} {plan_name}\"}",
	"{\"plan_name\":\"Pro\"}", NULL, "A=text:\"GOLD Pro\""},
    {"the customer's id", "{\"to\":\"A\",\"from\":\"customer\"}", "{\"customer\":\"cus_1\"}", NULL,
	"A=text:\"cus_1\""},
    {"what the customer lacks", "{\"to\":\"A\",\"from\":\"customer.phone\"}", "{}", NULL, ""},
    {"rounded", "{\"to\":\"A\",\"from\":\"quantity\"}", "{\"quantity\":\"2.675\"}",
	"{\"A\":{\"type\":\"number\",\"scale\":2}}", "A=number:\"2.68\""},
    {"not padded", "{\"to\":\"A\",\"from\":\"quantity\"}", "{\"quantity\":\"2.5\"}",
	"{\"A\":{\"type\":\"number\",\"scale\":4}}", "A=number:\"2.5\""},
    {"rounded to a whole one", "{\"to\":\"A\",\"from\":\"quantity\"}", "{\"quantity\":\"-0.5\"}",
	"{\"A\":{\"type\":\"number\",\"scale\":0}}", "A=number:\"-1\""},
    {"a planned status", "{\"to\":\"A\",\"from\":\"status\",\"enum\":{\"active\":\"Live\"}}",
	"{\"status\":\"active\"}", "{\"A\":{\"type\":\"enum\",\"options\":[\"Live\"]}}",
	"A=enum:\"Live\""},
};

static void
test_subscriptions(void **state BH_UNUSED)
{
	run_rows(subscription_cases, BH_LEN(subscription_cases), "subscription");
}

struct map_case {
	const char *name, *mapping, *object, *want;
};

#define ACCOUNT                                                                                    \
	"{\"name\":\"account\",\"from\":\"customer\",\"to\":\"Account\",\"key\":\"K__c\",\"fields\":[]}"
#define INVOICE(more)                                                                                \
	"{\"name\":\"invoice\",\"from\":\"invoice\",\"to\":\"Inv\",\"key\":\"K\",\"fields\":[]" more \
	"}"
#define FILTERED(filter) "{\"objects\":[" INVOICE(",\"if\":" filter) "]}"

static const struct map_case map_cases[] = {
    /* filters */
    {"in", FILTERED("{\"field\":\"status\",\"in\":[\"open\",\"paid\"]}"), "{\"status\":\"paid\"}",
	""},
    {"in, not", FILTERED("{\"field\":\"status\",\"in\":[\"open\",\"paid\"]}"),
	"{\"status\":\"draft\"}", "filtered"},
    {"in, absent", FILTERED("{\"field\":\"status\",\"in\":[\"open\"]}"), "{}", "filtered"},
    {"in, null", FILTERED("{\"field\":\"status\",\"in\":[null]}"), "{}", ""},
    {"not_in", FILTERED("{\"field\":\"status\",\"not_in\":[\"draft\"]}"), "{\"status\":\"paid\"}",
	""},
    {"not_in, not", FILTERED("{\"field\":\"status\",\"not_in\":[\"draft\"]}"),
	"{\"status\":\"draft\"}", "filtered"},
    {"is", FILTERED("{\"field\":\"overdue\",\"is\":true}"), "{\"overdue\":true}", ""},
    {"is, not", FILTERED("{\"field\":\"overdue\",\"is\":true}"), "{\"overdue\":false}", "filtered"},
    {"is null", FILTERED("{\"field\":\"number\",\"is\":null}"), "{\"number\":null}", ""},
    {"is an amount", FILTERED("{\"field\":\"total\",\"is\":100}"), "{\"total\":100}", ""},
    {"of the customer", FILTERED("{\"field\":\"customer.currency\",\"is\":\"EUR\"}"), "{}",
	"filtered"},
    {"all",
	FILTERED(
	    "{\"all\":[{\"field\":\"status\",\"is\":\"paid\"},{\"field\":\"overdue\",\"is\":true}]}"),
	"{\"status\":\"paid\",\"overdue\":true}", ""},
    {"all, not",
	FILTERED(
	    "{\"all\":[{\"field\":\"status\",\"is\":\"paid\"},{\"field\":\"overdue\",\"is\":true}]}"),
	"{\"status\":\"paid\",\"overdue\":false}", "filtered"},
    {"any",
	FILTERED(
	    "{\"any\":[{\"field\":\"status\",\"is\":\"paid\"},{\"field\":\"overdue\",\"is\":true}]}"),
	"{\"status\":\"open\",\"overdue\":true}", ""},
    {"any, not",
	FILTERED(
	    "{\"any\":[{\"field\":\"status\",\"is\":\"paid\"},{\"field\":\"overdue\",\"is\":true}]}"),
	"{\"status\":\"open\",\"overdue\":false}", "filtered"},
    {"groups in groups",
	FILTERED(
	    "{\"any\":[{\"all\":[{\"field\":\"status\",\"is\":\"paid\"}]},{\"field\":\"overdue\",\"is\":true}]}"),
	"{\"status\":\"paid\"}", ""},
    {"an empty group", FILTERED("{\"all\":[]}"), "{}",
	"invoice: if: all and any take a list of 1 to 50 filters, 8 deep at most"},
    {"too deep",
	FILTERED("{\"all\":[{\"all\":[{\"all\":[{\"all\":[{\"all\":[{\"all\":[{\"all\":[{\"all\":["
		 "{\"all\":[{\"field\":\"status\",\"is\":1}]}]}]}]}]}]}]}]}]}"),
	"{}", "invoice: if: all and any take a list of 1 to 50 filters, 8 deep at most"},
    {"an unknown field in a filter", FILTERED("{\"field\":\"x\",\"is\":1}"), "{}",
	"invoice: if: invoice has no field 'x'"},
    {"a filter without a list", FILTERED("{\"field\":\"status\",\"in\":\"paid\"}"), "{}",
	"invoice: if: in takes a list of values"},
    {"a filter with two words", FILTERED("{\"field\":\"status\",\"in\":[],\"is\":1}"), "{}",
	"invoice: if: a filter has field and one of in, not_in, is; or it has all or any"},
    {"a filter that is none", FILTERED("{}"), "{}",
	"invoice: if: a filter has field and one of in, not_in, is; or it has all or any"},

    /* parents */
    {"a parent",
	"{\"objects\":[" INVOICE(
	    ",\"parents\":[{\"object\":\"account\",\"id\":\"customer\",\"to\":\"A__c\"}]") "," ACCOUNT
											   "]}",
	"{\"customer\":\"cus_1\"}", "<A__c=Account.K__c:stripe:acct_1/cus_1>"},
    {"no parent",
	"{\"objects\":[" ACCOUNT
	"," INVOICE(",\"parents\":[{\"object\":\"account\",\"id\":\"customer\"}]") "]}",
	"{}", ""},
    {"a parent that is null",
	"{\"objects\":[" ACCOUNT
	"," INVOICE(",\"parents\":[{\"object\":\"account\",\"id\":\"customer\"}]") "]}",
	"{\"customer\":null}", ""},
    {"a parent by a setting, without prefix",
	"{\"prefix\":\"\",\"settings\":{\"who\":\"companies\"},\"objects\":[{\"name\":\"account\",\"from\":\"customer\","
	"\"to\":\"{who}\",\"key\":\"k\",\"fields\":[]}," INVOICE(
	    ",\"parents\":[{\"object\":\"account\",\"id\":\"customer\"}]") "]}",
	"{\"customer\":\"c1\"}", "<=companies.k:acct_1/c1>"},
    {"a parent by a setting that is missing",
	"{\"objects\":[{\"name\":\"account\",\"from\":\"customer\",\"to\":\"{who}\",\"key\":\"k\",\"fields\":[]}," INVOICE(
	    ",\"parents\":[{\"object\":\"account\",\"id\":\"customer\"}]") "]}",
	"{\"customer\":\"c1\"}", "account: the setting who is not set"},
    {"an unknown parent",
	"{\"objects\":[" INVOICE(",\"parents\":[{\"object\":\"x\",\"id\":\"customer\"}]") "]}",
	"{}", "invoice: parent 1: there is no object 'x'"},
    {"a parent by no id",
	"{\"objects\":[" ACCOUNT
	"," INVOICE(",\"parents\":[{\"object\":\"account\",\"id\":\"total\"}]") "]}",
	"{}", "invoice: parent 1: 'total' holds no id"},
    {"its own parent",
	"{\"objects\":[" INVOICE(
	    ",\"parents\":[{\"object\":\"invoice\",\"id\":\"customer\"}]") "]}",
	"{}", "an object is its own parent"},

    /* objects */
    {"no objects", "{}", "{}", "objects is a list of 1 to 64"},
    {"no mapping", "[]", "{}", "a mapping is a JSON object"},
    {"an unknown member", "{\"object\":[]}", "{}", "unknown member 'object'"},
    {"no name", "{\"objects\":[{}]}", "{}", "object 1: name is a text of 1 to 255 bytes"},
    {"the same name", "{\"objects\":[" ACCOUNT "," ACCOUNT "]}", "{}",
	"two objects are named 'account'"},
    {"an unknown kind",
	"{\"objects\":[{\"name\":\"a\",\"from\":\"x\",\"to\":\"A\",\"key\":\"K\",\"fields\":[]}]}",
	"{}", "a: from: there is no kind 'x'"},
    {"no key", "{\"objects\":[{\"name\":\"a\",\"from\":\"customer\",\"to\":\"A\",\"fields\":[]}]}",
	"{}", "a: key is a text of 1 to 255 bytes"},
    {"an unknown member of an object",
	"{\"objects\":[{\"name\":\"a\",\"from\":\"customer\",\"to\":\"A\",\"key\":\"K\",\"rows\":[]}]}",
	"{}", "a: unknown member 'rows'"},
    {"a brace in to",
	"{\"objects\":[{\"name\":\"a\",\"from\":\"customer\",\"to\":\"{A\",\"key\":\"K\",\"fields\":[]}]}",
	"{}", "a: to: a brace is not closed"},
    {"a setting that is missing",
	"{\"objects\":[{\"name\":\"a\",\"from\":\"customer\",\"to\":\"{A}\",\"key\":\"K\",\"fields\":[]}]}",
	"{}", "a: the setting A is not set"},
};

static void
test_objects(void **state BH_UNUSED)
{
	struct map_context context = {.key_prefix = "stripe", .account = "acct_1"};

	for (size_t i = 0; i < BH_LEN(map_cases); i++) {
		char *got = render(map_cases[i].mapping, map_cases[i].object, &context);

		if (strcmp(got, map_cases[i].want) != 0)
			fail_msg("%s: got %s, want %s", map_cases[i].name, got, map_cases[i].want);
		free(got);
	}
}

/* Written children first; kept parents first, indexes and all. */
static void
test_order(void **state BH_UNUSED)
{
	static const char mapping[] =
	    "{\"objects\":["
	    "{\"name\":\"i\",\"from\":\"invoice\",\"to\":\"I\",\"key\":\"K\",\"fields\":[],\"parents\":["
	    "{\"object\":\"s\",\"id\":\"subscription\",\"to\":\"S__c\"},{\"object\":\"c\",\"id\":\"customer\",\"to\":\"C__c\"}]},"
	    "{\"name\":\"s\",\"from\":\"subscription\",\"to\":\"S\",\"key\":\"K\",\"fields\":[],\"parents\":["
	    "{\"object\":\"c\",\"id\":\"customer\",\"to\":\"C__c\"}]},"
	    "{\"name\":\"c\",\"from\":\"customer\",\"to\":\"{who} {x}\",\"key\":\"K\",\"fields\":[]}]}";
	json_t *json = load(mapping),
	       *object = load("{\"customer\":\"c1\",\"subscription\":\"s1\"}");
	json_t *settings = load("{\"who\":\"Account\",\"x\":\"Y\"}");
	struct map_context context = {.key_prefix = "lago", .settings = settings};
	const struct map_object *objects;
	struct bh_err err = BH_ERR_INIT;
	struct bh_buf to = BH_BUF_INIT(100);
	struct record *record;
	enum map_verdict verdict;
	struct map *map;
	char *text;

	assert_int_equal(map_new(json, &map, &err), 0);
	json_decref(json);
	assert_int_equal(map_objects(map, &objects), 3);
	assert_string_equal(objects[0].name, "c");
	assert_string_equal(objects[1].name, "s");
	assert_string_equal(objects[2].name, "i");
	assert_int_equal(objects[0].rank, 0);
	assert_int_equal(objects[1].rank, 1);
	assert_int_equal(objects[2].rank, 2);
	assert_int_equal(objects[2].from, OBJECT_INVOICE);
	assert_string_equal(objects[0].to, "{who} {x}");
	assert_int_equal(map_object_to(map, 0, settings, &to, &err), 0);
	assert_string_equal(bh_buf_str(&to), "Account Y");

	assert_int_equal(map_render(map, 2, "i1", object, &context, &verdict, &record, &err), 0);
	assert_string_equal(record->object, "I");
	assert_string_equal(record->key_field, "K");
	assert_string_equal(record->key, "lago:i1");
	text = show(record);
	assert_string_equal(text, "<S__c=S.K:lago:s1> <C__c=Account Y.K:lago:c1>");
	free(text);
	record_free(&record);
	map_free(&map);
	assert_null(map);
	bh_buf_release(&to);
	json_decref(object);
	json_decref(settings);
}

static void
test_keys(void **state BH_UNUSED)
{
	struct bh_buf key = BH_BUF_INIT(100);

	map_key(&key, "stripe", "", "cus_1");
	bh_buf_addc(&key, ' ');
	map_key(&key, "stripe", "acct_1", "cus_1");
	bh_buf_addc(&key, ' ');
	map_key(&key, "", NULL, "c1");
	assert_string_equal(bh_buf_str(&key), "stripe:cus_1 stripe:acct_1/cus_1 c1");
	bh_buf_release(&key);
}

struct decimal_case {
	const char *text, *read; /* NULL: refused */
	int scale;
	const char *rounded;
};

static const struct decimal_case decimal_cases[] = {
    {"0", "0", 0, "0"},
    {"-0", "0", 0, "0"},
    {"-0.00", "0.00", 1, "0.0"},
    {"00012.340", "12.340", 2, "12.34"},
    {"5.", "5", 2, "5"},
    {".5", "0.5", 0, "1"},
    {"+1.4", "1.4", 0, "1"},
    {"999.995", "999.995", 2, "1000.00"},
    {"-999.995", "-999.995", 2, "-1000.00"},
    {"0.4999999999999999999999", "0.4999999999999999999999", 0, "0"},
    {"123456789012345678901234567890.5", "123456789012345678901234567890.5", 0,
	"123456789012345678901234567891"},
    {"", NULL, 0, NULL},
    {"-", NULL, 0, NULL},
    {".", NULL, 0, NULL},
    {"1.2.3", NULL, 0, NULL},
    {"1,5", NULL, 0, NULL},
    {"1e5", NULL, 0, NULL},
    {" 1", NULL, 0, NULL},
    {"--1", NULL, 0, NULL},
    {"0x10", NULL, 0, NULL},
    {"NaN", NULL, 0, NULL},
};

static void
test_decimals(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(decimal_cases); i++) {
		const struct decimal_case *c = &decimal_cases[i];
		struct bh_buf out = BH_BUF_INIT(1000), rounded = BH_BUF_INIT(1000);

		if (is_decimal_read(c->text, &out) != (c->read != NULL))
			fail_msg("%s: read or refused against expectation", c->text);
		if (c->read != NULL) {
			assert_string_equal(bh_buf_str(&out), c->read);
			decimal_round(c->read, c->scale, &rounded);
			assert_string_equal(bh_buf_str(&rounded), c->rounded);
		}
		bh_buf_release(&out);
		bh_buf_release(&rounded);
	}
	assert_int_equal(decimal_digits("-123.4"), 3);
	assert_int_equal(decimal_digits("0.4"), 0);
}

static const char *const field_words[FIELD__MAX] = {[FIELD_NONE] = "A",
    [FIELD_TEXT] = "text",
    [FIELD_ENUM] = "enum",
    [FIELD_URL] = "url",
    [FIELD_EMAIL] = "email",
    [FIELD_DATE] = "date",
    [FIELD_TIME] = "time",
    [FIELD_MONEY] = "money",
    [FIELD_DECIMAL] = "decimal",
    [FIELD_INT] = "int",
    [FIELD_BOOL] = "bool",
    [FIELD_JSON] = "json"};

/* The manual's JSON table says the same as the program's. */
static void
check_manual_table(const char *manual)
{
	const char *start = strstr(manual, "\n{\n  \"text\": {"), *end;
	struct bh_err err = BH_ERR_INIT;
	const struct transform *list;
	json_t *table;
	size_t n;

	assert_non_null(start);
	end = strstr(start, "\n.Ed");
	assert_non_null(end);
	if (bh_json_parse(start, (size_t)(end - start), &table, &err) < 0)
		fail_msg("%s", err.text);
	list = transform_list(&n);
	assert_int_equal(json_object_size(table), n);
	for (size_t i = 0; i < n; i++) {
		const json_t *entry = json_object_get(table, list[i].name),
			     *takes = json_object_get(entry, "takes");
		unsigned bits = 0;

		for (size_t k = 0; k < json_array_size(takes); k++) {
			for (int type = FIELD_NONE; type < FIELD__MAX; type++) {
				if (strcmp(field_words[type],
					json_string_value(json_array_get(takes, k))) == 0)
					bits |= type == FIELD_NONE ? (1u << FIELD__MAX) - 2
								   : TRANSFORM_TAKES(type);
			}
		}
		if (bits != list[i].takes ||
		    strcmp(bh_json_str(entry, "gives"), field_words[list[i].gives]) != 0)
			fail_msg("the manual is wrong on %s", list[i].name);
	}
	json_decref(table);
}

/* Every transform has a function that can be reached, and its line in the manual. */
static void
test_transforms(void **state BH_UNUSED)
{
	struct bh_buf manual = BH_BUF_INIT(1 << 20);
	char *path = unit_path("man/billhook-mapping.5"), chunk[4096], line[100];
	FILE *file = fopen(path, "re");
	const struct transform *list;
	size_t n, len;

	assert_non_null(file);
	while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bh_buf_add(&manual, chunk, len);
	fclose(file);
	check_manual_table(bh_buf_str(&manual));
	list = transform_list(&n);
	assert_true(n >= 20);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(transform_find(list[i].name, strlen(list[i].name)), &list[i]);
		assert_true((list[i].takes == 0) == (list[i].apply == NULL));
		snprintf(line, sizeof(line), "\n.It Cm %s\n", list[i].name);
		if (strstr(bh_buf_str(&manual), line) == NULL)
			fail_msg("%s is not in the manual", list[i].name);
	}
	for (int type = FIELD_NONE + 1; type < FIELD__MAX; type++)
		assert_true(
		    can_transform(transform_for((enum field_type)type), (enum field_type)type));
	free(path);
	bh_buf_release(&manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_customers),
	    cmocka_unit_test(test_subscriptions),
	    cmocka_unit_test(test_objects),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_decimals),
	    cmocka_unit_test(test_transforms),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
