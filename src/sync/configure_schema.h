/* The JSON Schema of a configuration document, made of the tables that the program itself goes by. */
#ifndef SYNC_CONFIGURE_SCHEMA_H
#define SYNC_CONFIGURE_SCHEMA_H

#include "base/base.h"

#include <jansson.h>

/* Draft 2020-12; new reference. */
json_t *configure_schema(void);
/*
 * All that is wrong with the form of a document: array of texts, each with the path of the
 * member (a JSON Pointer) and the reason; new reference.  What the schema cannot say of a connection
 * or a sync is told, too.
 */
json_t *configure_faults(const json_t *document, const char *preset_dir);

#endif
