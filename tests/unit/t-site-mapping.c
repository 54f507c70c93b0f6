/* web/page_mapping*, mapping*: the mapping of a sync in the browser. */
#include "mapping-unit.h"

#define ALL "/syncs/main/mapping"
#define CUSTOMER ALL "/customer"

/* -- helpers -- */

static struct browser
open_at(struct world *world, const char *user, const char *uri)
{
	struct browser browser = open_browser(world);

	sign_in(&browser, user);
	ask(&browser, "GET", uri, NULL);
	assert_int_equal(browser.status, 200);
	return browser;
}

static void
look(struct browser *browser, const char *uri, int status)
{
	ask(browser, "GET", uri, NULL);
	if (browser->status != status)
		fail_msg("%s: %d: %s", uri, browser->status, browser->body);
}

static void
send(struct browser *browser, const char *uri, const char *fields, int status)
{
	/* An answer without a page has no form's token. */
	if (browser->token[0] == '\0')
		look(browser, ALL, 200);
	post(browser, uri, fields);
	if (browser->status != status)
		fail_msg("%s %s: %d: %s", uri, fields, browser->status, browser->body);
}

static void
lacks(const struct browser *browser, const char *part)
{
	if (strstr(browser->body, part) != NULL)
		fail_msg("\"%s\" is in: %s", part, browser->body);
}

/* The value of a hidden field of the form that is open; percent-encoded enough for digests. */
static void
hidden(const struct browser *browser, const char *after, const char *name, char *value, size_t size)
{
	const char *at = strstr(browser->body, after);
	char *mark = bh_xasprintf("name=\"%s\" value=\"", name);

	at = at != NULL ? strstr(at, mark) : NULL;
	if (at == NULL)
		fail_msg("no %s behind %s in: %s", name, after, browser->body);
	at += strlen(mark);
	snprintf(value, size, "%.*s", (int)strcspn(at, "\""), at);
	free(mark);
}

/* Opens a form of the customer's page and posts it with what it began from. */
static void
change(struct browser *browser, const char *edit, const char *fields, int status)
{
	char uri[200], seen[40] = "", place[16] = "", *form;

	snprintf(uri, sizeof(uri), CUSTOMER "?edit=%s", edit);
	look(browser, uri, 200);
	if (strcmp(edit, "create") != 0)
		hidden(browser, "name=\"sample\" value", "seen", seen, sizeof(seen));
	if (strncmp(edit, "row", 3) == 0 || strncmp(edit, "rule", 4) == 0)
		hidden(browser, "name=\"sample\" value", "place", place, sizeof(place));
	form = bh_xasprintf("seen=%s&place=%s&%s", seen, place, fields);
	send(browser, CUSTOMER, form, status);
	free(form);
}

static const json_t *
row_of(const json_t *mapping, const char *path)
{
	return bh_json_at(mapping, path);
}

/* Where the row of a CRM field stands, for "edit=row-N". */
static size_t
place_of(struct world *world, const char *to)
{
	json_t *mapping = mapping_stored(world), *rows = bh_json_at(mapping, "objects.0.fields");
	size_t i, found = 999;

	for (i = 0; i < json_array_size(rows) && found == 999; i++)
		if (strcmp(bh_json_str(json_array_get(rows, i), "to"), to) == 0)
			found = i;
	json_decref(mapping);
	return found;
}

static const char *
edit_of(struct world *world, const char *to)
{
	static char edit[32];

	snprintf(edit, sizeof(edit), "row-%zu", place_of(world, to));
	return edit;
}

static bool
has_trail(struct world *world, const char *part)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *entries, *entry;
	bool has = false;
	size_t i;

	assert_int_equal(trail_list(txn, 0, 20, &entries, NULL), 0);
	json_array_foreach (entries, i, entry)
		has = has || strstr(bh_json_str(entry, "text"), part) != NULL;
	json_decref(entries);
	store_free(&txn);
	return has;
}

/* Is what is synced already looked at again? */
static bool
is_resynced(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct walk walk;
	bool is;

	assert_true(walk_load(txn, "main", WALK_RESYNC, &walk, NULL) >= 0);
	is = walk.state == WALK_RUNNING;
	walk_release(&walk);
	store_free(&txn);
	return is;
}

/* -- looking -- */

