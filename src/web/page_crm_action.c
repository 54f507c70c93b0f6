/*
 * The buttons on the page of a CRM.  Most ask for an errand, which a worker
 * runs; a person's choice of a match is stored at once.  Before something is
 * taken away the person types the connection's code, and has seen the counts.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/mirror.h"
#include "state/queue.h"
#include "state/trail.h"
#include "web/crm_people.h"
#include "web/crm_sync.h"
#include "web/page_crm.h"

#define REMOTE_ID_MAX 63 /* bytes of a CRM's id */

struct press {
	struct exchange *exchange;
	const struct connection_kind *kind;
	const char *code; /* of the connection */
	const struct button *button;
	char done[160]; /* what the trail says */
};

/* In the transaction: 0, or -1 BH_INVALID with a sentence for the person. */
typedef int press_do(struct store_txn *txn, struct press *press, struct bh_err *err);

static press_do press_errand, press_import, press_match, press_link, press_create, press_disconnect;

static const struct button {
	const char *action; /* last part of the path */
	enum account_role role;
	const char *errand;
	press_do *act;
	const char *then; /* query of the page that is shown */
} buttons[] = {
    {"test", ACCOUNT_OPERATOR, ERRAND_PROBE, press_errand, ""},
    {"plan", ACCOUNT_OPERATOR, ERRAND_PLAN, press_errand, "#schema"},
    {"install", ACCOUNT_ADMIN, ERRAND_INSTALL, press_errand, "#schema"},
    {"count", ACCOUNT_OPERATOR, ERRAND_COUNT, press_errand, "#disconnect"},
    {"import", ACCOUNT_OPERATOR, ERRAND_IMPORT, press_import, "#accounts"},
    {"match", ACCOUNT_OPERATOR, NULL, press_match, "?linked=1"},
    {"link", ACCOUNT_OPERATOR, NULL, press_link, "?linked=1"},
    {"create", ACCOUNT_OPERATOR, ERRAND_CREATE, press_create, "#accounts"},
    {"disconnect", ACCOUNT_ADMIN, ERRAND_DISCONNECT, press_disconnect, "?leaving=1#disconnect"},
};

static const char *
field(const struct press *press, const char *name)
{
	const char *text = request_field(press->exchange->request, name);

	return text != NULL ? text : "";
}

/* -- errands -- */

/* One that runs goes on as it is.  Takes ask. */
static int
ask_once(struct store_txn *txn, const struct press *press, json_t *ask, struct bh_err *err)
{
	const char *name = press->button->errand;
	int64_t now = bh_now_ms();
	struct errand errand;
	int rc = errand_load(txn, press->code, name, &errand, err);

	if (rc > 0 && errand.is_open) {
		queue_wake(txn, ERRAND_JOB, press->code, now);
		json_decref(ask);
	} else if (rc >= 0) {
		errand_ask(txn, press->code, name, ask, now);
	} else {
		json_decref(ask);
	}
	errand_release(&errand);
	return rc < 0 ? -1 : 0;
}

static int
press_errand(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	if (dest_check_can(press->kind->dest, press->button->errand, err) < 0)
		return -1;
	snprintf(press->done, sizeof(press->done), "asked for");
	return ask_once(txn, press, NULL, err);
}

/* Of which sync, and from which account on. */
static int
press_import(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	const char *sync = field(press, "sync"), *after = field(press, "after");

	if (dest_check_can(press->kind->dest, ERRAND_IMPORT, err) < 0)
		return -1;
	if (*sync != '\0' && !bh_is_code(sync))
		return bh_fail(err, BH_INVALID, "Choose one of the syncs.");
	snprintf(press->done, sizeof(press->done), "asked for");
	return ask_once(txn, press,
	    json_pack("{s:s*, s:s*}", "sync", *sync != '\0' ? sync : NULL, "after",
		*after != '\0' && strlen(after) <= REMOTE_ID_MAX ? after : NULL),
	    err);
}

/* -- matches -- */

/* The link that the form names, as a mapped object of a sync to here. */
static int
find_object(struct store_txn *txn, const struct press *press, const char *sync, const char *name,
    struct crm_object *object, struct bh_err *err)
{
	int rc = crm_object_find(txn, press->code, sync, name, object, err);

	return rc == 0  ? bh_fail(err, BH_INVALID, "There is no such sync to here any more.")
	       : rc < 0 ? -1
			: 0;
}

