/*
 * The form of a sync's settings, made of what its mapping asks for: names and
 * defaults are the mapping's, words and choices those of presets/settings/sync.json,
 *
 *   { "settings": [ { "name": "create_customers", "label": "...", "meaning": "...",
 *       "choices": [ {"value": "yes", "label": "gets a new record"}, ... ],   none: a text
 *       "advanced": true,                             shown only when asked for
 *       "sources": ["stripe"], "default": false } ] }  not in the mapping, but these sources have it
 *
 * A setting that has no words there is a text under its own name.
 */
#ifndef WEB_SYNC_FORM_H
#define WEB_SYNC_FORM_H

#include "web/page.h"

/*
 * The fields for a mapping of syncs from such a source: array (new reference).  Without the file
 * of words (noted in the log) all are texts.
 */
json_t *sync_form_fields(const char *preset_dir, const json_t *mapping, const char *source);

/*
 * For the template _setting.  settings: as stored, may be NULL; posted: what was typed,
 * shown again; NULL: what is stored.  error: a sentence that names a setting, to mark it; may be NULL.
 */
json_t *sync_form_view(const json_t *fields, const json_t *settings, const struct request *posted,
    const char *error);
/* Is one of them shown only when asked for? */
bool sync_form_has_more(const json_t *fields);

/*
 * What was posted, put over settings (may be NULL): new reference.  What equals the default is left
 * out.  -1 BH_INVALID: a choice that there is not.
 */
int sync_form_read(const json_t *fields, const json_t *settings, const struct request *request,
    json_t **settings_r, struct bh_err *err);

#endif