static void
test_overview(void **state)
{
	struct world *world = *state;
	struct browser browser;

	mapping_fill(world);
	browser = open_at(world, "vic", ALL);
	assert_page(&browser, "href=\"/syncs/main/mapping/customer\">customer</a>");
	assert_page(&browser, "<code>companies</code>");
	assert_page(&browser, "deals is off");
	assert_page(&browser, "custom_objects is on");
	assert_page(&browser,
	    "the web address in domain is at the host of {website|company_domain}");
	assert_page(&browser, "a new record is made (by the setting create_customers)");
	lacks(&browser, "Draft:");
	lacks(&browser, "<textarea");
	look(&browser, "/syncs/none/mapping", 404);
	look(&browser, ALL "/none", 404);
	/* A record leads to the object that is made of it. */
	look(&browser, ALL "?id=in_1", 303);
	assert_string_equal(browser.location, "/syncs/main/mapping/invoice?sample=in_1");
	look(&browser, ALL "?id=in_2", 200);
	assert_page(&browser, "Nothing that this mapping uses has this id.");
	look(&browser, ALL "/status.json", 200);
	assert_page(&browser, "\"newest\"");
	close_browser(&browser);
}

static void
test_sample(void **state)
{
	struct world *world = *state;
	struct browser browser;
	json_t *mapping;

	mapping_fill(world);
	mapping_describe(world);
	mapping = mapping_read_preset("stripe-hubspot");
	json_array_append_new(bh_json_at(mapping, "objects.0.fields"),
	    json_pack("{s:s, s:s, s:s}", "to", "jobtitle", "from", "name", "on", "contacts"));
	mapping_put_sync(world, mapping, "stripe-hubspot");
	browser = open_at(world, "ada", CUSTOMER);
	assert_page(&browser, "Values of <b>Ada &quot;&lt;script&gt;alert(1)");
	assert_page(&browser, "<td class=\"value\">Graz</td>");
	/* Amounts in major units; the CRM describes this one as a date. */
	assert_page(&browser, "it takes dates");
	/* Longer than the field. */
	assert_page(&browser, "too long for 20 characters: it is cut");
	assert_page(&browser, "Company &lt;name&gt; · text, 20");
	assert_page(&browser, "companies has no field of this name");
	/* Rows of the other object. */
	assert_page(&browser, "only in contacts");
	assert_page(&browser, "not written here");
	assert_page(&browser, "domain is example.com");
	assert_page(&browser, "which no row fills: must.");
	lacks(&browser, "<script>alert");
	look(&browser, CUSTOMER "?sample=cus_2", 200);
	assert_page(&browser, "Billhook holds no customer of this id.");
	assert_page(&browser, "value=\"cus_2\"");
	look(&browser, ALL "/invoice?sample=in_1", 200);
	assert_page(&browser, "INV-1");
	assert_page(&browser, "50.00");
	look(&browser, ALL "/invoice_line", 200);
	assert_page(&browser, "Plan");
	assert_page(&browser, "in_1/il_1");
	assert_page(&browser,
	    "Switched off by the sync's settings: custom_objects is on, invoice_lines is off");
	close_browser(&browser);
}

static void
test_lists(void **state)
{
	struct world *world = *state;
	struct browser browser;

	mapping_fill(world);
	mapping_describe(world);
	browser = open_at(world, "ada", CUSTOMER);
	lacks(&browser, "<datalist");
	look(&browser, CUSTOMER "?edit=row-new", 200);
	assert_page(&browser, "<option value=\"email\">Billing e-mail</option>");
	assert_page(&browser, "<option value=\"city\">City · text</option>");
	lacks(&browser, "value=\"secret_note\"");
	assert_page(&browser, "company_domain: The host without www.");
	look(&browser, ALL "/invoice?edit=row-new", 200);
	assert_page(&browser, "<option value=\"customer.email\">Customer: Billing e-mail</option>");
	close_browser(&browser);
	/* Who may not change anything gets no form. */
	browser = open_at(world, "oda", CUSTOMER "?edit=row-0");
	lacks(&browser, "class=\"edit\"");
	lacks(&browser, "<datalist");
	close_browser(&browser);
}

/* -- rows -- */

static void
test_row(void **state)
{
	struct world *world = *state;
	struct browser browser;
	json_t *draft;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	change(&browser, edit_of(world, "city"),
	    "do=row&to=city&kind=from&source=address_city&as=upper&when=always&empty=keep", 303);
	assert_true(strstr(browser.location, CUSTOMER "?done=draft#row-") != NULL);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser, "<td class=\"value\">GRAZ</td>");
	assert_page(&browser, "Draft: 1 change, not in use");
	assert_page(&browser, "as upper");
	assert_page(&browser, "href=\"/syncs/main/preview\"");
	/* Back as it was: there is no draft any more. */
	change(&browser, edit_of(world, "city"),
	    "do=row&to=city&kind=from&source=address_city&as=&when=if_unchanged&empty=keep", 303);
	draft = mapping_draft(world);
	assert_null(draft);
	/* A new one, with all that a row can say. */
	change(&browser, "row-new",
	    "new=1&do=row&to=x_list&kind=from&source=%5B%22name%22%2C+%22email%22%5D&as=join&with=%22+-+%22"
	    "&default=%5B%22%7Bemail%7D%22%2C+%22none%22%5D&on=companies%2C+contacts&when=if_empty&empty=keep",
	    303);
	draft = mapping_draft(world);
	assert_int_equal(json_array_size(bh_json_at(draft, "objects.0.fields")),
	    place_of(world, "country") + 2);
	json_decref(draft);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser, "ada@example.com");
	assert_page(&browser,
	    "the CRM; written only while it is empty; only in companies, contacts; an empty value leaves it alone");
	close_browser(&browser);
}

