/* What can be put back of the writes of one record: each case a line. */
#include "base/base.h"

#include "sync/undo_judge.h"
#include "unit.h"

static json_t *
json_of(const char *text)
{
	char *copy = bh_xstrdup(text);
	json_t *json = NULL;

	for (char *at = copy; *at != '\0'; at++)
		*at = *at == '\'' ? '"' : *at;
	if (bh_json_parse(copy, strlen(copy), &json, NULL) < 0)
		fail_msg("no JSON: %s", copy);
	free(copy);
	return json;
}

static void
each_case(void **state BH_UNUSED)
{
	static const struct {
		const char *what, *entries, *now, *verdict, *back;
	} cases[] = {
	    {"one write", "[{'f':{'P':{'t':0,'b':'+1','a':'wrong'}}}]", "{'P':'wrong'}", "back",
		"\"+1\""},
	    {"nothing stood there", "[{'f':{'P':{'t':0,'b':null,'a':'wrong'}}}]", "{'P':'wrong'}",
		"back", "null"},
	    {"it was cleared", "[{'f':{'P':{'t':0,'b':'+1','a':null}}}]", "{'P':null}", "back",
		"\"+1\""},
	    {"a person changed it since", "[{'f':{'P':{'t':0,'b':'+1','a':'wrong'}}}]",
		"{'P':'+2'}", "changed", "\"+1\""},
	    {"a person cleared it since", "[{'f':{'P':{'t':0,'b':'+1','a':'wrong'}}}]",
		"{'P':null}", "changed", "\"+1\""},
	    {"a person put it back", "[{'f':{'P':{'t':0,'b':'+1','a':'wrong'}}}]", "{'P':'+1'}",
		"same", "\"+1\""},
	    {"the CRM trims it", "[{'f':{'P':{'t':0,'b':'x','a':' Wrong '}}}]", "{'P':'Wrong'}",
		"back", "\"x\""},
	    {"the CRM lowers an address", "[{'f':{'P':{'t':0,'b':'x','a':'Ada@Example.com'}}}]",
		"{'P':'ada@example.com'}", "back", "\"x\""},
	    {"a person wrote it in other letters", "[{'f':{'P':{'t':0,'b':'x','a':'Wrong'}}}]",
		"{'P':'WRONG'}", "changed", "\"x\""},
	    {"numbers are numbers", "[{'f':{'P':{'t':1,'b':'7','a':'12.50'}}}]", "{'P':'12.5'}",
		"back", "\"7\""},
	    {"false is as good as nothing", "[{'f':{'P':{'t':2,'b':false,'a':true}}}]",
		"{'P':null}", "same", "false"},
	    {"several writes: the first value",
		"[{'f':{'P':{'t':0,'b':'+1','a':'a'}}},{'f':{'P':{'t':0,'b':'a','a':'b'}}},"
		"{'f':{'P':{'t':0,'b':'b','a':'c'}}}]",
		"{'P':'c'}", "back", "\"+1\""},
	    {"the one between has gone",
		"[{'f':{'P':{'t':0,'b':'+1','a':'a'}}},{'f':{'P':{'t':0,'b':'b','a':'c'}}}]",
		"{'P':'c'}", "back", "\"b\""},
	    {"a person in between",
		"[{'f':{'P':{'t':0,'b':'+1','a':'a'}}},{'f':{'P':{'t':0,'b':'+9','a':'c'}}}]",
		"{'P':'c'}", "back", "\"+9\""},
	    {"a person after the first write only",
		"[{'f':{'P':{'t':0,'b':'+1','a':'a'}}},{'f':{'Q':{'t':0,'b':'x','a':'y'}}}]",
		"{'P':'+5','Q':'y'}", "changed", "\"+1\""},
	    {"there and back again",
		"[{'f':{'P':{'t':0,'b':'+1','a':'a'}}},{'f':{'P':{'t':0,'b':'a','a':'+1'}}}]",
		"{'P':'+1'}", "same", "\"+1\""},
	    {"what stood there is not known", "[{'f':{'P':{'t':0,'a':'a'}}}]", "{'P':'a'}",
		"unknown", ""},
	    {"what was written is not known", "[{'f':{'P':{'t':0,'b':'a'}}}]", "{'P':'x'}",
		"unknown", "\"a\""},
	    {"known from the second write on",
		"[{'f':{'P':{'t':0,'a':'a'}}},{'f':{'P':{'t':0,'b':'a','a':'b'}}}]", "{'P':'b'}",
		"back", "\"a\""},
	    {"it cannot be read any more", "[{'f':{'P':{'t':0,'b':'+1','a':'a'}}}]", "{}", "unseen",
		"\"+1\""},
	    {"too long to be kept", "[{'cut':['P']}]", "{'P':'x'}", "unknown", ""},
	    {"too long once", "[{'f':{'P':{'t':0,'b':'+1','a':'a'}}},{'cut':['P']}]", "{'P':'a'}",
		"unknown", "\"+1\""},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *entries = json_of(cases[i].entries), *now = json_of(cases[i].now);
		json_t *names = undo_names(entries);
		struct undo_field *fields = undo_judge(entries, names, now);
		char *back = fields[0].back != NULL ? bh_json_text(fields[0].back) : bh_xstrdup("");

		if (strcmp(undo_verdict_name(fields[0].verdict), cases[i].verdict) != 0 ||
		    strcmp(back, cases[i].back) != 0)
			fail_msg("%s: %s %s", cases[i].what, undo_verdict_name(fields[0].verdict),
			    back);
		free(back);
		free(fields);
		json_decref(names);
		json_decref(now);
		json_decref(entries);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_case)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
