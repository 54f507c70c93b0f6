/* The JSON Schema of a configuration document, made of the tables that the program itself goes by. */
#ifndef SYNC_CONFIGURE_SCHEMA_H
#define SYNC_CONFIGURE_SCHEMA_H

#include "base/base.h"

#include <jansson.h>

/* Draft 2020-12; new reference. */
json_t *configure_schema(void);

#endif
