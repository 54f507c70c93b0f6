/*
 * Destinations (CRMs), for callers and drivers.  A driver gets a transport and
 * returns data; it neither stores nor retries.  One array in dest.c lists the drivers.
 */
#ifndef DEST_DEST_H
#define DEST_DEST_H

#include "model/record.h"
#include "net/http.h"
#include "net/setting.h"

enum dest_outcome {
	DEST_UNKNOWN = 0,
	/* Written; remote_id is set, created tells which.  With a code: written, but cause says what was left out. */
	DEST_APPLIED,
	DEST_UNCHANGED, /* the CRM already held these values */
	DEST_LATER, /* nothing was written; retry after a pause (retry_after_s, 0 = caller's choice) */
	DEST_UNCERTAIN, /* no answer: it may be written; an upsert by key may be repeated */
	DEST_WAITING,   /* its parent is not in the CRM yet */
	DEST_REJECTED,  /* refused for good; a person must look */
	DEST_AUTH,      /* the access token is no longer good: refresh, then repeat */
	DEST__MAX
};

/* One per record.  Texts are for people and hold no secret. */
struct dest_result {
	enum dest_outcome outcome;
	bool created;
	bool permanent_auth; /* with DEST_AUTH: refreshing cannot help, a person must reconnect */
	bool
	    doubtful; /* with DEST_LATER: may never succeed; after three tries a person must look */
	char remote_id[64];
	int retry_after_s;
	/*
	 * The CRM's own word: "STRING_TOO_LONG"; "GONE": the record of remote_id is not there any more;
	 * "CONFLICT" with DEST_REJECTED: remote_id is the record that holds a value that only one may have, "" not known.
	 */
	char code[64];
	char cause[240];
	size_t own_len; /* of cause, as in struct bh_err */
	char remedy[240];
	char said[480]; /* the error itself as the CRM sent it, cut; "" where there was none */
};

/* What the CRM's answers said about its limits; 0 = not said. */
struct dest_usage {
	int64_t day_used, day_limit;     /* calls in the CRM's daily window */
	int64_t burst_left, burst_limit; /* calls left in the short window */
	int burst_window_ms;
	int pause_s; /* do not call before this many seconds are over */
};

/* Tokens and what belongs to them; as sealed by the caller. */
struct dest_auth {
	struct bh_secret access_token;
	struct bh_secret refresh_token;
	char base_url[256];  /* Salesforce: instance_url */
	int64_t expires_ms;  /* 0: not known */
	char account_id[64]; /* org id, portal id */
	char account_name[128];
	char account_kind[64]; /* "Enterprise Edition"; "" not known */
	bool is_sandbox;       /* nothing in it is real: a sandbox, a test portal */
	bool is_production; /* it said so; neither: it may be there for trying things. Not kept. */
	bool has_clock;     /* clock_s is known */
	int clock_s;        /* how far the account's clock is ahead of UTC */
	/* Rights that were not granted though they are wanted: a line each, with what it is for.  Not kept. */
	char missing[2000];
};
void dest_auth_release(struct dest_auth *auth);

/* A connection as a driver sees it; everything is borrowed. */
struct dest_config {
	const char *code;
	const json_t *settings;
	const json_t *secrets;
	struct http_transport *transport;
	struct dest_auth *auth;  /* read by push and describe; written by authorize */
	struct dest_usage usage; /* updated from every answer */
	/*
	 * A directory where drivers may keep files that all processes share which call for one
	 * account: paces, limits.  They may be lost at any time.  NULL: there is none.
	 */
	const char *run_dir;
	/*
	 * Rows that a push puts into one part of a call; 0: as many as it takes.  The
	 * driver halves it where calls take too long, and lets it grow again; the caller keeps it.
	 */
	size_t slice;
	int64_t calls;      /* HTTP calls made, counted up */
	const char *broken; /* stand-in: why the connection cannot be used; else NULL */
};

/* -- a person lets Billhook in (OAuth, authorization code with PKCE) -- */

struct dest_login {
	const char *redirect_uri; /* as it was given to login() */
	const char *state;        /* random; comes back with the code */
	const char *verifier;     /* 43 to 128 characters, unreserved (RFC 7636) */
};

/* -- which record is meant -- */

