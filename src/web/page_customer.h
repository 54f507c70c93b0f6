/* What the pages about customers share. */
#ifndef WEB_PAGE_CUSTOMER_H
#define WEB_PAGE_CUSTOMER_H

#include "state/mirror.h"
#include "web/mapped.h"
#include "web/page.h"

/* "<base>/customers/<connection>?id=...". */
json_t *customer_url(const struct exchange *exchange, const struct mirror_id *customer);
/* MRR in each currency: "1,250.00 USD, 10.00 EUR"; "" none; "not known" where it cannot be told. */
json_t *customer_mrr(const json_t *fields);
/* Members payment and payment_state: its payment status in words. */
void customer_add_payment(json_t *view, const json_t *fields);
/* A time or date as its day, "2026-11-22"; "" for NULL and what is none. */
json_t *customer_day(const char *text);

/* An address of the web becomes a link, nothing else: the text or "". */
json_t *customer_link(const json_t *fields, const char *name);

/* -- parts of a customer's page -- */

struct customer {
	struct exchange *exchange;
	struct mirror_id id; /* borrowed from the request */
	struct object_state object;
	struct mapped mapped; /* syncs from its connection */
	int64_t now_ms;
	json_t *model; /* owned */
	json_t *times; /* what happened: array of objects with "at"; owned */
};
/* Figures; title, link, and what it is called elsewhere. */
void customer_add_figures(struct customer *customer);
/* Subscriptions, invoices, payments, recoveries, each with its records in the CRMs. */
int customer_add_objects(struct customer *customer, struct bh_err *err);
/* Its own records in the CRMs. */
int customer_add_records(struct customer *customer, struct bh_err *err);
/* Events and steps, newest first. */
int customer_add_times(struct customer *customer, struct bh_err *err);

#endif
