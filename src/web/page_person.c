/* One person's data: looked for by a job, fetched as a document, erased after a question. */
#include "base/base.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "state/inquiry.h"
#include "state/trail.h"
#include "web/form.h"
#include "web/live.h"
#include "web/page.h"
#include "web/page_customer.h"
#include "web/page_user.h"
#include "web/session.h"
#include "web/words.h"

#define CONFIRM "erase"

static const struct form_field who_fields[] = {
    {"who", "Id or e-mail address of a customer", FORM_TEXT, 1, INQUIRY_WHO_MAX, "off"},
};
static const struct form_field fetch_fields[] = {
    {"password", "Your password", FORM_PASSWORD, 1, USER_PASSWORD_MOST, "current-password"},
};
static const struct form_field erase_fields[] = {
    {"password", "Your password", FORM_PASSWORD, 1, USER_PASSWORD_MOST, "current-password"},
    {"confirm", "Type " CONFIRM " to confirm", FORM_TEXT, 1, 16, "off"},
};

/* Parts of what is kept, as the job names and as people call them. */
static const struct {
	const char *name, *label;
} parts[] = {
    {"objects", "Customers, subscriptions, invoices and other objects of the billing system"},
    {"links", "Links: which record in a CRM is theirs"},
    {"records", "Records in a sandbox"},
    {"derived", "Figures that Billhook worked out"},
    {"alerts", "Alerts that an automation raised"},
    {"lookups", "Look-ups that wait"},
    {"events", "Events that name them"},
    {"trail", "Lines of the trail"},
    {"spool", "Events that are not taken in yet"},
};

/* -- what there is -- */

static const char *
state_of(const struct inquiry *inquiry)
{
	if (is_inquiry_busy(inquiry))
		return "busy";
	if (inquiry->state == INQUIRY_FAILED)
		return "bad";
	return inquiry->state == INQUIRY_NONE ? "idle" : "good";
}

static int64_t
sum_of(const json_t *counts)
{
	const char *name;
	json_t *count;
	int64_t sum = 0;

	json_object_foreach ((json_t *)(uintptr_t)counts, name, count)
		sum += json_integer_value(count);
	return sum;
}

static json_t *
text_of(const struct inquiry *inquiry)
{
	char read[WORDS_MAX], erased[WORDS_MAX];

	words_count(read, inquiry->read);
	words_count(erased, sum_of(json_object_get(inquiry->facts, "erased")));
	switch (inquiry->state) {
	case INQUIRY_ASKED:
		return json_string("It is looked for in a moment.");
	case INQUIRY_LOOKING:
		return json_sprintf("All that is kept is read: %s entries so far.", read);
	case INQUIRY_LOOKED:
		return json_string(sum_of(json_object_get(inquiry->facts, "found")) > 0
				       ? "All was read: this is kept."
				       : "All was read: nothing is kept.");
	case INQUIRY_TOLD:
		return json_string("Erasing begins in a moment.");
	case INQUIRY_ERASING:
		return json_sprintf("Erasing: %s entries read, %s erased so far.", read, erased);
	case INQUIRY_ERASED:
		return json_string("Erased.");
	case INQUIRY_FAILED:
		return json_sprintf("It did not end: %s. Look again: what is erased stays erased.",
		    inquiry->note);
	case INQUIRY_NONE:
	case INQUIRY__MAX:
	default:
		return json_string("Nobody is looked for at the moment.");
	}
}

/* What changes while a person looks. */
static void
add_live(const struct inquiry *inquiry, json_t *model, json_t *live)
{
	live_set(live, model, "person", "state", json_string(state_of(inquiry)));
	live_set(live, model, "person", "text", text_of(inquiry));
	live_set_shown(live, model, "person", "is_busy", is_inquiry_busy(inquiry));
	json_object_set_new(live, "newest",
	    json_sprintf("%lld-%d-%s", (long long)inquiry->asked_ms,
		inquiry->state > INQUIRY_LOOKED, state_of(inquiry)));
}

static json_t *
counts_view(const json_t *counts)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < BH_LEN(parts); i++) {
		int64_t n = bh_json_int(counts, parts[i].name, 0);

		if (n > 0)
			json_array_append_new(rows, json_pack("{s:s, s:o}", "label", parts[i].label,
							"count", words_count_json(n)));
	}
	return rows;
}

static json_t *
customers_view(struct exchange *exchange, const json_t *customers, bool is_there)
{
	json_t *rows = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach (customers, i, one) {
		struct mirror_id id = {bh_json_str(one, "connection"), bh_json_str(one, "account"),
		    OBJECT_CUSTOMER, bh_json_str(one, "id")};

		if (id.connection == NULL || id.account == NULL || id.id == NULL)
			continue;
		json_array_append_new(rows,
		    json_pack("{s:s, s:s, s:o}", "connection", id.connection, "id", id.id, "url",
			is_there ? customer_url(exchange, &id) : json_string("")));
	}
	return rows;
}

