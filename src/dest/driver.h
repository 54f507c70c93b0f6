/* What drivers need besides dest.h: each other's names, and small helpers of dest.c. */
#ifndef DEST_DRIVER_H
#define DEST_DRIVER_H

#include "dest/dest.h"

extern const struct dest_driver dest_salesforce;
extern const struct dest_driver dest_hubspot;
extern const struct dest_driver dest_sandbox;

/*
 * Copy outside text (NULL: nothing) into size bytes: controls become spaces,
 * broken UTF-8 is mended, and what does not fit is cut at a character.
 */
void dest_copy(char *out, size_t size, const char *text);

/* Set all n results alike. */
void dest_results_set(struct dest_result *results, size_t n, enum dest_outcome outcome,
    const char *code, const char *cause, const char *remedy);

/* A setting or secret as text; fallback (may be NULL) when it is absent or empty.  Borrowed. */
const char *dest_text(const json_t *object, const char *name, const char *fallback);

/* How far an install or a removal is, and who is told of it. */
struct dest_progress {
	bool (*say)(void *arg, const json_t *progress); /* as of install; may be NULL */
	void *arg;
	size_t done, of; /* parts */
	bool is_stopped; /* it answered false: nothing further is begun */
};
/* Tell what is at hand; false: stop. */
bool dest_goes_on(struct dest_progress *progress, const char *at);

#endif
