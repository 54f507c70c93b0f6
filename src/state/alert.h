/*
 * Alerts: incidents that people are to hear of, and where they are told.
 *
 *   an incident | meaning                                       | moves to
 *   waiting     | its cause is there, not long enough to tell   | open by time; dropped, when cured
 *   open        | told to each target once, and again as a      | cured
 *               | reminder                                      |
 *   cured       | told once to the targets that heard of it     | open, when it comes again; dropped by age
 *
 * What a target heard is kept with the incident.  It is stored after it was
 * sent: a crash in between tells twice, never nothing.
 */
#ifndef STATE_ALERT_H
#define STATE_ALERT_H

#include "base/json.h"
#include "state/account.h"

enum alert_priority {
	ALERT_LOW = 0,
	ALERT_NORMAL,
	ALERT_HIGH, /* quiet hours do not keep it back */
	ALERT__MAX
};
/* "low", "normal", "high". */
const char *alert_priority_name(enum alert_priority priority);
/* ALERT__MAX for another word. */
enum alert_priority alert_priority_of(const char *name);

/* -- incidents -- */

/* What is wrong.  Texts are borrowed. */
struct alert_cause {
	const char *key; /* says which: as long as it is open it is one incident */
	const char *title;
	const char *text; /* may be NULL */
	const char *link; /* may be NULL */
	enum alert_priority priority;
	int64_t grace_ms; /* it is told when it has been there so long */
	bool is_reminded; /* told again while it stays open */
};
/* New, open again, or other words for what is open.  Wakes the job when there is something to tell. */
int alert_raise(struct store_txn *txn, const struct alert_cause *cause, int64_t now_ms,
    struct bh_err *err);
/* 1 it was open; 0 there is none that is; -1. */
int alert_cure(struct store_txn *txn, const char *key, int64_t now_ms, struct bh_err *err);

#define ALERT_KEY_MAX 512
struct alert_incident {
	char key[ALERT_KEY_MAX];
	char title[320];
	char text[1024];
	char link[512];
	enum alert_priority priority;
	bool is_reminded;
	int64_t since_ms; /* when it came up (last) */
	int64_t due_ms;   /* not told before */
	int64_t cured_ms; /* 0: it is open */
	int64_t count;    /* how often it came up */
	json_t *told;     /* object, code of a target -> when it heard of it last; owned */
};
void alert_incident_release(struct alert_incident *incident);
/* 1, 0, -1; checked at commit. */
int alert_incident_load(struct store_txn *txn, const char *key, struct alert_incident *incident,
    struct bh_err *err);
/* was: as it stands in the store; NULL when it is new. */
void alert_incident_save(struct store_txn *txn, const struct alert_incident *was,
    const struct alert_incident *incident);
void alert_incident_drop(struct store_txn *txn, const struct alert_incident *incident);
/*
 * All incidents in the order of their keys, by at most max behind *after (empty at first, then
 * where to go on).  fn's -1 ends it.
 */
int alert_incidents(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*fn)(void *arg, const struct alert_incident *incident, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err);
/* The newest that are open, or cured; at most max. */
int alert_newest(struct store_txn *txn, bool is_cured, size_t max,
    int (*fn)(void *arg, const struct alert_incident *incident, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err);

/* -- targets -- */

enum alert_kind {
	ALERT_SLACK = 0, /* secret: url */
	ALERT_MAIL,      /* settings: server, user, from, to (array); secret: password */
	ALERT_KIND__MAX
};
/* "slack", "mail". */
const char *alert_kind_name(enum alert_kind kind);
/* ALERT_KIND__MAX for another word. */
enum alert_kind alert_kind_of(const char *name);

struct alert_target {
	char code[72]; /* bh_is_code() */
	char name[128];
	enum alert_kind kind;
	bool paused;
	enum alert_priority least; /* what is below is not told here */
	json_t *settings;          /* object */
	json_t *quiet;             /* its own quiet hours; NULL: those of all */
	json_t *secrets;           /* object of texts, opened; NULL when loaded without key */
};
void alert_target_release(struct alert_target *target);
/* 1, 0, -1 (BH_DENIED when the key does not open the secrets).  key NULL: secrets stay closed. */
int alert_target_load(struct store_txn *txn, const struct account_key *key, const char *code,
    struct alert_target *target, struct bh_err *err);
/* secrets NULL keeps those that are stored; key may be NULL then.  Wakes the job. */
int alert_target_save(struct store_txn *txn, const struct account_key *key,
    const struct alert_target *target, struct bh_err *err);
void alert_target_drop(struct store_txn *txn, const char *code);
/* All codes, sorted; an array of texts (new reference). */
int alert_targets(struct store_txn *txn, json_t **codes_r, struct bh_err *err);

/*
 * How telling goes (new reference; an empty object where nothing was told yet):
 * {"ok": when it went well last, "failed": when it did not, "error": why ("": it went well since),
 *  "failures": in a row, "retry": not before, "test": "asked" | "ok" | "failed", "tested": when,
 *  "test_error": why}.  Checked at commit.
 */
int alert_delivery_get(struct store_txn *txn, const char *code, json_t **doc_r, struct bh_err *err);
void alert_delivery_put(struct store_txn *txn, const char *code, const json_t *doc);
/* Ask for a message on trial, and wake the job.  0 there is no such target. */
int alert_test_ask(struct store_txn *txn, const char *code, int64_t now_ms, struct bh_err *err);

/* -- for all targets -- */

/*
 * {"remind_hours": n, 0 never; "silent_hours": n, 0 off; "quiet": {"from": "20:00", "to": "07:00",
 *  "zone": "Europe/Berlin"}}; zone: see base/zone.h.  New reference, with what holds where nothing was said.
 */
#define ALERT_REMIND_HOURS 24
int alert_settings_get(struct store_txn *txn, json_t **doc_r, struct bh_err *err);
void alert_settings_put(struct store_txn *txn, const json_t *doc);

/* -1 BH_INVALID: what is wrong with quiet hours.  NULL and null are none. */
int alert_quiet_check(const json_t *quiet, struct bh_err *err);
/* When the quiet hours that are now end; 0 when it is not quiet.  quiet as checked. */
int64_t alert_quiet_end(const json_t *quiet, int64_t now_ms);

#define ALERT_JOB "alert" /* its arg is "" */

#endif