enum dest_compare {
	DEST_EQUAL = 0, /* as the CRM compares: case ignored where it ignores it */
	DEST_DOMAIN     /* the field holds a web address; its host without "www." is the value */
};
#define DEST_WANTED_MAX 3
#define DEST_CANDIDATES_MAX 5

/* One question: which records of an object have these values in these fields (in all of them)?  Borrowed. */
struct dest_wanted {
	const char *object;
	const char *key_field; /* its value is told with each candidate; NULL: not asked for */
	enum dest_compare compare;
	const char *fields[DEST_WANTED_MAX];
	const char *values[DEST_WANTED_MAX]; /* not empty */
	size_t n;                            /* 1 to DEST_WANTED_MAX */
};
struct dest_candidate {
	char remote_id[64];
	char name[128]; /* as people know it; "" */
	char key[256];  /* value of key_field; "" it has none */
};
struct dest_found {
	struct dest_candidate items[DEST_CANDIDATES_MAX];
	size_t n;
	bool more; /* there are more than fit */
};

/*
 * What a record holds now.  values (owned by the caller afterwards): by field,
 * in the form of struct record_field; null where the CRM holds nothing; a field
 * that the connection's user cannot see is absent.  NULL: there is no such record (any more).
 */
struct dest_reading {
	const char *object;
	const char *remote_id;
	const char *const *fields;
	size_t fields_n;
	json_t *values;
};

/* Is a record tied to that other one (Salesforce: a lookup; HubSpot: an association)? */
enum dest_tie_state {
	DEST_TIE_UNKNOWN = 0, /* it cannot be seen */
	DEST_TIE_HOLDS,
	DEST_TIE_OTHER /* to another one, or to none */
};
struct dest_tie {
	const char *object, *remote_id;
	const char *field; /* as struct record_parent */
	const char *to_object, *to_id;
	enum dest_tie_state state;
	char has[128]; /* ids of those that it is tied to, as far as they fit */
};

/* What became of a record that is gone. */
enum dest_fate {
	DEST_FATE_UNKNOWN = 0,
	DEST_FATE_THERE,   /* it is there after all */
	DEST_FATE_MERGED,  /* into the record survivor_id */
	DEST_FATE_DELETED, /* may be restored by a person */
	DEST_FATE_GONE     /* for good */
};
struct dest_end {
	const char *object;
	const char *remote_id;
	enum dest_fate fate;
	char survivor_id[64];
};

/* A record that is to go. */
struct dest_removal {
	const char *object, *remote_id;
	bool is_gone;    /* so, whoever removed it */
	char cause[240]; /* why it is not */
};

/* -- jobs over very many records -- */

enum dest_bulk_phase {
	DEST_BULK_NEW = 0,
	DEST_BULK_OPEN,     /* made; nothing is uploaded for certain */
	DEST_BULK_UPLOADED, /* rows are there, the CRM has not begun */
	DEST_BULK_RUNNING,
	DEST_BULK_DONE,   /* results can be fetched; single rows may have failed */
	DEST_BULK_FAILED, /* so: error tells why; rows may have been written */
	DEST_BULK__MAX
};
struct dest_bulk {
	char object[128];
	char key_field
	    [128];   /* by whose value rows are upserted; by_id: it is written, too, "" not */
	bool by_id;  /* rows name the CRM's ids: updates only */
	char id[64]; /* the CRM's, once there is one */
	enum dest_bulk_phase phase;
	int64_t processed, failed; /* rows, as the CRM tells them */
	char error[240];
};
/* A column beside the key: a field, or a lookup by its parent's key. */
struct dest_column {
	const char *name;          /* the field, or the lookup as struct record_parent names it */
	const char *parent_object; /* NULL: a field */
	const char *parent_key;    /* the parent's key field */
};
/* Gets each row's verdict: key as it stood in the key column (by_id: the id). */
typedef int dest_bulk_each(void *arg, const char *key, const struct dest_result *result,
    struct bh_err *err);

/* What kinds of things objects are to a driver; see object_traits. */
#define DEST_OBJECT_LOOK 1u  /* cannot be upserted by its key: look first, then insert */
#define DEST_OBJECT_EVENT 2u /* sent once, neither read nor changed (at least once) */

