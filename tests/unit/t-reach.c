/* Which fields of a customer reach the records of its objects (sync/reach.h), and what records were tied to (sync/tie.h). */
#include "base/base.h"

#include "sync/reach.h"
#include "sync/tie.h"
#include "unit.h"

/* JSON with ' for ". */
static json_t *
parse(const char *text)
{
	char *json = bh_xstrdup(text);
	json_t *value;

	for (char *c = json; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(json, 0, NULL);
	assert_non_null(value);
	free(json);
	return value;
}

#define CUSTOMER(more) "{'name':'c','from':'customer'" more "}"
#define INVOICE(more)                                                                              \
	"{'name':'i','from':'invoice','parents':[{'object':'c','id':'customer'}]" more "}"

static const struct {
	const char *name, *objects;
	const char *reached; /* names; NULL none */
} mappings[] = {
    {"nothing",
	CUSTOMER(",'fields':[{'to':'N','from':'name'}]") "," INVOICE(
	    ",'fields':[{'to':'T','from':'total'}]"),
	NULL},
    {"a field", CUSTOMER("") "," INVOICE(",'fields':[{'to':'N','from':'customer.name'}]"),
	"{'name':true}"},
    {"templates, of lists, too",
	CUSTOMER("") "," INVOICE(
	    ",'fields':[{'to':'N','from':['{number} {customer.email|host}','customer.metadata.tier'],'default':'{customer.name}'}]"),
	"{'email':true,'metadata':true,'name':true}"},
    {"what looks like one is none",
	CUSTOMER("") "," INVOICE(",'fields':[{'to':'N','value':'for customer.name'}]"), NULL},
    {"the filter that makes it nobody's parent",
	CUSTOMER(",'if':{'any':[{'field':'type','in':[1]},{'all':[{'field':'currency','is':2}]}]}") "," INVOICE(
	    ""),
	"{'type':true,'currency':true}"},
    {"a key of its own", CUSTOMER(",'key_from':'domain:{email|company_domain}'") "," INVOICE(""),
	"{'domain':true,'email':true}"},
    {"of nobody's parent", CUSTOMER(",'key_from':'{email}'"), NULL},
    {"two of one kind see the same object",
	CUSTOMER(
	    ",'key_from':'{email}'") ",{'name':'d','from':'customer','parents':[{'object':'c'}]}",
	NULL},
};

static void
test_fields(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(mappings); i++) {
		char *text = bh_xasprintf("{'objects':[%s]}", mappings[i].objects);
		json_t *mapping = parse(text), *reached = reach_fields(mapping);
		json_t *wanted = mappings[i].reached != NULL ? parse(mappings[i].reached) : NULL;

		if (wanted == NULL ? reached != NULL : !json_equal(reached, wanted))
			fail_msg("%s", mappings[i].name);
		json_decref(wanted);
		json_decref(reached);
		json_decref(mapping);
		free(text);
	}
}

static const struct {
	const char *name, *told_before, *told, *derived_before, *derived;
	bool is_changed;
} changes[] = {
    {"another field", "{'type':'company','name':'A'}", "{'type':'company','name':'B'}", NULL, NULL,
	false},
    {"this field", "{'type':'company'}", "{'type':'individual'}", NULL, NULL, true},
    {"it is known now", NULL, "{'type':'individual'}", NULL, NULL, true},
    {"it is not known any more", "{'type':'company'}", "{'type':null}", NULL, NULL, true},
    {"it never was", NULL, "{'name':'A'}", NULL, NULL, false},
    {"a figure", NULL, NULL, "{'mrr':1}", "{'mrr':2}", true},
    {"another figure", NULL, NULL, "{'mrr':1,'arr':1}", "{'mrr':1,'arr':2}", false},
};