/* What was found, or went, what is out of reach, and what lies beside the store. */
static void
add_facts(struct exchange *exchange, const struct inquiry *inquiry, json_t *model)
{
	static const char *const lists[] = {"records", "rest"};
	bool is_erased = inquiry->state == INQUIRY_ERASED;
	const json_t *facts = inquiry->facts;
	int64_t more = bh_json_int(facts, "more", 0);
	json_t *rows = counts_view(json_object_get(facts, is_erased ? "erased" : "found"));

	json_object_set_new(model, "has_counts", json_boolean(json_array_size(rows) > 0));
	json_object_set_new(model, "counts", rows);
	rows = customers_view(exchange, json_object_get(facts, "customers"), !is_erased);
	json_object_set_new(model, "has_customers", json_boolean(json_array_size(rows) > 0));
	json_object_set_new(model, "customers", rows);
	for (size_t i = 0; i < BH_LEN(lists); i++) {
		char name[16];
		json_t *list = json_object_get(facts, lists[i]);

		snprintf(name, sizeof(name), "has_%s", lists[i]);
		json_object_set_new(model, name, json_boolean(json_array_size(list) > 0));
		json_object_set_new(model, lists[i],
		    list != NULL ? json_deep_copy(list) : json_array());
	}
	json_object_set_new(model, "more", more > 0 ? words_count_json(more) : json_string(""));
	json_object_set_new(model, "is_erased", json_boolean(is_erased));
}

