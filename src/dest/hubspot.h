/*
 * The inside of the HubSpot driver; callers use dest/dest.h.
 *
 *   hubspot.c           facts, settings, push from end to end
 *   hubspot_auth.c      access tokens, calls of the token service
 *   hubspot_login.c     a person lets Billhook in, and leaves again
 *   hubspot_account.c   whose portal it is, what it grants, its limits
 *   hubspot_call.c      requests, waves of requests, limits
 *   hubspot_pace.c      the pace that all processes share which call for a portal
 *   hubspot_fault.c     what a refusal means and what to do about it: one table
 *   hubspot_work.c      batches, their rounds, and halving
 *   hubspot_write.c     records, by batch upsert and batch update
 *   hubspot_link.c      associations with parents
 *   hubspot_unlink.c    associations with former parents are taken away
 *   hubspot_task.c      tasks, which cannot be upserted
 *   hubspot_event.c     custom events, which are only sent
 *   hubspot_describe.c  properties of an object type
 *   hubspot_look.h      looking for records and reading them
 *   hubspot_schema.h    what the portal needs: hubspot_{try,schema,inspect,survey,install,remove}.c
 *
 * Rules of the other side are quoted from HubSpot's developer pages ("Using
 * object APIs", "Associations", "Error handling", "Usage guidelines").
 */
#ifndef DEST_HUBSPOT_H
#define DEST_HUBSPOT_H

#include "dest/dest.h"

/* HubSpot brings out a version each March and September and keeps it at least 18 months. */
#define HUBSPOT_VERSION "2026-09"
#define HUBSPOT_BASE_URL "https://api.hubapi.com"
#define HUBSPOT_LOGIN_URL "https://app.hubspot.com"

/* Rights that only some portals can grant: asked for, but not insisted on. */
#define HUBSPOT_SCOPES                                                                             \
	"crm.objects.custom.read crm.objects.custom.write crm.schemas.custom.read "                \
	"crm.schemas.custom.write crm.objects.deals.read crm.objects.deals.write "                 \
	"crm.schemas.deals.read crm.schemas.deals.write crm.objects.owners.read "                  \
	"analytics.behavioral_events.send behavioral_events.event_definitions.read_write"

/* Most inputs of an object batch, and a ceiling for the bytes of its body. */
#define HUBSPOT_INPUTS 100
#define HUBSPOT_BODY (4u << 20)

/* Most events of one call. */
#define HUBSPOT_EVENTS 500

/* Calls in flight (setting "concurrency"). */
#define HUBSPOT_CONCURRENCY 6

/*
 * Pairs in one association call (setting "assoc_batch"): for associate/default
 * nothing is documented, for batch/create 2,000.
 */
#define HUBSPOT_LINKS 1000
#define HUBSPOT_LINKS_MAX 2000

/* Calls that one push() may spend on finding the bad records of refused batches. */
#define HUBSPOT_SPARE 64

#define HUBSPOT_TEXT_MAX 65536 /* characters of a text property */

/*
 * Pauses where HubSpot names none: the short window, and an hour for the
 * day's limit where it is not known when the portal's day begins.
 */
#define HUBSPOT_WINDOW_S 10
#define HUBSPOT_DAILY_S 3600
#define HUBSPOT_SILENCE_MAX_S (25 * 3600) /* no pause is longer: a day, and what clocks differ */

/*
 * One conversation: once HubSpot said stop (limit, locked portal, dead token,
 * nobody there) nothing more is sent, and every request left over gets this
 * reason as the error of its response.
 */
struct hubspot_talk {
	struct dest_config *config;
	struct bh_err stop; /* BH_OK: go on */
};

/*
 * An answer: response is borrowed; body is the JSON object in it, or NULL
 * when there was none (HTML, nothing, cut short).
 */
struct hubspot_answer {
	const struct http_response *response;
	json_t *body;
};

