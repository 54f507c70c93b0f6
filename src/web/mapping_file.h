/* A mapping as the file that people export, change and import. */
#ifndef WEB_MAPPING_FILE_H
#define WEB_MAPPING_FILE_H

#include "base/json.h"

/* As presets are written: members in their usual order, a row a line. */
void mapping_file_add(struct bh_buf *out, const json_t *mapping);
/*
 * Read what was pasted: a mapping, or the export of a whole configuration,
 * of which the sync's mapping is taken.  -1 BH_INVALID with a sentence.
 */
int mapping_file_read(const char *text, const char *sync, json_t **mapping_r, struct bh_err *err);

#endif