/* The file, where there is one: its descriptor, -1. */
static int
open_file(const struct exchange *exchange, const struct inquiry *inquiry, struct stat *is)
{
	char *path = inquiry_path(exchange->site->conf->data_dir, inquiry);
	int fd = inquiry->name[0] != '\0' ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;

	free(path);
	if (fd >= 0 && (fstat(fd, is) < 0 || !S_ISREG(is->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static json_t *
file_view(const struct exchange *exchange, const struct inquiry *inquiry, const json_t *errors)
{
	char until[WORDS_MAX];
	struct stat is;
	int fd = inquiry->state == INQUIRY_LOOKED ? open_file(exchange, inquiry, &is) : -1;

	if (fd < 0)
		return json_null();
	close(fd);
	words_age(until, inquiry->until_ms, bh_now_ms());
	return json_pack("{s:s, s:o, s:s, s:o}", "name", inquiry->name, "size",
	    json_sprintf("%.1f KiB", (double)inquiry->bytes / 1024), "until", until, "fields",
	    form_view(fetch_fields, BH_LEN(fetch_fields), NULL, errors));
}

/* Where to look: everywhere, or one billing system. */
static int
add_sources(struct exchange *exchange, const char *chosen, json_t *model, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *codes = NULL, *code, *rows = json_array();
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		const char *name = json_string_value(code);
		struct account_connection connection = {0};

		if (rc < 0)
			break;
		rc = account_connection_load(txn, NULL, name, &connection, err);
		if (rc > 0 && connection.is_source)
			json_array_append_new(rows,
			    json_pack("{s:s, s:s, s:b}", "code", name, "name",
				connection.name[0] != '\0' ? connection.name : name, "is_chosen",
				chosen != NULL && strcmp(chosen, name) == 0));
		account_connection_release(&connection);
	}
	json_object_set_new(model, "sources", rows);
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static const char *
notice(const struct exchange *exchange)
{
	static const struct user_notice notices[] = {
	    {"forgotten", "The document is removed, and what was found forgotten."},
	    {"busy", "Another person is being looked for or erased. Try again when that is done."},
	    {"stale", "What was found is old, so nobody was erased. Look again."},
	};

	return user_notice(exchange, notices, BH_LEN(notices));
}

/* What was wrong with one of the forms. */
struct complaint {
	int status;
	const json_t *values;         /* of the form that looks */
	const json_t *who, *password; /* errors by field; NULL none */
};

static json_t *
begin_model(struct exchange *exchange, const struct inquiry *inquiry)
{
	const char *base = exchange->request->base;
	json_t *model = json_object(), *live = json_object();

	add_live(inquiry, model, live);
	json_object_set(model, "newest", json_object_get(live, "newest"));
	json_object_set_new(model, "settings_url", json_sprintf("%s/settings", base));
	json_object_set_new(model, "base_url", json_sprintf("%s/settings/person", base));
	json_object_set_new(model, "who", words_json(inquiry->who));
	json_object_set_new(model, "data_dir", words_json(exchange->site->conf->data_dir));
	add_facts(exchange, inquiry, model);
	json_decref(live);
	return model;
}

static int
show(struct exchange *exchange, const struct complaint *complaint, struct bh_err *err)
{
	const char *chosen = request_field(exchange->request, "connection");
	struct inquiry inquiry;
	json_t *model;
	bool is_looked;

	if (inquiry_get(exchange_read(exchange), &inquiry, err) < 0)
		return -1;
	model = begin_model(exchange, &inquiry);
	is_looked = inquiry.state == INQUIRY_LOOKED;
	json_object_set_new(model, "done", json_string(notice(exchange)));
	json_object_set_new(model, "is_looked", json_boolean(is_looked));
	json_object_set_new(model, "is_over",
	    json_boolean(is_looked || inquiry.state == INQUIRY_ERASED));
	json_object_set_new(model, "file", file_view(exchange, &inquiry, complaint->password));
	json_object_set_new(model, "fields",
	    form_view(who_fields, BH_LEN(who_fields), complaint->values, complaint->who));
	inquiry_release(&inquiry);
	if (add_sources(exchange, chosen, model, err) < 0) {
		json_decref(model);
		return -1;
	}
	return exchange_page(exchange, complaint->status, "person", "Personal data", model, err);
}

int
page_person(struct exchange *exchange, struct bh_err *err)
{
	static const struct complaint none = {.status = 200};

	return user_is_admin(exchange) ? show(exchange, &none, err) : 0;
}

int
page_person_status(struct exchange *exchange, struct bh_err *err)
{
	struct inquiry inquiry;
	json_t *model, *live;

	if (!user_is_admin(exchange))
		return 0;
	if (inquiry_get(exchange_read(exchange), &inquiry, err) < 0)
		return -1;
	model = json_object();
	live = json_object();
	add_live(&inquiry, model, live);
	response_json(exchange->response, 200, live);
	json_decref(model);
	inquiry_release(&inquiry);
	return 0;
}

/* -- the question before erasing -- */

static void
go(struct exchange *exchange, const char *done)
{
	char path[64];

	snprintf(path, sizeof(path), "/settings/person%s", done);
	response_redirect(exchange->response, exchange->request->base, path);
}

static int
ask(struct exchange *exchange, int status, const json_t *values, const json_t *errors,
    struct bh_err *err)
{
	struct inquiry inquiry;
	json_t *model;

	if (inquiry_get(exchange_read(exchange), &inquiry, err) < 0)
		return -1;
	if (inquiry.state != INQUIRY_LOOKED) {
		inquiry_release(&inquiry);
		go(exchange, "?done=stale");
		return 0;
	}
	model = begin_model(exchange, &inquiry);
	json_object_set_new(model, "asked", json_integer((json_int_t)inquiry.asked_ms));
	json_object_set_new(model, "fields",
	    form_view(erase_fields, BH_LEN(erase_fields), values, errors));
	inquiry_release(&inquiry);
	return exchange_page(exchange, status, "person_erase", "Erase a person", model, err);
}

int
page_person_ask(struct exchange *exchange, struct bh_err *err)
{
	return user_is_admin(exchange) ? ask(exchange, 200, NULL, NULL, err) : 0;
}

/* -- buttons -- */

struct press {
	const struct exchange *exchange;
	const char *text; /* for the trail: nobody is named there */
	const char *who, *connection;
	int64_t asked_ms;
	int (*act)(struct store_txn *txn, const struct press *press, struct bh_err *err);
	bool is_refused; /* it was too late, or too early */
};

static int
ask_for(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	return inquiry_ask(txn, press->who, press->connection, press->exchange->session.user,
	    bh_now_ms(), err);
}

static int
tell(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	return inquiry_tell(txn, press->asked_ms, press->exchange->session.user, bh_now_ms(), err);
}

static int
keep_a_while(struct store_txn *txn, const struct press *press BH_UNUSED, struct bh_err *err)
{
	return inquiry_end(txn, bh_now_ms() + INQUIRY_FETCHED_MS, err);
}

static int
end_now(struct store_txn *txn, const struct press *press BH_UNUSED, struct bh_err *err)
{
	return inquiry_end(txn, bh_now_ms(), err);
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "person",
	    .subject = "person",
	    .text = text,
	    .by = press->exchange->session.user};
	int rc = press->act(txn, press, err);

	press->is_refused = rc > 0;
	if (rc != 0)
		return rc;
	snprintf(text, sizeof(text), "%s, in the browser by %.72s", press->text, entry.by);
	trail_add(txn, 0, &entry);
	return 0;
}

static int
do_press(struct exchange *exchange, struct press *press, const char *done, const char *refused,
    struct bh_err *err)
{
	if (store_run(exchange->site->store, press_in, press, NULL, err) < 0)
		return -1;
	go(exchange, press->is_refused ? refused : done);
	return 0;
}

static int
look(struct exchange *exchange, struct bh_err *err)
{
	const char *connection = request_field(exchange->request, "connection");
	struct press press = {.exchange = exchange,
	    .connection = connection != NULL && strlen(connection) <= 64 ? connection : "",
	    .act = ask_for,
	    .text = "what is kept about a person was looked for"};
	struct complaint complaint = {.status = 400};
	json_t *values, *errors;
	int rc;

	if (form_is_valid(who_fields, BH_LEN(who_fields), exchange->request, &values, &errors)) {
		press.who = bh_json_str(values, "who");
		rc = do_press(exchange, &press, "", "?done=busy", err);
	} else {
		complaint.values = values;
		complaint.who = errors;
		rc = show(exchange, &complaint, err);
	}
	json_decref(values);
	json_decref(errors);
	return rc;
}

static int
drop(struct exchange *exchange, struct bh_err *err)
{
	struct press press = {.exchange = exchange,
	    .act = end_now,
	    .text = "what was found about a person was forgotten"};

	return do_press(exchange, &press, "?done=forgotten", "", err);
}

/* The posted form is right, and the password: 1; 0 and *errors_r, *values_r, both owned; -1. */
static int
check(struct exchange *exchange, const struct form_field *fields, size_t n, json_t **values_r,
    json_t **errors_r, struct bh_err *err)
{
	int rc;

	if (!form_is_valid(fields, n, exchange->request, values_r, errors_r))
		return 0;
	rc = session_is_password(exchange, request_field(exchange->request, "password"), err);
	if (rc == 0)
		*errors_r = json_pack("{s:s}", "password", "That is not your password.");
	return rc;
}

static int
erase(struct exchange *exchange, struct bh_err *err)
{
	const char *asked = request_field(exchange->request, "asked");
	struct press press = {.exchange = exchange,
	    .act = tell,
	    .text = "erasing a person was asked for",
	    .asked_ms = asked != NULL ? strtoll(asked, NULL, 10) : 0};
	json_t *values = NULL, *errors = NULL;
	int rc = check(exchange, erase_fields, BH_LEN(erase_fields), &values, &errors, err);

	if (rc > 0 && strcmp(bh_json_str(values, "confirm"), CONFIRM) != 0) {
		errors = json_pack("{s:s}", "confirm", "Type " CONFIRM " to confirm.");
		rc = 0;
	}
	if (rc > 0)
		rc = do_press(exchange, &press, "", "?done=stale", err);
	else if (rc == 0)
		rc = ask(exchange, 400, values, errors, err);
	json_decref(values);
	json_decref(errors);
	return rc;
}

/* -- fetching the document -- */

/* Noted before it is sent: that it leaves is what counts. */
static int
send(struct exchange *exchange, struct bh_err *err)
{
	struct press press = {.exchange = exchange,
	    .act = keep_a_while,
	    .text = "what is kept about a person was fetched"};
	static const struct complaint gone = {.status = 404};
	struct inquiry inquiry;
	struct stat is;
	int fd = -1, rc = inquiry_get(exchange_read(exchange), &inquiry, err);

	if (rc == 0 && inquiry.state == INQUIRY_LOOKED)
		fd = open_file(exchange, &inquiry, &is);
	if (rc == 0 && fd < 0)
		rc = show(exchange, &gone, err);
	else if (rc == 0 && store_run(exchange->site->store, press_in, &press, NULL, err) < 0)
		rc = -1;
	else if (rc == 0)
		response_stream(exchange->response, fd, (uint64_t)is.st_size, "application/json",
		    inquiry.name);
	if (rc < 0 && fd >= 0)
		close(fd);
	inquiry_release(&inquiry);
	return rc;
}

static int
fetch(struct exchange *exchange, struct bh_err *err)
{
	struct complaint complaint = {.status = 400};
	json_t *values = NULL, *errors = NULL;
	int rc = check(exchange, fetch_fields, BH_LEN(fetch_fields), &values, &errors, err);

	complaint.password = errors;
	if (rc > 0)
		rc = send(exchange, err);
	else if (rc == 0)
		rc = show(exchange, &complaint, err);
	json_decref(values);
	json_decref(errors);
	return rc;
}

int
page_person_press(struct exchange *exchange, struct bh_err *err)
{
	static const struct {
		const char *action;
		int (*run)(struct exchange *exchange, struct bh_err *err);
	} buttons[] = {{"look", look}, {"fetch", fetch}, {"erase", erase}, {"forget", drop}};

	for (size_t i = 0; i < BH_LEN(buttons); i++)
		if (strcmp(buttons[i].action, exchange->match.args[0]) == 0)
			return buttons[i].run(exchange, err);
	exchange_error(exchange, 404, "There is no such button.");
	return 0;
}