/* What was typed is shown again with the sentence about it, and the draft stays as it was. */
/* What is typed is tried on the sample, by the script's route and by the button; nothing is stored. */
static void
test_row_tried(void **state)
{
	static const struct {
		const char *fields, *state, *text;
	} cases[] = {
	    {"to=city&kind=from&source=address_city&as=upper&empty=keep", "good", "GRAZ"},
	    {"to=city&kind=value&source=%3Cb%3E&empty=keep", "good", "<b>"},
	    {"to=city&kind=from&source=address_<b>&empty=keep", "bad", "address_<b>"},
	    {"to=city&kind=from&source=%7Bname&empty=keep", "bad", ""},
	    {"to=city&kind=json&source=%5B&empty=keep", "bad", ""},
	    {"to=city&kind=from&source=description&empty=keep", "idle", ""},
	};
	struct world *world = *state;
	struct browser browser;
	json_t *draft, *tried;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER "?edit=row-0");
	assert_page(&browser, "data-try=\"" CUSTOMER "/try.json\"");
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char *fields = bh_xasprintf("new=1&sample=&%s", cases[i].fields);

		look(&browser, CUSTOMER, 200);
		post(&browser, CUSTOMER "/try.json", fields);
		assert_int_equal(browser.status, 200);
		assert_int_equal(bh_json_parse(browser.body, strlen(browser.body), &tried, NULL),
		    0);
		if (strcmp(bh_json_str(tried, "state"), cases[i].state) != 0 ||
		    strstr(bh_json_str(tried, "text"), cases[i].text) == NULL)
			fail_msg("%s: %s", cases[i].fields, browser.body);
		json_decref(tried);
		free(fields);
	}
	/* The page again, with what was typed in its form. */
	change(&browser, edit_of(world, "city"),
	    "do=row-try&to=city&kind=value&source=%3Ci%3ETyped&as=&when=always&empty=keep", 200);
	assert_page(&browser,
	    "<output class=\"state\" data-state=\"good\">&lt;i&gt;Typed</output>");
	assert_page(&browser, "value=\"&lt;i&gt;Typed\"");
	lacks(&browser, "not in use");
	draft = mapping_draft(world);
	assert_null(draft);
	/* A sample that is not there, an object that is not. */
	look(&browser, CUSTOMER, 200);
	post(&browser, CUSTOMER "/try.json", "new=1&sample=none&to=city&kind=value&source=x");
	assert_page(&browser, "there is no record to show");
	look(&browser, CUSTOMER, 200);
	post(&browser, ALL "/nothing/try.json", "new=1&to=city&kind=value&source=x");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
}

/* Where somebody changed the row meanwhile, the button says so as the others do. */
static void
test_row_tried_late(void **state)
{
	struct world *world = *state;
	struct browser browser, other;
	char seen[40], *form;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	ask(&browser, "GET", CUSTOMER "?edit=row-0", NULL);
	hidden(&browser, "class=\"edit\"", "seen", seen, sizeof(seen));
	form = bh_xasprintf("do=row-try&to=x&kind=value&source=y&place=0&was=name&seen=%s0", seen);
	other = open_at(world, "ada", CUSTOMER);
	send(&browser, CUSTOMER, form, 409);
	assert_page(&browser, "changed it meanwhile");
	free(form);
	close_browser(&browser);
	close_browser(&other);
}

