/* Shared by the files of the Salesforce driver; nobody else includes it. */
#ifndef DEST_SALESFORCE_H
#define DEST_SALESFORCE_H

#include "dest/driver.h"

#define SALESFORCE_ROWS_MAX 200 /* rows of one collection (REST guide: sObject Collections) */
#define SALESFORCE_BULK_ROWS 100000
#define SALESFORCE_BULK_BYTES ((size_t)24 * 1000 * 1000) /* far below the 100 MB that a job takes */
#define SALESFORCE_COLLECTIONS 5 /* collections in one composite call (REST guide: Composite) */

/* One call's answer.  json is NULL when the body is none (204, or an HTML page). */
struct salesforce_answer {
	struct http_response response;
	json_t *json;
};

void salesforce_answer_release(struct salesforce_answer *answer);

/* The version that URLs name: "67.0". */
const char *salesforce_version(const struct dest_config *config);

/*
 * Call METHOD {base_url}{path} with the access token; body may be NULL.
 * Counts the call and keeps what the answer says about limits.  0 when there
 * is an answer of any status; -1 with BH_DENIED (no token yet),
 * BH_UNAVAILABLE (nothing was sent), BH_UNCERTAIN or BH_INVALID.  The answer is to be released in any case.
 */
int salesforce_call(struct dest_config *config, const char *method, const char *path,
    const struct bh_buf *body, struct salesforce_answer *answer, struct bh_err *err);

/* A call that is not JSON both ways. */
struct salesforce_ask {
	const char *method, *path;
	const struct bh_buf *body; /* may be NULL */
	const char *type;          /* of the body; NULL: JSON, which may be records */
	const char *accept;        /* NULL: JSON */
	int timeout_ms;            /* 0: the one of data calls */
	size_t answer_max;         /* 0: the usual */
};

/* As salesforce_call(); with accept set, json is filled for refusals only. */
int salesforce_ask(struct dest_config *config, const struct salesforce_ask *ask,
    struct salesforce_answer *answer, struct bh_err *err);

/*
 * What a failure means.  error is one error object ("errorCode" or
 * "statusCode", "message", "fields"), an array whose first element is one, or
 * anything else (then the HTTP status decides).  object is the CRM object
 * that was written, NULL when there was none.  Never gives DEST_APPLIED.
 * Returns for how many seconds all calls of the connection should wait.
 */
int salesforce_explain(struct dest_result *result, int status, const json_t *error,
    const char *object);

/* What else an error tells (see salesforce_explain() for the arguments). */
#define SALESFORCE_SLOW 1u /* fewer records at a time may help */
#define SALESFORCE_GONE                                                                            \
	2u /* the record itself is not there (any more), if it was named by its id */
unsigned salesforce_hints(int status, const json_t *error);

/* The fields that one error object names: a new array of names, perhaps empty. */
json_t *salesforce_named_fields(const json_t *error);

/* As salesforce_explain() for a whole call: minds Retry-After and keeps config->usage.pause_s. */
void salesforce_explain_call(struct dest_config *config, const struct salesforce_answer *answer,
    const char *object, struct dest_result *result);

/* The same as an error of BH_DENIED, BH_LIMITED, BH_UNAVAILABLE, BH_UNCERTAIN or BH_INVALID.  Returns -1. */
int salesforce_fail(struct dest_config *config, const struct salesforce_answer *answer,
    const char *object, struct bh_err *err);

/*
 * For what may simply be asked again: an answer that was lost is BH_UNAVAILABLE
 * instead of BH_UNCERTAIN.  Returns rc.
 */
int salesforce_repeatable(int rc, struct bh_err *err);

/* How a record is written. */
enum salesforce_way {
	SALESFORCE_UPSERT = 0, /* by its key */
	SALESFORCE_UPDATE,     /* by its Salesforce id, and its key with it */
	SALESFORCE_INSERT      /* with its key as an ordinary field */
};
enum salesforce_way salesforce_way(const struct record *record);

