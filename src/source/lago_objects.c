/*
 * Lago: customers and subscriptions.  An event carries some parts of
 * an object and leaves out others, so every change is partial: what is not
 * in it is not known from it.
 */
#include "base/base.h"

#include <ctype.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/lago.h"

/* The smallest unit as the Ruby gem "money" 7.0.2 has it, which Lago counts in. */
struct read_unit
lago_unit(const char *currency)
{
	static const char *const whole[] = {"HUF", "ISK", "UGX"};

	if (currency == NULL)
		currency = "";
	for (size_t i = 0; i < BH_LEN(whole); i++)
		if (strcasecmp(currency, whole[i]) == 0)
			return read_unit(currency, 0);
	/* Five khoums are an ouguiya. */
	if (strcasecmp(currency, "MRO") == 0)
		return (struct read_unit){20, 1};
	return read_unit(currency, money_exponent(currency));
}

/* Pages of Lago's own front end; the organisation's slug is part of the path since 2026-05. */
void
lago_link(const struct source_news *news, struct object_change *change, const json_t *customer_id,
    const char *what)
{
	const char *app = bh_json_str(news->config->settings, "app_url");
	const char *slug = bh_json_str(news->config->settings, "slug");
	const char *customer = json_string_value(customer_id);
	struct bh_buf url = BH_BUF_INIT(4096);
	size_t len = app != NULL ? strlen(app) : 0;

	while (len > 0 && app[len - 1] == '/')
		len--;
	if (len == 0 || customer == NULL)
		return;
	bh_buf_add(&url, app, len);
	if (slug != NULL && *slug != '\0') {
		bh_buf_addc(&url, '/');
		bh_percent_add(&url, slug, strlen(slug));
	}
	bh_buf_adds(&url, "/customer/");
	bh_percent_add(&url, customer, strlen(customer));
	if (*what != '\0') {
		bh_buf_addf(&url, "/%s/", what);
		bh_percent_add(&url, change->id, strlen(change->id));
		bh_buf_adds(&url, "/overview");
	}
	if (!url.full)
		json_object_set_new(change->fields, "link", json_string(bh_buf_str(&url)));
	bh_buf_release(&url);
}

/* [{"key":..., "value":...}] as an object of texts. */
void
lago_metadata(json_t *fields, const json_t *list)
{
	json_t *texts;
	size_t i;
	json_t *one;

	if (!json_is_array(list))
		return;
	texts = json_object();
	json_array_foreach (list, i, one) {
		const char *key = bh_json_str(one, "key");

		if (key != NULL && bh_json_str(one, "value") != NULL)
			json_object_set(texts, key, json_object_get(one, "value"));
	}
	json_object_set_new(fields, "metadata", texts);
}

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

bool
is_lago_partner(const json_t *customer)
{
	const char *type = bh_json_str(customer, "account_type");

	return type != NULL && strcmp(type, "partner") == 0;
}

/* at_ms of updated_at; 0 when it is not there. */
int64_t
lago_updated_ms(const json_t *object)
{
	const char *text = bh_json_str(object, "updated_at");
	int64_t at_ms;

	return text != NULL && bh_is_time(text, &at_ms) ? at_ms : 0;
}

/*
 * A customer of its own event or inside another one.  Equal contents have
 * equal versions, so that the customer inside every invoice is no news.  A
 * CRM link may be made without touching updated_at: it ranks higher.
 */
static int
add_customer(struct source_news *news, const json_t *customer, struct bh_err *err)
{
	const char *type = bh_json_str(customer, "customer_type");
	struct object_change *change =
	    source_change(news, OBJECT_CUSTOMER, json_object_get(customer, "lago_id"), err);
	json_t *fields;

	if (change == NULL)
		return -1;
	fields = change->fields;
	change->partial = true;
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
	lago_link(news, change, json_object_get(customer, "lago_id"), "");
	change->version.at_ms = lago_updated_ms(customer);
	source_tie_fields(change->version.tie, fields);
	change->version.rank = read_crm_links(fields, customer);
	return 0;
}

