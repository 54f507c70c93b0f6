/* The form by which a shipped automation is taken into use: its few choices, and the rule that they make. */
#ifndef WEB_AUTOMATION_FORM_H
#define WEB_AUTOMATION_FORM_H

#include "web/site.h"

/* The shipped rules (new reference). */
int automation_presets(const struct conf *conf, json_t **presets_r, struct bh_err *err);
/* One of them by its code; borrowed, NULL when there is none. */
json_t *automation_preset(const json_t *presets, const char *code);

/* The fields of the form (new reference) with what was posted, or with what the preset says. */
json_t *automation_form_view(const json_t *preset, const struct request *request, bool is_posted);
/*
 * The item of a configuration document that was posted (new reference); NULL with a sentence
 * in err.
 */
json_t *automation_form_item(const json_t *preset, const struct request *request,
    struct bh_err *err);

#endif