/*
 * A value in plain text, as CSV takes it and as JSON takes it between quotes
 * (numbers and booleans: without).  False when it has not the form of its
 * type; null is not a value, but for a checkbox, where it is "false".
 */
bool salesforce_has_value(struct bh_buf *out, enum record_type type, const json_t *value);

/* The relationship's name of a lookup: Account__c gives Account__r, AccountId gives Account.  Owned by the caller. */
char *salesforce_relationship(const char *field);
/* Lookups that point at several kinds of object need the kind named. */
bool salesforce_is_polymorphic(const char *field);

/*
 * Add a record as a row of a collection.  -1 BH_INVALID naming the field
 * whose value cannot be sent: one malformed value would fail all rows.
 */
int salesforce_encode(struct bh_buf *out, const struct record *record, struct bh_err *err);

/* Functions of the driver's table. */
unsigned salesforce_object_traits(const char *object);
int salesforce_check(const struct dest_config *config, struct bh_err *err);
int salesforce_authorize(struct dest_config *config, struct bh_err *err);
int salesforce_describe(struct dest_config *config, const char *object,
    struct dest_object **object_r, struct bh_err *err);
int salesforce_describe_many(struct dest_config *config, const char *const *names, size_t n,
    struct dest_object **objects_r, bool *is_asked_r, struct bh_err *err);
void salesforce_push(struct dest_config *config, struct record *const *records, size_t n,
    struct dest_result *results);
int salesforce_login(const struct dest_config *config, const struct dest_login *login,
    struct bh_buf *url, struct bh_err *err);
int salesforce_exchange(struct dest_config *config, const struct dest_login *login,
    const char *code, struct bh_err *err);
int salesforce_revoke(struct dest_config *config, struct bh_err *err);
int salesforce_limits(struct dest_config *config, json_t **detail_r, struct bh_err *err);
int salesforce_find(struct dest_config *config, const struct dest_wanted *wanted, size_t n,
    struct dest_found *found, struct bh_err *err);
int salesforce_active(struct dest_config *config, const char *const *ids, size_t n,
    bool *is_active_r, struct bh_err *err);
int salesforce_read(struct dest_config *config, struct dest_reading *readings, size_t n,
    struct bh_err *err);
int salesforce_end(struct dest_config *config, struct dest_end *ends, size_t n, struct bh_err *err);
int salesforce_remove(struct dest_config *config, struct dest_removal *removals, size_t n,
    struct bh_err *err);
int salesforce_purge(struct dest_config *config, const char *object, const char *field,
    int64_t before_ms, size_t *n_r, bool *more_r, struct bh_err *err);
void salesforce_record_url(const struct dest_auth *auth, const char *object, const char *remote_id,
    struct bh_buf *url);
int salesforce_unlinked(struct dest_config *config, const char *object, const char *key_field,
    const char *after, json_t **rows_r, bool *more_r, struct bh_err *err);
void salesforce_bulk_head(const struct dest_bulk *bulk, const struct dest_column *columns, size_t n,
    struct bh_buf *rows);
int salesforce_bulk_row(const struct dest_bulk *bulk, const struct record *record,
    const struct dest_column *columns, size_t n, struct bh_buf *rows, struct bh_err *err);
int salesforce_bulk_step(struct dest_config *config, struct dest_bulk *bulk,
    const struct bh_buf *rows, struct bh_err *err);
int salesforce_bulk_results(struct dest_config *config, const struct dest_bulk *bulk,
    dest_bulk_each *each, void *arg, struct bh_err *err);
int salesforce_bulk_drop(struct dest_config *config, const struct dest_bulk *bulk,
    struct bh_err *err);
int salesforce_schema_plan(struct dest_config *config, const json_t *catalogue, json_t **plan_r,
    struct bh_err *err);
int salesforce_schema_install(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err);
int salesforce_schema_count(struct dest_config *config, const json_t *catalogue, json_t **counts_r,
    struct bh_err *err);
int salesforce_schema_uninstall(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err);

#endif