/* No single record is at fault: do not look for one. */
#define FAULT_COMMON 1u
/* Two records of the batch do not go together: halve it. */
#define FAULT_SPLIT 2u
/* Only e-mail addresses were refused: the rest can be written. */
#define FAULT_EMAIL 4u
/* The property itself cannot be written: every record that has it fails alike. */
#define FAULT_PROPERTY 8u

/* What a refusal means; hubspot_fault_release() when done. */
struct hubspot_fault {
	struct dest_result result;
	unsigned flags;
	json_t *emails;     /* FAULT_EMAIL: an array of property names */
	char property[128]; /* FAULT_PROPERTY: its name */
};

/* hubspot.c */
/* A whole-number setting (number or digits in a string), held between 1 and max. */
size_t hubspot_count(const struct dest_config *config, const char *name, size_t max,
    size_t fallback);
/* Tokens come from the OAuth flow, so a dead one can be replaced without a person. */
bool hubspot_is_oauth(const struct dest_config *config);

/* hubspot_auth.c: see struct dest_driver */
/* A token becomes a header: printable, no spaces.  NULL and "" are none. */
bool hubspot_is_token(const char *text);
int hubspot_authorize(struct dest_config *config, struct bh_err *err);

#define HUBSPOT_FORM_MAX ((size_t)1024 * 1024)
void hubspot_form_add(struct bh_buf *form, const char *name, const char *value);
/* The app's id and secret. */
void hubspot_form_app(struct bh_buf *form, const struct dest_config *config);
/*
 * POST a form to the token service, at pattern (see hubspot_path()).  *body_r
 * (new reference): the JSON object of the answer, good or bad, or NULL.  -1 as of
 * authorize.
 */
int hubspot_post_form(struct dest_config *config, const char *pattern, const struct bh_buf *form,
    json_t **body_r, struct bh_err *err);
/* Keep what the token service gave.  -1: no token, or one of another portal (BH_DENIED). */
int hubspot_take_tokens(struct dest_config *config, const json_t *body, struct bh_err *err);

/* hubspot_login.c: see struct dest_driver */
int hubspot_login(const struct dest_config *config, const struct dest_login *login,
    struct bh_buf *url, struct bh_err *err);
int hubspot_exchange(struct dest_config *config, const struct dest_login *login, const char *code,
    struct bh_err *err);
int hubspot_revoke(struct dest_config *config, struct bh_err *err);

/* hubspot_account.c: see struct dest_driver */
/* Append the scopes without which nothing works, separated by blanks. */
void hubspot_add_scopes(struct bh_buf *out);
int hubspot_identify(struct dest_config *config, struct bh_err *err);
int hubspot_account(struct dest_config *config, struct bh_err *err);
/* Seconds until the calls of the day can be made anew. */
int hubspot_day_left(const struct dest_config *config);
int hubspot_ties(struct dest_config *config, struct dest_tie *ties, size_t n, struct bh_err *err);
int hubspot_active(struct dest_config *config, const char *const *ids, size_t n, bool *is_active_r,
    struct bh_err *err);
int hubspot_limits(struct dest_config *config, json_t **detail_r, struct bh_err *err);
/* See to it that auth->account_id is known. */
int hubspot_know_portal(struct dest_config *config, struct bh_err *err);

/* hubspot_call.c */
/*
 * A custom object by the name it was given: paths take it only with the portal's
 * number in front (p123_Cars), which hubspot_path() adds where it is known.
 */
bool hubspot_is_bare(const char *name);
/*
 * Pattern with {v} for the version, {a} and {b} for percent-encoded object types or ids,
 * {n} for b where it is a name of something else.  Owned by the caller.
 */
char *hubspot_path(const struct dest_config *config, const char *pattern, const char *a,
    const char *b);
/* A request with the access token; the caller adds the body. */
void hubspot_request_init(struct http_request *request, const struct dest_config *config,
    const char *method, const char *path);
/*
 * Make n requests in waves, at the pace that all share who call for the portal; all
 * of them are searches, or none.  Fills every response, keeps usage and talk->stop up to date.
 */
