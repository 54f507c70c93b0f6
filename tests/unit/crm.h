/*
 * A small CRM in memory behind a fake transport, for tests of pushing: it
 * speaks as much of Salesforce and of HubSpot as the drivers need, keeps what
 * it is given, and can be told to refuse, to be busy, or to lose its answers.
 */
#ifndef TESTS_UNIT_CRM_H
#define TESTS_UNIT_CRM_H

#include "base/base.h"

#include "base/json.h"
#include "net/http.h"

#define CRM_URL "https://crm.example.com"

/* What becomes of a call that writes. */
enum crm_line {
	CRM_FINE = 0,
	CRM_CUT,  /* it is done, the answer is lost */
	CRM_DOWN, /* no connection */
	CRM_BUSY, /* 503, nothing done */
	CRM_LIMIT /* 429 with Retry-After: 30, nothing done */
};

/* What becomes of a record. */
enum crm_mood {
	CRM_TAKE = 0,
	CRM_REFUSE, /* for good */
	CRM_LOCK    /* not now */
};

struct crm {
	struct http_transport transport; /* first */
	json_t *records;                 /* "object/key" to {"id", "fields", "parents", "writes"} */
	json_t *links;                   /* HubSpot: "id>id" to the number of times */
	unsigned tokens;                 /* given so far; good is the last: "token-<tokens>" */
	bool is_token_dead;              /* until the next one is asked for */
	bool refuses_tokens;             /* however new they are */
	enum crm_line link_line;         /* of the calls that only link (HubSpot) */
	enum crm_line token_line;        /* of the calls for tokens: CRM_FINE or CRM_BUSY */
	bool gives_no_token;             /* the grant was revoked */
	bool hides_objects;              /* describing is forbidden */
	const char *refusal; /* Salesforce's word for CRM_REFUSE; NULL: STRING_TOO_LONG */
	size_t name_length;  /* of the text field Name, as described; 0: not described */
	size_t writes;       /* calls that write records */
	size_t rows;         /* records in them */
	size_t associations; /* calls that link (HubSpot) */
	size_t described;    /* calls that ask for a description */
	size_t accounts;     /* calls that ask whose account it is (HubSpot) */
	unsigned next_id;
	enum crm_line line;
	json_t *moods; /* "object/key" to enum crm_mood; what is not named is taken */
	/* Asked before each writing call and each row instead, where they are set. */
	enum crm_line (*next_line)(void *arg);
	enum crm_mood (*next_mood)(void *arg);
	/* Called in the middle of a writing call. */
	void (*meanwhile)(void *arg);
	void *arg;
};

void crm_init(struct crm *crm);
void crm_release(struct crm *crm);
/* Borrowed; NULL when there is none. */
const json_t *crm_record(const struct crm *crm, const char *object, const char *key);
/* A field's text; NULL when record or field is absent. */
const char *crm_text(const struct crm *crm, const char *object, const char *key, const char *field);
void crm_set_mood(struct crm *crm, const char *object, const char *key, enum crm_mood mood);

#endif