/* How the CRM describes an object: lengths and types by field. */
struct dest_field {
	char *name;
	char *label;
	enum record_type type;
	size_t length;     /* characters (UTF-16 units); 0: no limit known */
	int digits, scale; /* numbers: digits before and behind the point; 0, 0 unknown */
	bool writable, required, unique;
	json_t *options; /* array of allowed values, NULL: any; owned */
	/*
	 * Object: names by which people call the values that are written (a record type's name, its
	 * id), NULL: none; a value that is neither name nor named is left out.  Owned.
	 */
	json_t *aliases;
};
struct dest_object {
	char *name;
	struct dest_field *fields;
	size_t fields_n;
};
void dest_object_free(struct dest_object **object);
const struct dest_field *dest_object_field(const struct dest_object *object, const char *name);
/* To and from JSON, for keeping a description in the store. */
json_t *dest_object_json(const struct dest_object *object);
struct dest_object *dest_object_from_json(const json_t *json);

#define DEST_CAP_LINK_BY_KEY                                                                       \
	1u /* parents by external id in the same call: all ranks travel together */
#define DEST_CAP_DESCRIBE 2u
#define DEST_CAP_REFRESH 4u
#define DEST_CAP_KEEP                                                                              \
	8u /* nothing leaves: the caller keeps the records in its own store (sandbox) */
#define DEST_CAP_UNLINK                                                                            \
	16u /* records stay tied to former parents: push() unties them (record.formers) */

struct dest_driver {
	const char *name;  /* "salesforce" */
	const char *title; /* "Salesforce" */
	unsigned caps;
	size_t batch; /* most records of a push() that cost the fewest calls */
	/* Its settings and secrets, listed once. */
	const struct setting *settings;
	/*
	 * What the names of fields and objects that Billhook makes begin with
	 * ("Billhook_"); a connection's setting "prefix" puts another in its place.
	 */
	const char *prefix;
	/* What a person makes there by hand first, a line each; %s stands once for the address to come back to.  May be NULL. */
	const char *steps;
	/* The value of the setting "flow" with which a person lets Billhook in, by login(); NULL: none does. */
	const char *login_flow;
	/* What the table cannot say, when they are saved; dest_check() calls it. */
	int (*check)(const struct dest_config *config, struct bh_err *err);
	/*
	 * Get or refresh the access token into config->auth.  -1: BH_DENIED (a
	 * person must reconnect), BH_UNAVAILABLE, BH_LIMITED, BH_UNCERTAIN.  The
	 * caller makes auth durable before it is used.
	 */
	int (*authorize)(struct dest_config *config, struct bh_err *err);
	/* Describe one CRM object; new object in *object_r.  -1 with BH_DENIED for a dead token. */
	int (*describe)(struct dest_config *config, const char *object,
	    struct dest_object **object_r, struct bh_err *err);
	/*
	 * Upsert n records (1 to batch, keys distinct per object, parents before
	 * children) and their links to parents, in the fewest calls.  Every result
	 * is set; the order of records does not change.  What object_traits calls an
	 * event is sent as a new one; DEST_OBJECT_LOOK without remote_id is inserted (where find()
	 * cannot tell by the key, push looks for it, and sets remote_id and matched of those that are there).
	 */
	void (*push)(struct dest_config *config, struct record *const *records, size_t n,
	    struct dest_result *results);
	/*
	 * Who is it: account_id, account_name, account_kind, is_sandbox and missing of config->auth.
	 * For "save and validate" and `billhook check`.
	 */
	int (*identify)(struct dest_config *config, struct bh_err *err);

	/*
	 * account_id of config->auth and what goes with it, in one call: the caller sees to it, once,
	 * before any other.  NULL: no other call needs it.
	 */
	int (*account)(struct dest_config *config, struct bh_err *err);
	/*
	 * Put into config->usage what answers to other processes told of the account's limits
	 * lately, without a call; NULL: nothing is shared.
	 */
	void (*recall)(struct dest_config *config);

	/*
	 * The rest may be NULL: it cannot be done there.  Failures as of authorize;
	 * BH_INVALID where the same call will fail again.
	 */