static void
test_row_refused(void **state)
{
	static const struct {
		const char *fields, *error;
	} cases[] = {
	    {"do=row&to=city&kind=from&source=no_such", "customer has no field &#39;no_such&#39;"},
	    {"do=row&to=city&kind=from&source=%7Bname", "brace"},
	    {"do=row&to=&kind=from&source=name", "Say which field of the CRM."},
	    {"do=row&to=city&kind=from&source=", "Say where the value comes from"},
	    {"do=row&to=city&kind=from&source=name&as=warp", "unknown transform &#39;warp&#39;"},
	    {"do=row&to=city&kind=from&source=name&as=date&when=sometimes", "when is always"},
	    {"do=row&to=city&kind=json&source=%7B%7D", "value is a text"},
	    {"do=row&to=city&kind=json&source=1%2C2", "must be a whole number"},
	    {"do=row&to=city&kind=from&source=name&enum=a%0Ab+%3D+c",
		"line 1 has no &quot;=&quot;"},
	    {"do=row&to=city&kind=from&source=name&enum=%7B%22a%22", "Table of words"},
	    {"do=row&to=billhook_customer_id&kind=from&source=id", "the key is written by itself"},
	    {"do=row&to=zip&kind=from&source=name", "writes it already"},
	};
	struct world *world = *state;
	struct browser browser;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		change(&browser, edit_of(world, "city"), cases[i].fields, 400);
		assert_page(&browser, cases[i].error);
		assert_page(&browser, "role=\"alert\"");
		assert_page(&browser,
		    "<form method=\"post\" action=\"/syncs/main/mapping/customer\" class=\"edit\" data-try=\"" CUSTOMER
		    "/try.json\" aria-label=\"Field city\">");
		assert_null(mapping_draft(world));
	}
	change(&browser, edit_of(world, "city"),
	    "do=row&to=%22%3E%3Cscript%3E&kind=from&source=%22%3E%3Cscript%3E", 400);
	assert_page(&browser, "value=\"&quot;&gt;&lt;script&gt;\"");
	lacks(&browser, "<script>");
	send(&browser, CUSTOMER, "do=explode", 404);
	close_browser(&browser);
}

static void
test_row_order(void **state)
{
	struct world *world = *state;
	struct browser browser;
	json_t *draft;
	size_t zip;

	mapping_fill(world);
	zip = place_of(world, "zip");
	browser = open_at(world, "ada", CUSTOMER);
	change(&browser, edit_of(world, "zip"), "do=row-up", 303);
	draft = mapping_draft(world);
	assert_string_equal(bh_json_str(json_array_get(bh_json_at(draft, "objects.0.fields"),
					    zip - 1),
				"to"),
	    "zip");
	json_decref(draft);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser, "order of the fields");
	change(&browser, "row-0", "do=row-up", 303); /* it is at the top */
	change(&browser, "row-0", "do=row-drop", 303);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser, "Draft: 2 changes");
	assert_page(&browser, "<td>removed</td><td>the text Stripe</td>");
	close_browser(&browser);
}

/* -- two people -- */

static void
test_two_people(void **state)
{
	struct world *world = *state;
	struct browser ada, bob;
	char seen[40], *form;
	json_t *draft;

	mapping_fill(world);
	ada = open_at(world, "ada", CUSTOMER);
	bob = open_at(world, "ada", CUSTOMER);
	look(&ada, CUSTOMER "?edit=row-1", 200);
	hidden(&ada, "name=\"sample\" value", "seen", seen, sizeof(seen));
	/* Another row is removed above it: the form still finds its own. */
	change(&bob, "row-0", "do=row-drop", 303);
	form = bh_xasprintf("seen=%s&place=1&was=billhook_source_customer_id&do=row"
			    "&to=billhook_source_customer_id&kind=from&source=external_id",
	    seen);
	send(&ada, CUSTOMER, form, 303);
	draft = mapping_draft(world);
	assert_string_equal(bh_json_str(row_of(draft, "objects.0.fields.0"), "from"),
	    "external_id");
	json_decref(draft);
	/* The same row: nothing is stored, both are shown, and the next try replaces it. */
	send(&ada, CUSTOMER, form, 409);
	free(form);
	assert_page(&ada, "ada changed it meanwhile. Now it is: external_id");
	hidden(&ada, "name=\"sample\" value", "seen", seen, sizeof(seen));
	form = bh_xasprintf("seen=%s&place=0&was=billhook_source_customer_id&do=row"
			    "&to=billhook_source_customer_id&kind=from&source=email",
	    seen);
	send(&ada, CUSTOMER, form, 303);
	free(form);
	/* It is gone: what was typed becomes a new one, not another row's. */
	look(&ada, CUSTOMER "?edit=row-0", 200);
	hidden(&ada, "name=\"sample\" value", "seen", seen, sizeof(seen));
	change(&bob, "row-0", "do=row-drop", 303);
	form = bh_xasprintf("seen=%s&place=0&was=billhook_source_customer_id&do=row"
			    "&to=billhook_source_customer_id&kind=from&source=name",
	    seen);
	send(&ada, CUSTOMER, form, 409);
	assert_page(&ada, "Now it is: gone");
	assert_page(&ada, "aria-label=\"New field\"");
	free(form);
	close_browser(&ada);
	close_browser(&bob);
}

/* -- filter, rules, the rest -- */