int
lago_customer(struct source_news *news, const json_t *object, struct bh_err *err)
{
	/* Partners are paid by the merchant, not the other way round. */
	if (is_lago_partner(object))
		return source_leave(news, SOURCE_IGNORED, "a partner account");
	return add_customer(news, object, err);
}

/* The customer inside a subscription or invoice: its own event may have been lost. */
int
lago_nested_customer(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *customer = json_object_get(object, "customer");

	if (!json_is_object(customer))
		return 0;
	return add_customer(news, customer, err);
}

/* Terminal states win whatever the times say: a subscription has no time of update. */
static const struct {
	const char *lago, *status;
	int rank;
} subscription_statuses[] = {
    {"pending", "pending", 0},
    {"incomplete", "incomplete", 1},
    {"active", "active", 2},
    {"terminated", "canceled", 3},
    {"canceled", "canceled", 3},
};

static const struct {
	const char *lago, *interval;
} intervals[] = {
    {"weekly", "week"},
    {"monthly", "month"},
    {"quarterly", "quarter"},
    {"semiannual", "semiannual"},
    {"yearly", "year"},
};

/* The plan is in the subscription's own events only. */
static void
read_plan(json_t *fields, const json_t *subscription, struct read_unit unit)
{
	const json_t *plan = json_object_get(subscription, "plan");
	const char *lago = bh_json_str(plan, "interval"), *interval = NULL;
	json_t *item;

	if (!json_is_object(plan))
		return;
	for (size_t i = 0; lago != NULL && i < BH_LEN(intervals); i++)
		if (strcmp(intervals[i].lago, lago) == 0)
			interval = intervals[i].interval;
	read_filled(fields, "plan_name",
	    READ_FIRST(json_object_get(plan, "invoice_display_name"),
		json_object_get(plan, "name")));
	if (json_is_null(json_object_get(fields, "name")))
		read_filled(fields, "name", json_object_get(fields, "plan_name"));
	if (interval == NULL)
		return;
	json_object_set_new(fields, "interval", json_string(interval));
	json_object_set_new(fields, "interval_count", json_integer(1));
	item = json_pack("{s:s, s:i, s:s, s:s, s:s}", "interval", interval, "interval_count", 1,
	    "quantity", "1", "usage_type", "licensed", "billing_scheme", "per_unit");
	read_text(item, "id", json_object_get(subscription, "lago_id"));
	read_text(item, "price", json_object_get(subscription, "plan_code"));
	read_text(item, "name", json_object_get(fields, "plan_name"));
	read_currency(item, "currency", json_object_get(subscription, "plan_amount_currency"));
	read_precise(item, "unit_amount", json_object_get(subscription, "plan_amount_cents"), unit);
	read_money(item, "amount", json_object_get(subscription, "plan_amount_cents"), unit);
	read_prune(item);
	json_object_set_new(fields, "items", json_pack("[o]", item));
	json_object_set_new(fields, "items_complete", json_true());
}

/* period_ending is the last second of the period; the renewal is the next one. */
static void
put_renewal(json_t *fields, bool active)
{
	const char *end = bh_json_str(fields, "period_end"),
		   *last = bh_json_str(fields, "ending_at");
	int64_t end_ms, last_ms;

	if (!active)
		read_put_ms(fields, "renewal_at", INT64_MIN);
	else if (end != NULL && bh_is_time(end, &end_ms))
		read_put_ms(fields, "renewal_at",
		    last != NULL && bh_is_time(last, &last_ms) && last_ms <= end_ms
			? INT64_MIN
			: end_ms + 1000);
}