	/*
	 * describe() for the first of n objects (any number), and for those others that cost no
	 * further call (is_asked_r).  NULL in objects_r for what was asked and cannot be described.
	 * -1: none of them, as describe.
	 */
	int (*describe_many)(struct dest_config *config, const char *const *names, size_t n,
	    struct dest_object **objects_r, bool *is_asked_r, struct bh_err *err);
	/* What objects are, by name: DEST_OBJECT_...; NULL: nothing of it. */
	unsigned (*object_traits)(const char *object);
	/* Append the address that the person's browser is sent to.  No call is made. */
	int (*login)(const struct dest_config *config, const struct dest_login *login,
	    struct bh_buf *url, struct bh_err *err);
	/* Turn the code that came back into tokens in config->auth, as authorize does. */
	int (*exchange)(struct dest_config *config, const struct dest_login *login,
	    const char *code, struct bh_err *err);
	/* Give the tokens back.  0 also where they were dead already. */
	int (*revoke)(struct dest_config *config, struct bh_err *err);
	/* Fill config->usage; *detail_r (new reference): array of {"name", "used", "limit"} for people. */
	int (*limits)(struct dest_config *config, json_t **detail_r, struct bh_err *err);

	/*
	 * Candidates for n questions (any number), in the fewest calls; found is
	 * in their order.  An object or field that is not there: BH_INVALID naming it.
	 */
	int (*find)(struct dest_config *config, const struct dest_wanted *wanted, size_t n,
	    struct dest_found *found, struct bh_err *err);
	/* Fill values of n readings (any number), in the fewest calls. */
	int (*read)(struct dest_config *config, struct dest_reading *readings, size_t n,
	    struct bh_err *err);
	/* Fill state and has of n ties (any number), in the fewest calls; NULL: they are fields, and read as such. */
	int (
	    *ties)(struct dest_config *config, struct dest_tie *ties, size_t n, struct bh_err *err);
	/* The field that names a record's owner; NULL: records have none. */
	const char *owner_field;
	/* Who of n users (any number) may own records: known there, and active.  With owner_field. */
	int (*active)(struct dest_config *config, const char *const *ids, size_t n,
	    bool *is_active_r, struct bh_err *err);
	/* Fill fate of n records, in the fewest calls. */
	int (*end)(struct dest_config *config, struct dest_end *ends, size_t n, struct bh_err *err);
	/*
	 * A page of records of an object whose key_field is empty, by id behind after
	 * ("" at first): *rows_r (new reference) array of {"remote_id", "name", "email", "website",
	 * "link"} (absent where there is none), *more_r whether others follow.
	 */
	int (*unlinked)(struct dest_config *config, const char *object, const char *key_field,
	    const char *after, json_t **rows_r, bool *more_r, struct bh_err *err);
	/*
	 * Append the address of a record's page in the CRM, as far as base_url and account_id of
	 * the login tell it; nothing where they do not.  No call is made.
	 */
	void (*record_url)(const struct dest_auth *auth, const char *object, const char *remote_id,
	    struct bh_buf *url);
	/*
	 * Delete records of an object whose time field is older than before_ms, at
	 * most a page of them; *n_r how many went, *more_r whether there are more.
	 */
	int (*purge)(struct dest_config *config, const char *object, const char *field,
	    int64_t before_ms, size_t *n_r, bool *more_r, struct bh_err *err);

	/*
	 * Remove n records of any objects (any number), in the fewest calls: to where people can
	 * restore them from.  Each tells whether it is gone.  -1: nothing is known of any of them.
	 */
	int (*remove)(struct dest_config *config, struct dest_removal *removals, size_t n,
	    struct bh_err *err);

