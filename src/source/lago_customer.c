/*
 * Lago: customers, of their own events, inside other objects and in lists.
 * An event carries some parts and leaves out others, so its change is partial;
 * a row of the list of customers is whole.
 */
#include "base/base.h"

#include <ctype.h>
#include <strings.h>

#include "base/text.h"
#include "source/lago.h"

/* Inside one second: seen in passing, then with the links that only its own events show. */
#define RANK_LINKED 1

/* email may be a list; the first is the one that a CRM can hold. */
static void
read_email(json_t *fields, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len;

	read_filled(fields, "billing_email", value);
	if (text == NULL || *text == '\0') {
		read_filled(fields, "email", value);
		return;
	}
	text += strspn(text, " ,");
	len = strcspn(text, ",");
	while (len > 0 && text[len - 1] == ' ')
		len--;
	json_object_set_new(fields, "email", len > 0 ? json_stringn(text, len) : json_null());
}

static bool
is_host(const char *text, size_t len)
{
	bool dot = false;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		dot = dot || (c == '.' && i > 0 && i + 1 < len);
		if (!isalnum(c) && c != '.' && c != '-' && c < 0x80)
			return false;
	}
	return dot && len <= 253;
}

/* url is free text and may lack a scheme: the host where there is one, else nothing. */
static void
read_website(json_t *fields, const json_t *value)
{
	const char *text = json_string_value(value), *host = text;
	char domain[256], url[2048];
	size_t len;

	if (text == NULL || *text == '\0') {
		read_filled(fields, "website", value);
		read_filled(fields, "domain", value);
		return;
	}
	json_object_set_new(fields, "website", json_null());
	json_object_set_new(fields, "domain", json_null());
	if (strncasecmp(host, "https://", 8) == 0 || strncasecmp(host, "http://", 7) == 0)
		host = strstr(host, "://") + 3;
	len = strcspn(host, "/?#:");
	if (!is_host(host, len))
		return;
	if (snprintf(url, sizeof(url), "%s%s", host == text ? "https://" : "", text) <
	    (int)sizeof(url))
		json_object_set_new(fields, "website", json_string(url));
	if (len > 4 && strncasecmp(host, "www.", 4) == 0 && is_host(host + 4, len - 4)) {
		host += 4;
		len -= 4;
	}
	for (size_t i = 0; i < len; i++)
		domain[i] = (char)((unsigned char)host[i] < 0x80 ? tolower((unsigned char)host[i])
								 : host[i]);
	json_object_set_new(fields, "domain", json_stringn(domain, len));
}

/* People often have no name but a first and a last one. */
static void
read_names(json_t *fields, const json_t *customer)
{
	const json_t *name = json_object_get(customer, "name");
	const char *first = bh_json_str(customer, "firstname");
	const char *last = bh_json_str(customer, "lastname");
	const json_t *legal = json_object_get(customer, "legal_name");

	read_filled(fields, "legal_name", legal);
	read_filled(fields, "first_name", json_object_get(customer, "firstname"));
	read_filled(fields, "last_name", json_object_get(customer, "lastname"));
	if (json_string_length(name) == 0 && (first != NULL || last != NULL)) {
		char *both = bh_xasprintf("%s%s%s", first != NULL ? first : "",
		    first != NULL && last != NULL ? " " : "", last != NULL ? last : "");

		json_object_set_new(fields, "name", json_string(both));
		free(both);
	} else {
		read_filled(fields, "name",
		    json_string_length(name) == 0 && json_string_length(legal) > 0 ? legal : name);
	}
}

/*
 * Links that the merchant made: the first element of each type.  Only
 * customer events carry them; external_salesforce_id is in every customer.
 * True when there is one.
 */
