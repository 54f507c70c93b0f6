/*
 * Alguna: customers (generation 1: accounts).  No event describes them but,
 * in part, a completed checkout; everything else comes from REST.
 */
#include "base/base.h"

#include <ctype.h>

#include "source/alguna.h"

#define SALESFORCE_ACCOUNT "001"

/*
 * Alguna's own Salesforce integration puts the Account's id among the aliases
 * (Alguna: Integrations, Salesforce): 15 or 18 letters and digits that begin with 001.
 */
static bool
is_salesforce_id(const char *text)
{
	size_t len = strlen(text);

	if ((len != 15 && len != 18) || strncmp(text, SALESFORCE_ACCOUNT, 3) != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]))
			return false;
	return true;
}

static void
read_aliases(json_t *fields, const json_t *aliases)
{
	json_t *list, *one;
	size_t i;

	if (!json_is_array(aliases))
		return;
	list = json_array();
	json_object_set_new(fields, "aliases", list);
	json_object_set_new(fields, "salesforce_id", json_null());
	json_array_foreach (aliases, i, one) {
		if (!json_is_string(one))
			continue;
		json_array_append(list, one);
		if (json_is_null(json_object_get(fields, "salesforce_id")) &&
		    is_salesforce_id(json_string_value(one)))
			json_object_set(fields, "salesforce_id", one);
	}
}

static json_t *
contact_json(const json_t *contact)
{
	json_t *one = json_object();
	const char *first = alguna_text(contact, "first_name");
	const char *last = alguna_text(contact, "last_name");

	read_text(one, "id", json_object_get(contact, "id"));
	read_filled(one, "email", json_object_get(contact, "email"));
	read_filled(one, "first_name", alguna_at(contact, "first_name"));
	read_filled(one, "last_name", alguna_at(contact, "last_name"));
	read_filled(one, "title", json_object_get(contact, "title"));
	if (first != NULL && last != NULL && *first != '\0' && *last != '\0')
		json_object_set_new(one, "name", json_sprintf("%s %s", first, last));
	else
		read_filled(one, "name",
		    alguna_at(contact,
			first != NULL && *first != '\0' ? "first_name" : "last_name"));
	json_object_set_new(one, "primary",
	    json_boolean(json_is_true(alguna_at(contact, "is_primary"))));
	read_prune(one);
	return one;
}

/* The primary contact, which stands first, is whom the customer's own fields are about. */
static void
read_contacts(json_t *fields, const json_t *contacts)
{
	static const char *const names[] = {"email", "first_name", "last_name"};
	json_t *list, *contact, *first;
	size_t i, primaries = 0;

	if (!json_is_array(contacts))
		return;
	list = json_array();
	json_array_foreach (contacts, i, contact) {
		json_t *one = contact_json(contact);

		if (json_is_true(json_object_get(one, "primary")))
			json_array_insert_new(list, primaries++, one);
		else
			json_array_append_new(list, one);
	}
	json_object_set_new(fields, "contacts", list);
	first = json_array_get(list, 0);
	for (i = 0; i < BH_LEN(names); i++) {
		json_t *value = json_object_get(first, names[i]);

		json_object_set_new(fields, names[i],
		    value != NULL ? json_incref(value) : json_null());
	}
}

static void
read_address(json_t *fields, const json_t *address)
{
	static const char *const names[][2] = {
	    {"address_line1", "line1"},
	    {"address_line2", "line2"},
	    {"address_city", "city"},
	    {"address_state", "state"},
	    {"address_postal_code", "postal_code"},
	    {"address_country", "country"},
	};

	if (address == NULL)
		return;
	for (size_t i = 0; i < BH_LEN(names); i++) {
		const json_t *value = alguna_at(address, names[i][1]);

		/* The address is told as a whole; generation 1 leaves out the country. */
		if (value == NULL && (json_is_null(address) || strcmp(names[i][1], "country") != 0))
			json_object_set_new(fields, names[i][0], json_null());
		read_filled(fields, names[i][0], value);
	}
}

/* A fraction there ("0.19"), percent here ("19"). */
static void
read_tax(json_t *fields, const json_t *customer)
{
	const struct read_unit percent = {100, 1};

	read_precise(fields, "tax_rate", alguna_at(customer, "tax_rate"), percent);
	read_filled(fields, "tax_id", alguna_at(customer, "tax_id"));
}

int
alguna_customer(struct source_news *news, const json_t *object, struct bh_err *err)
{
	struct object_change *change =
	    source_change(news, OBJECT_CUSTOMER, json_object_get(object, "id"), err);

	if (change == NULL)
		return -1;
	read_filled(change->fields, "name", json_object_get(object, "name"));
	read_filled(change->fields, "legal_name",
	    READ_FIRST(alguna_at(object, "legal_name"),
		alguna_at(alguna_at(object, "legal_entity"), "name")));
	read_currency(change->fields, "currency", json_object_get(object, "currency"));
	read_url(change->fields, "website", json_object_get(object, "website"));
	read_time(change->fields, "created_at", alguna_at(object, "created_at"));
	read_aliases(change->fields, json_object_get(object, "aliases"));
	read_contacts(change->fields, json_object_get(object, "contacts"));
	read_address(change->fields, alguna_at(object, "billing_address"));
	read_tax(change->fields, object);
	alguna_link(news, change, "customers");
	return alguna_stamp(news, object, 0, change, err);
}

/*
 * A checkout tells who somebody is before the customer can be read; what the
 * customer itself says stands above it.
 */
int
alguna_checkout(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *account = alguna_account(object);
	const char *subscription = alguna_text(object, "subscription_id");
	json_t *fields = json_object();

	read_filled(fields, "email",
	    READ_FIRST(alguna_at(object, "customer_email"), json_object_get(object, "email")));
	read_filled(fields, "name",
	    READ_FIRST(alguna_at(object, "customer_name"), json_object_get(object, "name")));
	read_prune(fields);
	if (json_object_size(fields) > 0)
		read_currency(fields, "currency", json_object_get(object, "currency"));
	if (json_string_length(account) == 0 || json_string_length(account) > 255) {
		json_decref(fields);
		return bh_fail(err, BH_INVALID, "a checkout without a usable account");
	}
	alguna_suppose(news, OBJECT_CUSTOMER, account, object, fields);
	source_want(news, "customer", json_string_value(account), NULL);
	if (subscription != NULL && *subscription != '\0' && strlen(subscription) < 256)
		source_want(news, "subscription", subscription, NULL);
	if (news->result->changes.n == 0)
		news->result->outcome = SOURCE_ASKED;
	return 0;
}