static void
test_filter(void **state)
{
	struct world *world = *state;
	struct browser browser;
	json_t *draft, *wanted, *mapping = mapping_read_preset("stripe-hubspot");

	mapping_fill(world);
	json_object_del(bh_json_at(mapping, "objects.0"), "if");
	mapping_put_sync(world, mapping, "stripe-hubspot");
	browser = open_at(world, "ada", CUSTOMER);
	assert_page(&browser, "All of them.");
	change(&browser, "filter",
	    "do=filter&mode=all&field.0=currency&op.0=in&value.0=EUR%2C+USD&field.1=delinquent&op.1=is&value.1=no"
	    "&field.2=balance&op.2=not_in&value.2=0%2C+%28empty%29",
	    303);
	draft = mapping_draft(world);
	wanted = json_pack("{s:[{s:s, s:[ss]}, {s:s, s:b}, {s:s, s:[in]}]}", "all", "field",
	    "currency", "in", "EUR", "USD", "field", "delinquent", "is", 0, "field", "balance",
	    "not_in", 0);
	assert_true(json_equal(bh_json_at(draft, "objects.0.if"), wanted));
	json_decref(wanted);
	json_decref(draft);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser,
	    "Those of which currency is one of EUR, USD and delinquent is no and balance is none of 0, (empty).");
	assert_page(&browser, "The sample is none of them.");
	/* It is shown as it was typed. */
	look(&browser, CUSTOMER "?edit=filter", 200);
	assert_page(&browser, "value=\"EUR, USD\"");
	assert_page(&browser, "value=\"0, (empty)\"");
	change(&browser, "filter", "do=filter&mode=any&field.0=balance&op.0=is&value.0=12.50", 400);
	assert_page(&browser, "is no whole number; amounts are typed in minor units");
	assert_page(&browser, "value=\"12.50\"");
	change(&browser, "filter", "do=filter&mode=any&field.0=nope&op.0=is&value.0=1", 400);
	assert_page(&browser, "has no field &#39;nope&#39;");
	/* Deeper ones are JSON. */
	change(&browser, "filter-json",
	    "do=filter-json&json=%7B%22any%22%3A+%5B%7B%22all%22%3A+%5B%7B%22field%22%3A+%22currency%22%2C+%22is%22%3A+%22EUR%22%7D%5D%7D%5D%7D",
	    303);
	look(&browser, CUSTOMER "?edit=filter", 200);
	assert_page(&browser, "Filter, as JSON");
	change(&browser, "filter-json", "do=filter-json&json=%7B%22any%22", 400);
	change(&browser, "filter-json", "do=filter-json&json=%5B%5D", 400);
	/* And gone again. */
	look(&browser, CUSTOMER "?edit=filter-json", 200);
	change(&browser, "filter-json", "do=filter-json&json=", 303);
	assert_null(mapping_draft(world));
	close_browser(&browser);
}

static void
test_rules(void **state)
{
	struct world *world = *state;
	struct browser browser;
	json_t *draft;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	change(&browser, "rule-2", "do=rule-up", 303);
	assert_true(strstr(browser.location, "edit=rule-1#rule-1") != NULL);
	change(&browser, "rule-new",
	    "new=1&do=rule&by=value&to=name&from=name&to2=country&from2=address_country&as2=country&on=companies",
	    303);
	draft = mapping_draft(world);
	assert_string_equal(bh_json_str(draft, "objects.0.match.1.by"), "domain");
	assert_string_equal(bh_json_str(draft, "objects.0.match.4.fields.1.as"), "country");
	assert_string_equal(bh_json_str(draft, "objects.0.match.4.fields.1.on"), "companies");
	json_decref(draft);
	look(&browser, CUSTOMER "?edit=rule-4", 200);
	assert_page(&browser, "id=\"rule-to2\" name=\"to2\" list=\"crm-fields\" value=\"country\"");
	change(&browser, "rule-4", "do=rule&by=domain&to=&from=name", 400);
	assert_page(&browser, "to is the name of a CRM field");
	change(&browser, "rule-4", "do=rule&by=id&from=", 400);
	change(&browser, "rule-4", "do=rule-drop", 303);
	change(&browser, "create", "do=create&create=wait", 303);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser, "looked for again once an hour");
	change(&browser, "create", "do=create&create=perhaps", 400);
	assert_page(&browser, "create is yes, no or wait");
	close_browser(&browser);
}

static void
test_rest(void **state)
{
	struct world *world = *state;
	struct browser browser;
	json_t *draft;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	change(&browser, "rest",
	    "do=rest&json=%7B%22name%22%3A%22customer%22%2C%22from%22%3A%22customer%22%2C%22to%22%3A%22contacts%22%2C%22key%22%3A%22k%22%7D",
	    303);
	draft = mapping_draft(world);
	assert_string_equal(bh_json_str(draft, "objects.0.to"), "contacts");
	assert_null(bh_json_at(draft, "objects.0.urgent"));
	assert_int_equal(json_array_size(bh_json_at(draft, "objects.0.match")), 4);
	json_decref(draft);
	change(&browser, "rest", "do=rest&json=%7B%22fields%22%3A%5B%5D%7D", 400);
	assert_page(&browser, "has a form of its own");
	change(&browser, "rest", "do=rest&json=%7B%22name%22%3A%22customer%22%7D", 400);
	assert_page(&browser, "from is a text");
	change(&browser, "rest", "do=rest&json=nonsense", 400);
	/* The preset's object again. */
	send(&browser, CUSTOMER, "do=restore", 303);
	assert_null(mapping_draft(world));
	close_browser(&browser);
}