static void
read_subscription(json_t *fields, const json_t *subscription, bool active)
{
	static const char *const times[][2] = {
	    {"started_at", "started_at"},
	    {"subscription_at", "subscription_at"},
	    {"ending_at", "ending_at"},
	    {"trial_end", "trial_ended_at"},
	    {"period_start", "current_billing_period_started_at"},
	    {"period_end", "current_billing_period_ending_at"},
	    {"canceled_at", "canceled_at"},
	    {"ended_at", "terminated_at"},
	    {"created_at", "created_at"},
	};
	struct read_unit unit = lago_unit(bh_json_str(subscription, "plan_amount_currency"));

	read_text(fields, "customer", json_object_get(subscription, "lago_customer_id"));
	read_text(fields, "external_id", json_object_get(subscription, "external_id"));
	read_filled(fields, "name", json_object_get(subscription, "name"));
	read_text(fields, "plan_code", json_object_get(subscription, "plan_code"));
	read_text(fields, "previous_plan_code",
	    json_object_get(subscription, "previous_plan_code"));
	read_text(fields, "next_plan_code", json_object_get(subscription, "next_plan_code"));
	read_date(fields, "next_plan_on", json_object_get(subscription, "downgrade_plan_date"));
	read_currency(fields, "currency", json_object_get(subscription, "plan_amount_currency"));
	read_money(fields, "amount", json_object_get(subscription, "plan_amount_cents"), unit);
	read_text(fields, "billing_time", json_object_get(subscription, "billing_time"));
	read_text(fields, "cancel_reason", json_object_get(subscription, "cancellation_reason"));
	read_filled(fields, "purchase_order",
	    json_object_get(subscription, "purchase_order_number"));
	for (size_t i = 0; i < BH_LEN(times); i++)
		read_time(fields, times[i][0], json_object_get(subscription, times[i][1]));
	/* An ended one has nothing planned any more, whatever was known before. */
	json_object_set_new(fields, "cancel_at", json_null());
	if (active)
		read_time(fields, "cancel_at", json_object_get(subscription, "ending_at"));
	read_plan(fields, subscription, unit);
	put_renewal(fields, active);
}

/*
 * Order of snapshots: the state's rank, then the latest time that the
 * subscription itself tells, then arrival (Lago sends no time of update, no
 * event time and no sequence number), then the delivery's key.
 */
static void
subscription_version(const struct source_news *news, const json_t *subscription, int rank,
    struct object_version *version)
{
	static const char *const times[] = {"created_at", "activated_at", "started_at",
	    "trial_ended_at", "current_billing_period_started_at", "canceled_at", "terminated_at"};
	int64_t latest_ms = 0, at_ms;
	char order[32];

	for (size_t i = 0; i < BH_LEN(times); i++) {
		const char *text = bh_json_str(subscription, times[i]);

		if (text != NULL && bh_is_time(text, &at_ms) && at_ms > latest_ms)
			latest_ms = at_ms;
	}
	snprintf(order, sizeof(order), "%012llx%012llx",
	    (unsigned long long)latest_ms & 0xffffffffffff,
	    (unsigned long long)news->received_ms & 0xffffffffffff);
	version->at_ms = 0;
	version->rank = rank;
	source_tie(version->tie, order, news->event->id);
}

int
lago_subscription(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *word = bh_json_str(object, "status"), *status = "other";
	struct object_change *change;
	int rank = 2;

	if (is_lago_partner(json_object_get(object, "customer")))
		return source_leave(news, SOURCE_IGNORED, "a subscription of a partner account");
	if (lago_nested_customer(news, object, err) < 0)
		return -1;
	change = source_change(news, OBJECT_SUBSCRIPTION, json_object_get(object, "lago_id"), err);
	if (change == NULL)
		return -1;
	for (size_t i = 0; word != NULL && i < BH_LEN(subscription_statuses); i++) {
		if (strcmp(subscription_statuses[i].lago, word) == 0) {
			status = subscription_statuses[i].status;
			rank = subscription_statuses[i].rank;
		}
	}
	change->partial = true;
	read_subscription(change->fields, object, strcmp(status, "active") == 0);
	if (word != NULL)
		json_object_set_new(change->fields, "status", json_string(status));
	read_text(change->fields, "source_status", json_object_get(object, "status"));
	lago_link(news, change, json_object_get(object, "lago_customer_id"), "subscription");
	subscription_version(news, object, rank, &change->version);
	return 0;
}