	/*
	 * The schema: objects and fields that a mapping needs, in the form of
	 * presets/schema (names final; each may carry "why").  plan: what of it is
	 * there, *plan_r (new reference):
	 *   {"rows": [{"kind": "object"|"event"|"field"|"process"|"record_type"|"permission_set"|"assignment"|
	 *    "group"|"property"|"association",
	 *    "name", "label", "type", "state": "exists"|"missing"|"differs"|"hidden", "detail", "why"}],
	 *    "exists": n, "missing": n, "differs": n, "hidden": n}
	 * hidden: it is there, but the connection's user does not see it.
	 */
	int (*plan)(struct dest_config *config, const json_t *schema, json_t **plan_r,
	    struct bh_err *err);
	/*
	 * Make what is missing, in the order of dependence; what is there stays as
	 * it is, repeating it does no harm.  say (may be NULL) gets {"done": n, "of": n,
	 * "at": "what"} between steps, and answers false to stop.  *report_r (new reference):
	 *   {"created": [names], "failed": [{"name", "code", "cause", "remedy"}],
	 *    "hidden": [names], "is_complete": bool}
	 * -1 where it could not go on at all.
	 */
	int (*install)(struct dest_config *config, const json_t *schema,
	    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
	    struct bh_err *err);
	/* How many records each object of the schema has, and each field that is not empty (null: it cannot be told):
	 * {"objects": [{"name", "label", "records"}], "fields": [{"name", "label", "records"}]}. */
	int (*count)(struct dest_config *config, const json_t *schema, json_t **counts_r,
	    struct bh_err *err);
	/*
	 * Take away what install made, in the reverse order; reports as install, "removed" in place of
	 * "created", and "kept": [names] of what cannot be removed and was made inactive, or is another's.
	 */
	int (*uninstall)(struct dest_config *config, const json_t *schema,
	    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
	    struct bh_err *err);

	/*
	 * Bulk jobs.  Every row of a job has the same columns; what a record has not is
	 * left alone.  bulk_head begins an upload (id and key come by themselves).
	 * bulk_row adds a record: -1 BH_INVALID it cannot be sent so (perhaps by push),
	 * BH_LIMITED rows has no room for it; rows is as before then.  bulk_step does what the phase asks for (make, upload rows, close, look) in
	 * one call and moves on; rows is needed in DEST_BULK_OPEN.  A job that was lost or
	 * refused is DEST_BULK_FAILED: drop it, begin another.  -1: the phase stays,
	 * the same step is to be made again; BH_INVALID: it will fail again.
	 * bulk_results hands over every row's verdict once the phase is DONE or FAILED, in
	 * any order; what each returns -1 for ends it.  Rows of a failed job that it does
	 * not name were not written.  bulk_drop aborts or deletes the job.
	 */
	void (*bulk_head)(const struct dest_bulk *bulk, const struct dest_column *columns, size_t n,
	    struct bh_buf *rows);
	int (*bulk_row)(const struct dest_bulk *bulk, const struct record *record,
	    const struct dest_column *columns, size_t n, struct bh_buf *rows, struct bh_err *err);
	int (*bulk_step)(struct dest_config *config, struct dest_bulk *bulk,
	    const struct bh_buf *rows, struct bh_err *err);
	int (*bulk_results)(struct dest_config *config, const struct dest_bulk *bulk,
	    dest_bulk_each *each, void *arg, struct bh_err *err);
	int (*bulk_drop)(struct dest_config *config, const struct dest_bulk *bulk,
	    struct bh_err *err);
	size_t bulk_rows;  /* most rows of a job */
	size_t bulk_bytes; /* most bytes of an upload */
};

/* Everything that can be wrong with settings and secrets: the driver's table, then its check(). */
int dest_check(const struct dest_driver *driver, const struct dest_config *config,
    struct bh_err *err);

/* Can it do this (ERRAND_PLAN ... of state/walk.h)?  0, or -1 BH_INVALID with what people do instead. */
int dest_check_can(const struct dest_driver *driver, const char *what, struct bh_err *err);

const struct dest_driver *dest_driver(const char *name);
const struct dest_driver *const *dest_drivers(void);
const char *dest_outcome_name(enum dest_outcome outcome);

/* Fill a result; text arguments are cut to their room at a character. */
void dest_result_set(struct dest_result *result, enum dest_outcome outcome, const char *code,
    const char *cause, const char *remedy);
/* Its cause as an error, with the CRM's code; returns -1. */
int dest_result_fail(const struct dest_result *result, enum bh_code code, struct bh_err *err);
/* Keep the error that the CRM sent for this record; NULL none.  After dest_result_set(). */
void dest_result_say(struct dest_result *result, const json_t *error);

/*
 * Wrap: every call fails with the reason in config->broken (connection
 * broken).  The config's settings and secrets are not looked at.
 */
extern const struct dest_driver dest_standin;

/*
 * Trace: a transport that logs each call of inner (method, path, status,
 * milliseconds, bytes) and hands it on; bodies and headers are not shown.
 */
struct http_transport *dest_trace_new(struct http_transport *inner, const char *connection);
void dest_trace_free(struct http_transport **trace);

#endif