/* -- the whole -- */

static void
test_objects(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char uri[80];
	json_t *draft;

	mapping_fill(world);
	browser = open_at(world, "ada", ALL);
	assert_page(&browser, "It is the preset “Stripe to HubSpot”, unchanged.");
	/* Others hang below it. */
	send(&browser, ALL, "do=drop-object&segment=customer", 400);
	assert_page(&browser, "there is no object &#39;customer&#39;");
	send(&browser, ALL, "do=drop-object&segment=payment", 303);
	look(&browser, ALL, 200);
	assert_page(&browser, "Put payment of the preset back");
	send(&browser, ALL, "do=add-object&name=%3Cb%3E&from=refund&to=deals&key=k", 303);
	look(&browser, ALL, 200);
	assert_page(&browser, ">&lt;b&gt;</a>");
	lacks(&browser, "<b>&lt;");
	/* Its name is no part of a path. */
	draft = mapping_draft(world);
	snprintf(uri, sizeof(uri), ALL "/@%zu", json_array_size(bh_json_at(draft, "objects")) - 1);
	json_decref(draft);
	look(&browser, uri, 200);
	assert_page(&browser, "No field is mapped yet.");
	send(&browser, ALL, "do=put-back&object=payment", 303);
	send(&browser, ALL, "do=put-back&object=payment", 400);
	send(&browser, ALL, "do=add-object&name=customer&from=refund&to=deals&key=k", 400);
	assert_page(&browser, "two objects are named &#39;customer&#39;");
	send(&browser, ALL, "do=add-object&name=x&from=refund&to=&key=k", 400);
	send(&browser, ALL, "do=restore", 303);
	assert_null(mapping_draft(world));
	close_browser(&browser);
}

/* Posts a text as a file. */
static void
import(struct browser *browser, const char *text, int status)
{
	struct bh_buf form = BH_BUF_INIT(1 << 20);

	look(browser, ALL, 200);
	bh_buf_adds(&form, "do=import&file=");
	bh_percent_add(&form, text, strlen(text));
	send(browser, ALL, bh_buf_str(&form), status);
	bh_buf_release(&form);
}

static void
test_file(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char *file, *at;
	json_t *draft, *stored, *read;

	mapping_fill(world);
	browser = open_at(world, "ada", ALL);
	/* What is exported is what is stored. */
	look(&browser, ALL ".json", 200);
	file = bh_xstrdup(browser.body);
	stored = mapping_stored(world);
	assert_int_equal(bh_json_parse(file, strlen(file), &read, NULL), 0);
	assert_true(json_equal(read, stored));
	assert_non_null(strstr(file, "\n        {\"to\": \"city\", \"from\": \"address_city\""));
	json_decref(read);
	json_decref(stored);
	import(&browser, file, 303);
	assert_null(mapping_draft(world));
	at = strstr(file, "address_city");
	memcpy(at, "address_line", strlen("address_line"));
	import(&browser, file, 400);
	assert_page(&browser, "customer: field ");
	assert_page(&browser, "(city): customer has no field");
	memcpy(at, "legal_name  ", strlen("legal_name  "));
	at[10] = '"';
	at[11] = ' ';
	at[12] = ' ';
	import(&browser, file, 303);
	draft = mapping_draft(world);
	assert_non_null(draft);
	json_decref(draft);
	look(&browser, ALL ".json?draft=1", 200);
	assert_page(&browser, "\"from\": \"legal_name\", \"empty\": \"keep\"");
	import(&browser, "nonsense <script>", 400);
	assert_page(&browser, "This is no JSON");
	assert_page(&browser, "nonsense &lt;script&gt;</textarea>");
	import(&browser, "[1]", 400);
	import(&browser, "{\"billhook\": 1, \"syncs\": []}", 400);
	assert_page(&browser, "no mapping of the sync main");
	import(&browser, " ", 400);
	import(&browser, "{\"objects\": [], \"surprise\": 1}", 400);
	assert_page(&browser, "surprise");
	free(file);
	close_browser(&browser);
}

/* -- putting it to use -- */

static void
save(struct browser *browser, const char *apply, int status)
{
	char seen[40], *form;

	look(browser, ALL, 200);
	hidden(browser, "Draft: ", "seen", seen, sizeof(seen));
	form = bh_xasprintf("do=save&seen=%s&apply=%s", seen, apply);
	send(browser, ALL, form, status);
	free(form);
}

