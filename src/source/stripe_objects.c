/* Stripe: customers, and the small things that several objects hold. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe.h"

/* Ranks of customers inside one second. */
enum {
	RANK_CREATED = 0,
	RANK_UPDATED,
	RANK_DELETED
};

void
stripe_metadata(json_t *fields, const json_t *metadata)
{
	json_t *texts;
	const char *name;
	json_t *value;

	if (json_is_null(metadata))
		json_object_set_new(fields, "metadata", json_null());
	if (!json_is_object(metadata))
		return;
	texts = json_object();
	json_object_foreach ((json_t *)(uintptr_t)metadata, name, value)
		if (json_is_string(value))
			json_object_set(texts, name, value);
	json_object_set_new(fields, "metadata", texts);
}

json_t *
stripe_tax_rates(const json_t *rates)
{
	json_t *list = json_array();
	size_t i;
	json_t *rate;

	json_array_foreach (rates, i, rate) {
		json_t *one = json_object();

		if (json_is_string(rate)) {
			json_object_set(one, "id", rate);
		} else {
			read_id(one, "id", rate);
			read_decimal(one, "percentage", json_object_get(rate, "percentage"));
			read_bool(one, "inclusive", json_object_get(rate, "inclusive"));
		}
		read_prune(one);
		json_array_append_new(list, one);
	}
	return list;
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

	for (size_t i = 0; i < BH_LEN(names); i++)
		read_filled(fields, names[i][0],
		    json_is_object(address) ? json_object_get(address, names[i][1]) : address);
}

/* The merchant's key for a CRM, under a name of the merchant's choice. */
static void
read_crm_id(const struct source_news *news, json_t *fields, const char *name, const char *setting,
    const char *key, const json_t *metadata)
{
	const char *chosen = bh_json_str(news->config->settings, setting);
	const json_t *value =
	    json_object_get(metadata, chosen != NULL && *chosen != '\0' ? chosen : key);

	if (json_is_object(metadata))
		json_object_set_new(fields, name, json_null());
	if (json_string_length(value) > 0)
		read_text(fields, name, value);
}

/* business_name and individual_name came with 2025-09-30. */
static void
read_names(json_t *fields, const json_t *customer)
{
	const json_t *name = json_object_get(customer, "name");
	const json_t *business = json_object_get(customer, "business_name");
	const json_t *person = json_object_get(customer, "individual_name");
	const json_t *any = READ_FIRST(name, business, person);

	read_filled(fields, "name", any != NULL ? any : name);
	read_filled(fields, "legal_name", business);
	if (json_string_length(business) > 0)
		json_object_set_new(fields, "type", json_string("company"));
	else if (json_string_length(person) > 0)
		json_object_set_new(fields, "type", json_string("individual"));
}

static void
read_customer(const struct source_news *news, json_t *fields, const json_t *customer)
{
	static const char *const owned[] = {"name", "legal_name", "type", "email", "phone",
	    "description", "currency", "address_line1", "address_line2", "address_city",
	    "address_state", "address_postal_code", "address_country", "balance", "delinquent",
	    "created_at", "metadata", "salesforce_id", "hubspot_id", NULL};
	const json_t *metadata = json_object_get(customer, "metadata");
	const char *currency = bh_json_str(customer, "currency");

	read_names(fields, customer);
	read_filled(fields, "email", json_object_get(customer, "email"));
	read_filled(fields, "phone", json_object_get(customer, "phone"));
	read_filled(fields, "description", json_object_get(customer, "description"));
	read_currency(fields, "currency", json_object_get(customer, "currency"));
	read_address(fields, json_object_get(customer, "address"));
	/* Embedded before 2020-08-27, then only when asked for: they have events of their own. */
	if (json_is_array(bh_json_at(customer, "tax_ids.data")))
		json_object_set_new(fields, "tax_id", json_null());
	read_text(fields, "tax_id", bh_json_at(customer, "tax_ids.data.0.value"));
	read_money(fields, "balance",
	    READ_FIRST(json_object_get(customer, "balance"),
		json_object_get(customer, "account_balance")),
	    stripe_unit(news, currency != NULL ? currency : ""));
	read_bool(fields, "delinquent", json_object_get(customer, "delinquent"));
	read_unix(fields, "created_at", json_object_get(customer, "created"));
	/* Its keys can be left out: then what was known of them stays. */
	if (json_object_get(customer, "discount") != NULL ||
	    json_object_get(customer, "discounts") != NULL)
		json_object_set_new(fields, "discounts", stripe_discounts(news, customer));
	stripe_metadata(fields, metadata);
	read_crm_id(news, fields, "salesforce_id", "salesforce_id_key", "salesforce_account_id",
	    metadata);
	read_crm_id(news, fields, "hubspot_id", "hubspot_id_key", "hubspot_company_id", metadata);
	stripe_own(fields, owned);
}

int
stripe_customer(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *type = news->event->type;
	struct object_change *change;

	if (stripe_expect(object, "customer", err) < 0)
		return -1;
	change = source_change(news, OBJECT_CUSTOMER, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	change->deleted =
	    strcmp(type, "customer.deleted") == 0 || bh_is_json_true(object, "deleted");
	/*
	 * Partial: a tax number comes with other events.  A deleted customer comes with its last
	 * snapshot, or as no more than its id.
	 */
	change->partial = true;
	if (!bh_is_json_true(object, "deleted"))
		read_customer(news, change->fields, object);
	stripe_link(news, change->fields, "customers", change->id);
	stripe_version(news, change,
	    change->deleted                         ? RANK_DELETED
	    : strcmp(type, "customer.created") == 0 ? RANK_CREATED
						    : RANK_UPDATED);
	stripe_tell_discounts(news, object);
	return 0;
}

/*
 * customer.tax_id.*: the newest number counts.  A customer who had several
 * and loses one has none until it is read again.
 */
int
stripe_tax_id(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *type = news->event->type;
	struct object_change *change;

	if (stripe_expect(object, "tax_id", err) < 0)
		return -1;
	if (read_id_of(json_object_get(object, "customer")) == NULL)
		return source_leave(news, SOURCE_IGNORED, "a tax number of no customer");
	change = source_change(news, OBJECT_CUSTOMER,
	    read_id_of(json_object_get(object, "customer")), err);
	if (change == NULL)
		return -1;
	change->partial = true;
	json_object_set_new(change->fields, "tax_id", json_null());
	if (!bh_has_suffix(type, ".deleted"))
		read_filled(change->fields, "tax_id", json_object_get(object, "value"));
	/* An old number goes before the new one comes. */
	stripe_version(news, change,
	    bh_has_suffix(type, ".deleted")   ? 0
	    : bh_has_suffix(type, ".created") ? 1
					      : 2);
	return 0;
}
