/*
 * A CRM without HTTP, for tests of what sync/ asks of a CRM: a driver that keeps
 * records in memory.  It stands in for Salesforce in programs that are linked with
 * --wrap=dest_driver, so that everything is set up, pushed and asked as usual.
 */
#ifndef TESTS_UNIT_FAKECRM_H
#define TESTS_UNIT_FAKECRM_H

#include "base/base.h"

#include "bench.h"
#include "sync/lane.h"
#include "sync/settle.h"

/*
 * What is in it and how often it was called.  Records whose Name is "refused" are rejected,
 * those called "locked" are for later.
 */
struct fake {
	json_t *records; /* id to {"object", "fields", "writes"} */
	json_t *ends;    /* id to "merged ID", "deleted", "gone", "there"; else unknown */
	unsigned made;   /* records */

	size_t tokens, finds, questions, reads, readings, pushes, rows, limits, purges, revokes;
	/* This function ("find") fails so, as often as fault_times says. */
	const char *fault;
	enum bh_code fault_code;
	int fault_times;
	bool is_token_dead;     /* until authorize */
	const char *missing;    /* a field that cannot be asked for */
	const char *hidden;     /* a field that is not shown */
	unsigned traits;        /* of the object "Task" */
	int64_t used, limit;    /* API calls of the day, told with each push and by limits() */
	int64_t used_by_others; /* told by limits() alone, in place of used, where it is set */

	/* The bulk job. */
	json_t *job;        /* its rows, once they are uploaded; NULL none */
	int bulk_looks;     /* so often it is found running */
	size_t bulk_seen;   /* verdicts of a failed job; 0 none of them */
	bool bulk_fails;    /* it ends as failed */
	bool bulk_reversed; /* verdicts come in the reverse order */
	bool bulk_twice;    /* each verdict comes twice */
	size_t jobs, drops;
	size_t job_rows; /* of the last one */
	bool is_by_id;   /* the last one */

	/* Errands. */
	const char *extra_field; /* that objects have beside Name, Website and Key__c */
	json_t *schema;          /* as it was handed in last */
	const char *verifier;    /* that exchange() must get */
	size_t exchanges;
	bool is_removable; /* uninstall() takes all away */
	/* Called in the middle of a push, or when a job is closed; in the middle of identify(). */
	void (*meanwhile)(void *arg);
	void (*while_asked)(void *arg);
	void *arg;
};
extern struct fake fake;

void fake_init(void);
void fake_release(void);
/* Put a record in as a person would; fields is JSON with ' for ". */
void fake_add(const char *id, const char *object, const char *fields);
/* A field's text; NULL when record or field is absent, or null. */
const char *fake_text(const char *id, const char *field);
/* The id of the record whose field holds value; NULL none, fails for several. */
const char *fake_find(const char *field, const char *value);

/* The bench's lane "crm", opened; the setup belongs to it. */
struct fake_lane {
	struct setup *setup;
	struct lane lane;
	struct push_run run;
};
void fake_open(struct bench *bench, struct fake_lane *open);
void fake_close(struct fake_lane *open);

#endif