/* The draft that was looked at last is kept or thrown away. */
static void
end_draft(struct browser *browser, const char *button, int status)
{
	char seen[40], now[40], *form;

	look(browser, ALL, 200);
	hidden(browser, "id=\"draft-drop\"", "seen", seen, sizeof(seen));
	hidden(browser, "id=\"draft-drop\"", "now", now, sizeof(now));
	form = bh_xasprintf("do=%s&seen=%s&now=%s", button, seen, now);
	send(browser, ALL, form, status);
	free(form);
}

static void
test_save(void **state)
{
	struct world *world = *state;
	struct browser browser;
	json_t *draft, *stored;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	change(&browser, edit_of(world, "city"),
	    "do=row&to=city&kind=from&source=address_city&as=upper", 303);
	save(&browser, "", 400);
	assert_page(&browser, "Choose whether");
	save(&browser, "new", 303);
	assert_string_equal(browser.location, ALL "?done=saved");
	assert_false(is_resynced(world));
	assert_null(mapping_draft(world));
	stored = mapping_stored(world);
	assert_string_equal(bh_json_str(json_array_get(bh_json_at(stored, "objects.0.fields"),
					    place_of(world, "city")),
				"as"),
	    "upper");
	json_decref(stored);
	assert_true(has_trail(world, "mapping changed in the browser by ada, from now on"));
	look(&browser, ALL "?done=saved", 200);
	assert_page(&browser, "Saved. It holds from now on");
	change(&browser, edit_of(world, "zip"), "do=row-drop", 303);
	save(&browser, "all", 303);
	assert_string_equal(browser.location, ALL "?done=resync");
	assert_true(is_resynced(world));
	assert_true(has_trail(world, "also for what is synced already"));
	/* Nothing to save. */
	send(&browser, ALL, "do=save&seen=x&apply=all", 409);
	assert_page(&browser, "There is no draft any more");
	/* Thrown away. */
	look(&browser, CUSTOMER, 200);
	change(&browser, edit_of(world, "city"), "do=row-drop", 303);
	send(&browser, ALL, "do=drop&seen=0123456789abcdef", 409);
	assert_page(&browser, "since you looked at it");
	end_draft(&browser, "drop", 303);
	draft = mapping_draft(world);
	assert_null(draft);
	assert_true(has_trail(world, "thrown away in the browser by ada"));
	close_browser(&browser);
}

/* Nobody is asked about what is synced where nothing is. */
static void
test_save_before_start(void **state)
{
	struct world *world = *state;
	struct store_txn *txn;
	struct browser browser;
	struct account_sync sync;

	mapping_fill(world);
	txn = store_begin(world->site.store);
	assert_int_equal(account_sync_load(txn, "main", &sync, NULL), 1);
	sync.is_new = true;
	assert_int_equal(account_sync_save(txn, &sync, NULL), 0);
	mapping_commit(&txn);
	account_sync_release(&sync);
	browser = open_at(world, "ada", CUSTOMER);
	change(&browser, edit_of(world, "city"), "do=row-drop", 303);
	look(&browser, ALL, 200);
	assert_page(&browser, "The sync has not begun");
	lacks(&browser, "type=\"radio\"");
	save(&browser, "new", 303);
	txn = store_begin(world->site.store);
	assert_int_equal(account_sync_load(txn, "main", &sync, NULL), 1);
	assert_true(sync.is_new);
	account_sync_release(&sync);
	store_free(&txn);
	close_browser(&browser);
}

static void
test_save_refused(void **state)
{
	struct world *world = *state;
	struct browser browser, other;
	char seen[40], *form;
	json_t *mapping;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	other = open_at(world, "ada", CUSTOMER);
	change(&browser, edit_of(world, "city"), "do=row-drop", 303);
	look(&browser, ALL, 200);
	hidden(&browser, "Draft: ", "seen", seen, sizeof(seen));
	/* The draft is another one than was looked at. */
	change(&other, edit_of(world, "name"), "do=row-drop", 303);
	form = bh_xasprintf("do=save&apply=all&seen=%s", seen);
	send(&browser, ALL, form, 409);
	assert_page(&browser, "Somebody changed the draft since you looked at it.");
	/* The sync was changed elsewhere. */
	mapping = mapping_read_preset("stripe-hubspot");
	json_object_set_new(mapping, "title", json_string("Other"));
	mapping_put_sync(world, mapping, "stripe-hubspot");
	look(&browser, ALL, 200);
	assert_page(&browser, "The sync was changed elsewhere since this draft began.");
	lacks(&browser, "value=\"save\"");
	send(&browser, ALL, form, 409);
	assert_page(&browser, "The sync was changed since the draft began.");
	free(form);
	/* The way out. */
	send(&browser, ALL, "do=refresh&now=0123456789abcdef", 409);
	end_draft(&browser, "refresh", 303);
	save(&browser, "new", 303);
	mapping = mapping_stored(world);
	assert_string_equal(bh_json_str(mapping, "title"), "Stripe to HubSpot");
	json_decref(mapping);
	close_browser(&browser);
	close_browser(&other);
}

