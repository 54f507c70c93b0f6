/* The steps of wire conversations that plan, make, count and remove a CRM's schema. */
#ifndef TESTS_UNIT_WIRE_SCHEMA_H
#define TESTS_UNIT_WIRE_SCHEMA_H

#include "dest/dest.h"
#include "wire.h"

/* What a step asks for beside its result; see tests/wire/README.md. */
struct wire_schema {
	json_t *answer;           /* what the driver gave; NULL: nothing */
	struct wire_texts checks; /* "answer JSON", "part JSON", "failed JSON", "said JSON" */
	json_t *said;             /* array: "at" of each progress */
	size_t stop_after;        /* progress answers false from here on; 0: never */
};

/* A line of such a step; false when it is none. */
bool wire_schema_read(struct wire *wire, struct wire_schema *schema, const char *mark,
    const char *text);
/* "plan JSON", "install JSON", "count JSON", "uninstall JSON": true when the step is one of
 * these; then *rc_r is what the driver gave. */
bool wire_schema_run(struct wire *wire, struct wire_schema *schema,
    const struct dest_driver *driver, struct dest_config *config, int *rc_r, struct bh_err *err);
/* Hold what came of it against the step's lines. */
void wire_schema_check(struct wire *wire, struct wire_schema *schema, int rc);
void wire_schema_clear(struct wire_schema *schema);

#endif