static bool
read_crm_links(json_t *fields, const json_t *customer)
{
	const json_t *links = json_object_get(customer, "integration_customers");
	bool found = false;
	size_t i;
	json_t *link;

	read_filled(fields, "salesforce_id", json_object_get(customer, "external_salesforce_id"));
	if (!json_is_array(links)) {
		/* A nested customer does not show the other link: null says nothing there. */
		if (json_is_null(json_object_get(fields, "salesforce_id")))
			json_object_del(fields, "salesforce_id");
		return false;
	}
	json_object_set_new(fields, "hubspot_id", json_null());
	json_object_set_new(fields, "hubspot_object", json_null());
	json_array_foreach (links, i, link) {
		const char *type = bh_json_str(link, "type");
		const json_t *id = json_object_get(link, "external_customer_id");

		if (type == NULL || json_string_length(id) == 0)
			continue;
		if (strcmp(type, "hubspot") == 0 &&
		    json_is_null(json_object_get(fields, "hubspot_id"))) {
			read_text(fields, "hubspot_id", id);
			read_text(fields, "hubspot_object",
			    json_object_get(link, "targeted_object"));
			found = true;
		} else if (strcmp(type, "salesforce") == 0) {
			read_text(fields, "salesforce_id", id);
			found = true;
		}
	}
	return found;
}

static void
read_address(json_t *fields, const json_t *customer)
{
	static const char *const names[][2] = {
	    {"address_line1", "address_line1"},
	    {"address_line2", "address_line2"},
	    {"address_city", "city"},
	    {"address_state", "state"},
	    {"address_postal_code", "zipcode"},
	    {"address_country", "country"},
	};

	for (size_t i = 0; i < BH_LEN(names); i++)
		read_filled(fields, names[i][0], json_object_get(customer, names[i][1]));
}

/*
 * Equal contents have equal versions, so that the customer inside every
 * invoice is no news.  A CRM link may be made without touching updated_at: it
 * ranks higher.
 */
static int
add_customer(struct source_news *news, const json_t *customer, bool nested, struct bh_err *err)
{
	const char *type = bh_json_str(customer, "customer_type");
	struct object_change *change =
	    source_change(news, OBJECT_CUSTOMER, json_object_get(customer, "lago_id"), err);
	struct source_news seen = *news;
	json_t *fields, *links = json_object();

	if (change == NULL) {
		json_decref(links);
		return -1;
	}
	fields = change->fields;
	read_names(fields, customer);
	if (type == NULL || strcmp(type, "company") == 0 || strcmp(type, "individual") == 0)
		read_text(fields, "type", json_object_get(customer, "customer_type"));
	read_email(fields, json_object_get(customer, "email"));
	read_filled(fields, "phone", json_object_get(customer, "phone"));
	read_website(fields, json_object_get(customer, "url"));
	read_currency(fields, "currency", json_object_get(customer, "currency"));
	read_text(fields, "external_id", json_object_get(customer, "external_id"));
	read_filled(fields, "tax_id", json_object_get(customer, "tax_identification_number"));
	read_address(fields, customer);
	read_time(fields, "created_at", json_object_get(customer, "created_at"));
	lago_metadata(fields, json_object_get(customer, "metadata"));
	lago_link(news, change, "/customer/@", json_object_get(customer, "lago_id"), NULL);
	/* In passing it is worth no more in an answer than in an event. */
	if (nested)
		seen.event = NULL;
	change->partial = nested || !is_lago_rest(news);
	lago_version(&seen, customer, read_crm_links(links, customer) ? RANK_LINKED : 0, change);
	json_object_update(fields, links);
	json_decref(links);
	return 0;
}

int
lago_customer(struct source_news *news, const json_t *object, struct bh_err *err)
{
	/* Partners are paid by the merchant, not the other way round. */
	if (is_lago_partner(object))
		return source_leave(news, SOURCE_IGNORED, "a partner account");
	return add_customer(news, object, false, err);
}

static bool
is_there(const struct source_news *news, enum object_kind kind, const json_t *id)
{
	const char *text = json_string_value(id);

	for (size_t i = 0; text != NULL && i < news->result->changes.n; i++) {
		const struct object_change *change = &news->result->changes.items[i];

		if (change->kind == kind && strcmp(change->id, text) == 0)
			return true;
	}
	return false;
}

int
lago_nested_customer(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *customer = json_object_get(object, "customer");

	/* A page of a customer's invoices repeats the customer in each. */
	if (!json_is_object(customer) ||
	    is_there(news, OBJECT_CUSTOMER, json_object_get(customer, "lago_id")))
		return 0;
	return add_customer(news, customer, true, err);
}