static void
test_changed(void **state BH_UNUSED)
{
	json_t *names = parse("{'type':true,'mrr':true}");

	for (size_t i = 0; i < BH_LEN(changes); i++) {
		struct working_object customer = {.is_changed = changes[i].told != NULL,
		    .is_fields_changed = changes[i].derived != NULL};

		if (changes[i].told_before != NULL)
			customer.told_before = parse(changes[i].told_before);
		if (changes[i].told != NULL)
			customer.object.fields = parse(changes[i].told);
		if (changes[i].derived_before != NULL)
			customer.fields_before = parse(changes[i].derived_before);
		if (changes[i].derived != NULL)
			customer.fields = parse(changes[i].derived);
		if (is_reach_changed(names, &customer) != changes[i].is_changed)
			fail_msg("%s", changes[i].name);
		assert_false(is_reach_changed(NULL, &customer));
		json_decref(customer.told_before);
		json_decref(customer.object.fields);
		json_decref(customer.fields_before);
		json_decref(customer.fields);
	}
	json_decref(names);
}

static const struct {
	const char *before, *parents[3], *tied, *formers;
} ties[] = {
    {"", {"companies 1"}, "companies 1\n", ""},
    {"companies 1\n", {"companies 1"}, "companies 1\n", ""},
    {"companies 1\n", {"contacts 1"}, "contacts 1\n", "companies 1;"},
    {"companies 1\ndeals 7\n", {"deals 7", "companies 12"}, "deals 7\ncompanies 12\n",
	"companies 1;"},
    {"companies 1\ndeals 7\n", {NULL}, "", "companies 1;deals 7;"},
    /* What cannot have been written so is left alone. */
    {"companies\nx", {NULL}, "", ""},
};

static void
test_ties(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(ties); i++) {
		struct bh_buf formers = BH_BUF_INIT(1000);
		struct render_item item = {.record = record_new("2-1", "k", "key")};

		snprintf(item.link.tied, sizeof(item.link.tied), "%s", ties[i].before);
		for (size_t k = 0; k < 3 && ties[i].parents[k] != NULL; k++) {
			char *object = bh_xstrdup(ties[i].parents[k]), *id = strchr(object, ' ');

			*id++ = '\0';
			record_add_parent(item.record, "", object, "k", "p")->remote_id =
			    bh_xstrdup(id);
			free(object);
		}
		tie_note(&item);
		for (size_t k = 0; k < item.record->formers_n; k++)
			bh_buf_addf(&formers, "%s %s;", item.record->formers[k].object,
			    item.record->formers[k].remote_id);
		assert_string_equal(item.tied, ties[i].tied);
		assert_string_equal(bh_buf_str(&formers), ties[i].formers);
		bh_buf_release(&formers);
		record_free(&item.record);
	}
}

/* No answer came: it may be tied to either. */
static void
test_doubtful_ties(void **state BH_UNUSED)
{
	struct render_item item = {.link.tied = "companies 1\ndeals 7\n",
	    .tied = "deals 7\ncontacts 2\n"};

	tie_doubt(&item);
	assert_string_equal(item.link.tied, "companies 1\ndeals 7\ncontacts 2\n");
	tie_doubt(&item);
	assert_string_equal(item.link.tied, "companies 1\ndeals 7\ncontacts 2\n");
}

/* More parents than can be kept: those that fit are, whole. */
static void
test_many_ties(void **state BH_UNUSED)
{
	struct render_item item = {.record = record_new("2-1", "k", "key")};
	char object[101];

	memset(object, 'o', 100);
	object[100] = '\0';
	for (int i = 0; i < 8; i++)
		record_add_parent(item.record, "", object, "k", "p")->remote_id =
		    bh_xstrdup("123456789");
	tie_note(&item);
	assert_int_equal(strlen(item.tied), 4 * (100 + 1 + 9 + 1));
	memcpy(item.link.tied, item.tied, sizeof(item.tied));
	tie_note(&item);
	assert_int_equal(item.record->formers_n, 0);
	record_free(&item.record);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_changed),
	    cmocka_unit_test(test_ties),
	    cmocka_unit_test(test_doubtful_ties),
	    cmocka_unit_test(test_many_ties),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