static const json_t *
find_candidate(const json_t *candidates, const char *remote_id)
{
	json_t *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)candidates, i, one) {
		const char *its = bh_json_str(one, "remote_id");

		if (its != NULL && strcmp(its, remote_id) == 0)
			return one;
	}
	return NULL;
}

/* Is it still waiting, with this candidate among those shown?  remote_id "": none of them. */
static int
check_choice(struct store_txn *txn, const struct link_id *id, const char *remote_id,
    struct bh_err *err)
{
	struct link link;
	json_t *candidates = NULL;
	bool is_offered;
	int rc = link_get(txn, id, &link, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || link.state != LINK_HELD || strcmp(link.code, LINK_AMBIGUOUS) != 0)
		return bh_fail(err, BH_INVALID, "It does not wait for a choice any more.");
	if (*remote_id == '\0')
		return 0;
	if (link_candidates_get(txn, id, &candidates, err) < 0)
		return -1;
	is_offered = find_candidate(candidates, remote_id) != NULL;
	json_decref(candidates);
	return is_offered ? 0
			  : bh_fail(err, BH_INVALID,
				"What can be chosen has changed meanwhile. Look again.");
}

static int
adopt(struct store_txn *txn, struct press *press, const struct link_id *id, const char *remote_id,
    struct bh_err *err)
{
	char how[160];

	snprintf(how, sizeof(how), "chosen by %.80s", press->exchange->session.user);
	snprintf(press->done, sizeof(press->done), "%.40s %.60s is %.40s", id->object, id->id,
	    *remote_id != '\0' ? remote_id : "to be made anew");
	return link_adopt(txn, id, remote_id, how, err);
}

static int
press_match(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	const char *remote_id = field(press, "remote_id");
	struct crm_object object = {0};
	struct link_id id;

	if (find_object(txn, press, field(press, "sync"), field(press, "object"), &object, err) < 0)
		return -1;
	id = (struct link_id){press->code, object.rank, field(press, "sync"), object.name,
	    field(press, "account"), field(press, "id")};
	crm_object_release(&object);
	if (check_choice(txn, &id, remote_id, err) < 0)
		return -1;
	return adopt(txn, press, &id, remote_id, err);
}

/* -- CRM accounts without a customer -- */

/* The list, with the account that was chosen from it; the errand is released by the caller, also after -1. */
static int
find_row(struct store_txn *txn, const struct press *press, struct errand *import,
    const json_t **row_r, struct bh_err *err)
{
	int rc = errand_load(txn, press->code, ERRAND_IMPORT, import, err);

	*row_r = rc > 0 ? crm_import_row(import, field(press, "remote_id")) : NULL;
	if (rc >= 0 && *row_r == NULL)
		return bh_fail(err, BH_INVALID, "Choose one of the accounts in the list.");
	return rc < 0 ? -1 : 0;
}

/* Is the customer known, and not linked yet? */
static int
check_customer(struct store_txn *txn, const char *source, const struct link_id *id,
    struct bh_err *err)
{
	struct mirror_id held = {source, id->account, OBJECT_CUSTOMER, id->id};
	struct object_state state = {0};
	struct link link = {0};
	int rc = mirror_get(txn, &held, false, &state, err);

	mirror_object_release(&state);
	if (rc == 0)
		return bh_fail(err, BH_INVALID, "There is no customer %.100s in %s.", id->id,
		    source);
	if (rc < 0 || link_get(txn, id, &link, err) < 0)
		return -1;
	if (link.remote_id[0] != '\0')
		return bh_fail(err, BH_INVALID, "Customer %.100s is linked to %s already.", id->id,
		    link.remote_id);
	return 0;
}

/* The customer that was typed, "account/id" or an id alone, by the sync whose list it is. */
static int
link_customer(struct store_txn *txn, struct press *press, const char *sync, struct bh_err *err)
{
	struct crm_object object = {0};
	struct link_id link;
	char customer[400], *id;
	int rc = crm_customers_find(txn, press->code, sync, &object, err);

	if (rc == 0)
		return bh_fail(err, BH_INVALID, "There is no such sync to here any more.");
	if (rc < 0)
		return -1;
	snprintf(customer, sizeof(customer), "%s", field(press, "customer"));
	id = strchr(customer, '/');
	if (id != NULL)
		*id++ = '\0';
	link = (struct link_id){press->code, object.rank, sync, object.name,
	    id != NULL ? customer : "", id != NULL ? id : customer};
	rc = check_customer(txn, object.sync.from, &link, err);
	if (rc == 0)
		rc = adopt(txn, press, &link, field(press, "remote_id"), err);
	crm_object_release(&object);
	return rc;
}