void hubspot_perform(struct hubspot_talk *talk, const struct http_request *requests,
    struct http_response *responses, size_t n);
/* Reads a response that stays in place; release with hubspot_answer_release(). */
void hubspot_answer_read(struct hubspot_answer *answer, const struct http_response *response);
void hubspot_answer_release(struct hubspot_answer *answer);
bool hubspot_is_good(const struct hubspot_answer *answer);
/* A refusal, or no answer, as the error of a call that is no push.  Always -1. */
int hubspot_fail(const struct hubspot_answer *answer, struct bh_err *err);
struct hubspot_ask {
	const char *method;
	const char *path;
	const json_t *body; /* NULL: none */
	bool is_secret;     /* the body holds a token */
};
/* One call whose answer is a JSON object: into *body_r (new reference).  -1: BH_DENIED for a dead token. */
int hubspot_ask(struct dest_config *config, const struct hubspot_ask *ask, json_t **body_r,
    struct bh_err *err);
/* GET a JSON object into *body_r (new reference).  -1: BH_DENIED for a dead token. */
int hubspot_get(struct dest_config *config, const char *path, json_t **body_r, struct bh_err *err);
/* Ids are strings in the documents and numbers on the wire; NULL for neither. */
const char *hubspot_id_text(const json_t *json, char out[32]);
/* Seconds of a Retry-After header, at most a day; 0 without one. */
int hubspot_retry_after(const struct http_response *response);
/* Seconds of the short window by the rate headers; 0 without them. */
int hubspot_window(const struct http_response *response);

/* hubspot_pace.c */
struct hubspot_wait {
	int64_t ms;
	char why[240]; /* HubSpot wants silence: its reason; "" it is only our turn that is waited for */
};
/*
 * How many of n calls may go out, n at most; they are counted as made.  0: none before
 * wait->ms are over.  A search gets its place: it goes out when wait->ms are over.
 */
size_t hubspot_pace_take(const struct dest_config *config, size_t n, bool is_search,
    struct hubspot_wait *wait);
/* What the headers of answers told (0: they did not). */
void hubspot_pace_note(const struct dest_config *config, const struct dest_usage *told);
/* From here to the release nobody else searches; -1: that cannot be had, go on without. */
int hubspot_pace_hold(const struct dest_config *config);
void hubspot_pace_release(const struct dest_config *config, int fd);
/* HubSpot refused a search for its pace: nobody searches for a second. */
void hubspot_pace_rest(const struct dest_config *config);
/* HubSpot locked records, of wide calls in flight: half as many for a minute. */
void hubspot_pace_narrow(const struct dest_config *config, size_t wide);
/* HubSpot wants silence of everybody. */
void hubspot_pace_stop(const struct dest_config *config, int pause_s, const char *why);
/* See struct dest_driver. */
void hubspot_recall(struct dest_config *config);

/* hubspot_fault.c */
/* Why a call failed as a whole; also for a request that was never sent. */
void hubspot_fault_answer(struct hubspot_fault *fault, const struct hubspot_answer *answer);
/* Why one input failed: an element of errors[] of a batch answer. */
void hubspot_fault_item(struct hubspot_fault *fault, const json_t *error);
void hubspot_fault_release(struct hubspot_fault *fault);

/* hubspot_work.c: batches of inputs, known to the engine as numbers. */
struct hubspot_batch {
	char *path;
	char *group;
	size_t *at; /* the inputs */
	size_t n;
	bool is_closed; /* takes no more inputs */
};

struct hubspot_work {
	struct hubspot_talk *talk;
	const char *head; /* JSON members before the inputs, a comma behind each; NULL: none */
	size_t limit;     /* inputs of a batch */
	size_t spare;     /* calls left for looking for bad inputs */
	/* The JSON of an input; new reference. */
	json_t *(*input)(struct hubspot_work *work, size_t at);
	/* Take an answer; may add inputs and batches, which make the next round. */
	void (*settle)(struct hubspot_work *work, const struct hubspot_batch *batch,
	    const struct hubspot_answer *answer);
	struct hubspot_batch *batches; /* of the next round */
	size_t batches_n, batches_cap;
};

