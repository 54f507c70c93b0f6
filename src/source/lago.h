/* Parts of the Lago driver.  "Lago" with a section means the reference of its API and sources. */
#ifndef SOURCE_LAGO_H
#define SOURCE_LAGO_H

#include "source/driver.h"
#include "source/read.h"

#define LAGO_CLOUD "https://api.getlago.com"
#define LAGO_CLOUD_APP "https://app.getlago.com"

int lago_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err);
/*
 * The connection's public key as PEM (settings.public_key or
 * secrets.public_key, as PEM or as the API gives it: base64 of PEM); 1, 0 when there is none, -1 BH_INVALID.
 */
int lago_public_key(const struct source_config *config, struct bh_buf *pem, struct bh_err *err);

/* -- objects: the same handlers for events and for what REST tells -- */

/*
 * The event of objects that came by REST: news->at_ms is the answer's time by
 * Lago's clock, news->received_ms ours when the call was made.
 */
extern const struct source_event lago_rest;
bool is_lago_rest(const struct source_news *news);

/* Handlers: object is the member that object_type names, or a row of a list. */
int lago_customer(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_subscription(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_invoice(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_credit_note(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_payment(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_payment_receipt(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_payment_request(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_plan(struct source_news *news, const json_t *object, struct bh_err *err);

/* The invoice alone, without its customer: as payment requests and lists repeat them. */
int lago_put_invoice(struct source_news *news, const json_t *invoice, struct bh_err *err);
/* A payment without the look-ups that an event asks for. */
int lago_put_payment(struct source_news *news, const json_t *payment, struct bh_err *err);

/*
 * A subscription of a list.  running_ms: since when what it says has held, if it
 * is running (at least its start); 0: since its start.  whole_life: also the
 * state at its start, so that a history without events begins there.
 */
int lago_put_subscription(struct source_news *news, const json_t *subscription, int64_t running_ms,
    bool whole_life, struct bh_err *err);
/* When a subscription began to be worth something; 0 when it never ran. */
int64_t lago_running_since(const json_t *subscription);
/*
 * What a list of subscriptions does not carry of the plan, as a small plan
 * object (new reference); put it into such a row before it is handled.
 */
json_t *lago_plan_brief(const json_t *plan);
void lago_add_plan(json_t *subscription, const json_t *brief);
/*
 * Records of one external_id that follow each other (upgrade, downgrade):
 * writes "previous_id" and "next_id" into the rows of one answer.
 */
void lago_link_chains(json_t *rows);
const json_t *lago_plan_name(const json_t *plan);
/* "month" of "monthly"; NULL. */
const char *lago_interval(const char *word);

/* -- what they share -- */

/* The smallest unit as Lago counts it; currency may be NULL. */
struct read_unit lago_unit(const char *currency);
/*
 * A page of the front end, where it is known: format with %s once or twice for
 * the two ids, both escaped; nothing when one is no text.
 */
void lago_link(const struct source_news *news, struct object_change *change, const char *format,
    const json_t *first_id, const json_t *second_id);
/* [{"key":..., "value":...}] or {"key": "value"} as an object of texts. */
void lago_metadata(json_t *fields, const json_t *list);
/* A customer that bills the merchant, not the other way round. */
bool is_lago_partner(const json_t *customer);
/* The customer inside another object: its own event may have been lost. */
int lago_nested_customer(struct source_news *news, const json_t *object, struct bh_err *err);
/* A time by name; 0 when it is not there. */
int64_t lago_ms(const json_t *object, const char *name);
/*
 * The version of an object that has updated_at (whole seconds).  Events of one
 * second are told apart by rank, then by contents.  An answer of REST that
 * is at least two seconds younger than updated_at has seen everything of that
 * second: it stands above all events of it, answers by their time.
 */
void lago_version(const struct source_news *news, const json_t *object, int rank,
    struct object_change *change);
/* A tombstone as of at_ms, above everything that was told before. */
int lago_delete(struct source_news *news, enum object_kind kind, const json_t *id, int64_t at_ms,
    struct bh_err *err);
/* A tie that orders by arrival: prefix (at most 12 bytes), time, then the delivery or the contents. */
void lago_arrival_tie(const struct source_news *news, const char *prefix,
    struct object_change *change);
/* Ask for each of ids (at most 50), or for the one id. */
void lago_want_all(struct source_news *news, const char *what, const json_t *ids);
/* Outcome by what stands in the result. */
void lago_settle(struct source_news *news);

/* -- REST (lago_api.c) -- */

#define LAGO_PER_PAGE 100

/* The API's address without slashes at its end and a pasted /api/v1; owned by the caller. */
char *lago_base(const char *url);
/* text is appended percent-encoded. */
void lago_query(struct bh_buf *path, const char *name, const char *text);
/*
 * One call below /api/v1/.  1 an answer with a JSON object; 0 there is no such
 * thing (404); -1 as source.h says, in plain words.
 */
int lago_call(const struct source_api *api, const char *method, const char *path,
    const json_t *body, struct source_answer *answer, struct bh_err *err);
/*
 * A page of a list: path with its query but for page and per_page.  rows_r is
 * borrowed from answer; next: the page after it, 0 at the end; total -1 when it is not told.
 */
struct lago_rows {
	const json_t *rows;
	int64_t next, total;
	int64_t wait_ms; /* before the next call, so that half of the limit stays for others */
};
int lago_list(const struct source_api *api, const char *path, const char *plural, int64_t page,
    struct source_answer *answer, struct lago_rows *rows, struct bh_err *err);
/* News of what an answer holds. */
struct source_news lago_news(const struct source_api *api, const struct source_answer *answer,
    struct source_result *result);
/*
 * A customer by its Lago id, which the API cannot be asked by: among those of
 * external_id where it is known (NULL: not), else on that many pages of the newest.
 * 1 and *customer_r (new reference); 0 there is none; -1, BH_INVALID when the pages did not tell.
 */
int lago_find_customer(const struct source_api *api, const char *id, const char *external_id,
    int pages, json_t **customer_r, int64_t *answer_ms_r, struct bh_err *err);

int lago_probe(const struct source_api *api, json_t **who_r, struct bh_err *err);
int lago_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err);
int lago_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err);
int lago_endpoints(const struct source_api *api, json_t **list_r, struct bh_err *err);
int lago_endpoint_put(const struct source_api *api, const struct source_endpoint *endpoint,
    json_t **endpoint_r, struct bh_err *err);
int lago_endpoint_remove(const struct source_api *api, const char *id, struct bh_err *err);
int lago_write_back(const struct source_api *api, const char *account, const char *customer,
    const char *crm, const char *remote_id, struct bh_err *err);
int lago_create_customer(const struct source_api *api, const json_t *who, char id_r[256],
    struct bh_err *err);

#endif