/* The account has a customer now: it leaves the list. */
static void
drop_row(struct store_txn *txn, const struct press *press, struct errand *import, const json_t *row)
{
	json_t *rows = json_object_get(import->answer, "rows");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		if (json_array_get(rows, i) != row)
			continue;
		json_array_remove(rows, i);
		break;
	}
	errand_save(txn, press->code, ERRAND_IMPORT, import);
}

static int
press_link(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	struct errand import = {0};
	const json_t *row;
	const char *sync;
	int rc = find_row(txn, press, &import, &row, err);

	sync = bh_json_str(import.answer, "sync");
	if (rc == 0 && *field(press, "customer") == '\0')
		rc = bh_fail(err, BH_INVALID, "Enter the id of a customer.");
	if (rc == 0)
		rc = link_customer(txn, press, sync != NULL ? sync : "", err);
	if (rc == 0)
		drop_row(txn, press, &import, row);
	errand_release(&import);
	return rc;
}

static int
press_create(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	struct errand import = {0};
	const json_t *row;
	const char *source, *sync, *name;
	int rc = find_row(txn, press, &import, &row, err);

	source = bh_json_str(import.answer, "source");
	sync = bh_json_str(import.answer, "sync");
	name = bh_json_str(row, "name");
	if (rc == 0 &&
	    (source == NULL || sync == NULL || !bh_is_json_true(import.answer, "can_create")))
		rc = bh_fail(err, BH_INVALID,
		    "The billing system of this list lets nobody make customers.");
	if (rc == 0) {
		snprintf(press->done, sizeof(press->done), "customer of %.40s asked for at %.60s",
		    field(press, "remote_id"), source);
		rc = ask_once(txn, press,
		    json_pack("{s:s, s:s, s:s, s:s}", "source", source, "sync", sync, "remote_id",
			field(press, "remote_id"), "name",
			name != NULL && *name != '\0' ? name : field(press, "remote_id")),
		    err);
	}
	errand_release(&import);
	return rc;
}

/* -- disconnecting -- */

static int
press_disconnect(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	bool is_removal = strcmp(field(press, "what"), "remove") == 0, is_counted = false;

	if (strcmp(field(press, "confirm"), press->code) != 0)
		return bh_fail(err, BH_INVALID,
		    "To disconnect, type the connection's code: %s. Nothing was done.",
		    press->code);
	if (!is_removal && strcmp(field(press, "what"), "keep") != 0)
		return bh_fail(err, BH_INVALID, "Choose what becomes of the records.");
	if (is_removal && press->kind->dest->uninstall == NULL)
		return bh_fail(err, BH_INVALID, "%s cannot be tidied up from here.",
		    press->kind->title);
	if (crm_is_counted(txn, press->code, bh_now_ms(), &is_counted, err) < 0)
		return -1;
	if (is_removal && !is_counted)
		return bh_fail(err, BH_INVALID,
		    "Count first what would be lost. Nothing was done.");
	snprintf(press->done, sizeof(press->done), "asked for, %s there",
	    is_removal ? "removing what Billhook made" : "keeping what is");
	return ask_once(txn, press, json_pack("{s:b}", "remove", is_removal), err);
}

/* -- any button -- */

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	char text[320];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = press->button->action,
	    .subject = press->code,
	    .text = text,
	    .by = press->exchange->session.user};

	if (press->button->act(txn, press, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%s, in the browser by %s", press->done,
	    press->exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

int
crm_act(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err)
{
	const char *action = exchange->match.args[1];
	struct press press = {.exchange = exchange, .kind = kind, .code = connection->code};
	struct bh_err why = BH_ERR_INIT;

	if (strcmp(action, "login") == 0)
		return crm_begin_login(exchange, connection, kind, err);
	for (size_t i = 0; i < BH_LEN(buttons); i++)
		if (strcmp(buttons[i].action, action) == 0)
			press.button = &buttons[i];
	if (press.button == NULL) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	if (exchange->session.role < press.button->role) {
		exchange_error(exchange, 403, "Your role does not include this.");
		return 0;
	}
	if (store_run(exchange->site->store, press_in, &press, NULL, &why) == 0) {
		connection_go(exchange, connection->code, press.button->then);
		return 0;
	}
	if (why.code == BH_INVALID)
		return crm_show_problem(exchange, connection, kind, why.text, err);
	return bh_fail(err, why.code, "%s", why.text);
}