/* -- the CRM's fields -- */

static void
test_describe(void **state)
{
	struct world *world = *state;
	struct store_txn *txn;
	struct browser browser;
	struct errand errand;

	mapping_fill(world);
	browser = open_at(world, "ada", CUSTOMER);
	assert_page(&browser, "has not told its fields of companies yet");
	send(&browser, ALL, "do=describe&segment=customer", 303);
	assert_string_equal(browser.location, CUSTOMER);
	txn = store_begin(world->site.store);
	assert_int_equal(errand_load(txn, "hub", ERRAND_DESCRIBE, &errand, NULL), 1);
	assert_true(errand.is_open);
	assert_string_equal(bh_json_str(errand.ask, "objects.0"), "companies");
	errand_release(&errand);
	store_free(&txn);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser, "HubSpot is being asked for its fields.");
	mapping_describe(world);
	look(&browser, CUSTOMER, 200);
	assert_page(&browser, "Checked against HubSpot's description of companies");
	close_browser(&browser);
}

/* -- who may do what -- */

static void
test_roles(void **state)
{
	static const char *const people[] = {"vic", "oda"};
	static const char *const buttons[] = {"save", "drop", "refresh", "restore", "put-back",
	    "add-object", "drop-object", "import", "describe"};
	struct world *world = *state;
	struct browser browser;
	char form[40];

	mapping_fill(world);
	for (size_t who = 0; who < BH_LEN(people); who++) {
		browser = open_at(world, people[who], ALL);
		for (size_t i = 0; i < BH_LEN(buttons); i++) {
			snprintf(form, sizeof(form), "do=%s", buttons[i]);
			look(&browser, ALL, 200);
			send(&browser, ALL, form, 403);
		}
		look(&browser, CUSTOMER, 200);
		send(&browser, CUSTOMER, "do=row&to=x", 403);
		close_browser(&browser);
	}
	browser = open_at(world, "ada", ALL);
	ask(&browser, "POST", ALL, "do=restore"); /* without the form's token */
	assert_int_equal(browser.status, 403);
	look(&browser, ALL, 200);
	send(&browser, ALL, "do=explode", 404);
	close_browser(&browser);
	browser = open_browser(world);
	look(&browser, CUSTOMER, 303);
	look(&browser, ALL ".json", 401);
	close_browser(&browser);
}

/* Names from outside, on every page that shows them. */
static void
test_names(void **state)
{
	struct world *world = *state;
	static const char nasty[] = "\"><script>alert(1)</script>";
	json_t *mapping = mapping_read_preset("stripe-hubspot");
	json_t *object = json_array_get(json_object_get(mapping, "objects"), 0);
	struct browser browser;
	char uri[80];
	json_t *row = json_pack("{s:s, s:s, s:s, s:{s:s}}", "to", nasty, "from", "currency",
	    "default", nasty, "enum", nasty, nasty);

	mapping_fill(world);
	json_object_set_new(mapping, "title", json_string(nasty));
	json_array_insert_new(json_object_get(object, "fields"), 0, row);
	json_array_append_new(json_object_get(mapping, "objects"),
	    json_pack("{s:s, s:s, s:s, s:s, s:[]}", "name", nasty, "from", "coupon", "to", nasty,
		"key", nasty, "fields"));
	snprintf(uri, sizeof(uri), ALL "/@%zu",
	    json_array_size(json_object_get(mapping, "objects")) - 1);
	mapping_put_sync(world, mapping, "");
	browser = open_at(world, "ada", ALL);
	lacks(&browser, "<script>alert");
	look(&browser, CUSTOMER "?edit=row-0", 200);
	lacks(&browser, "<script>alert");
	assert_page(&browser, "&quot;&gt;&lt;script&gt;");
	look(&browser, uri, 200);
	lacks(&browser, "<script>alert");
	change(&browser, "row-0", "do=row-drop", 303);
	look(&browser, ALL, 200);
	lacks(&browser, "<script>alert");
	look(&browser, CUSTOMER "?sample=%22%3E%3Cscript%3Ealert(1)", 200);
	lacks(&browser, "<script>alert");
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_overview), TEST(test_sample), TEST(test_lists),
	    TEST(test_row), TEST(test_row_tried), TEST(test_row_tried_late), TEST(test_row_refused),
	    TEST(test_row_order), TEST(test_two_people), TEST(test_filter), TEST(test_rules),
	    TEST(test_rest), TEST(test_objects), TEST(test_file), TEST(test_save),
	    TEST(test_save_before_start), TEST(test_save_refused), TEST(test_describe),
	    TEST(test_roles), TEST(test_names)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
