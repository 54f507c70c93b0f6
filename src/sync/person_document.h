/* What is kept about one person as one JSON document, written as it is found. */
#ifndef SYNC_PERSON_DOCUMENT_H
#define SYNC_PERSON_DOCUMENT_H

#include "sync/person.h"

struct person_document {
	FILE *out;
	const char *asked; /* who was asked for, as it was typed */
	json_t *records;   /* gets links to records in CRMs, at most records_max; NULL not wanted */
	size_t records_max, more; /* more: not in records */
	size_t n[PERSON__MAX];
	int part; /* internal: begun last */
};

/* Write it, counting into n.  -1: it cannot be written, or what person_visit() says. */
int person_document(struct person *person, struct person_document *document, struct bh_err *err);
/* How many items it has. */
size_t person_document_items(const struct person_document *document);

#endif