/* Put an input into a batch of its group that has room, or into a new one. */
void hubspot_work_add(struct hubspot_work *work, const char *path, const char *group, size_t at);
/* Send these inputs of a batch again, on their own. */
void hubspot_work_again(struct hubspot_work *work, const struct hubspot_batch *batch,
    const size_t *at, size_t n);
/* Send a batch again as two halves. */
void hubspot_work_halve(struct hubspot_work *work, const struct hubspot_batch *batch);
/* Round after round until nothing is left. */
void hubspot_work_run(struct hubspot_work *work);

/* hubspot_write.c: upsert or update every record whose result is DEST_UNKNOWN; sets the result. */
void hubspot_write(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results);

/* hubspot_link.c: associate every applied record with its new parents; a failure changes its result. */
void hubspot_link(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results);

/* hubspot_unlink.c: take away what every applied record was associated with formerly; a failure changes its result. */
void hubspot_unlink(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results);

/* hubspot_task.c */

/* As a mapping names the key of a task that stands in its body. */
#define HUBSPOT_BODY_KEY "body_key"
#define HUBSPOT_BODY_MARK 1024 /* characters that the key takes there at most */

bool hubspot_is_task(const char *object);
bool hubspot_is_in_body(const char *object, const char *key_field);
/* A task's body (NULL: none) with the key in it; new reference, as of the next. */
json_t *hubspot_body_with_key(const char *text, const char *key);
json_t *hubspot_body_without_key(const char *text);
/* The key in a body (may be NULL); "" without one. */
void hubspot_key_in_body(const char *text, char *out, size_t size);
/* Can a task be made at this parent, in the same call? */
bool hubspot_is_place(const struct record_parent *parent);
/* What the call names them by: "associations" of a new task; new reference. */
json_t *hubspot_task_places(const struct record *record);
/*
 * Look whether the tasks among the records that have no id and DEST_UNKNOWN are there: those get
 * their id and are matched.  A result is set for those that must not be made.
 */
void hubspot_look_for_tasks(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results);

/* hubspot_event.c */
bool hubspot_is_event(const char *object);
/* The event's own name, as its definition has it; and with the portal's number, as calls name it.  Owned by the caller. */
char *hubspot_event_name(const char *object);
char *hubspot_event_full_name(const struct dest_config *config, const char *object);
/* Below the events of this API version: rest, where {n} stands for name.  Owned by the caller. */
char *hubspot_event_path(const struct dest_config *config, const char *rest, const char *name);
/* Characters that HubSpot takes in a property of an event. */
size_t hubspot_event_length(const char *property);
/* Add what rows can be beside properties. */
void hubspot_event_members(struct dest_object *object);
/* Send every event among the records whose result is DEST_UNKNOWN; sets the result. */
void hubspot_send(struct hubspot_talk *talk, struct record *const *records, size_t n,
    struct dest_result *results);

/* hubspot_describe.c: see struct dest_driver */
int hubspot_describe(struct dest_config *config, const char *object, struct dest_object **object_r,
    struct bh_err *err);
int hubspot_describe_many(struct dest_config *config, const char *const *names, size_t n,
    struct dest_object **objects_r, bool *is_asked_r, struct bh_err *err);

/* hubspot_survey.c, hubspot_install.c, hubspot_remove.c: see struct dest_driver */
int hubspot_schema_plan(struct dest_config *config, const json_t *catalogue, json_t **plan_r,
    struct bh_err *err);
int hubspot_schema_install(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err);
int hubspot_schema_count(struct dest_config *config, const json_t *catalogue, json_t **counts_r,
    struct bh_err *err);
int hubspot_schema_uninstall(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err);

#endif
