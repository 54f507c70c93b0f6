/*
 * The first steps, from an administrator to the first sync that runs: which
 * are done, what is to be done for the next.
 */
#ifndef WEB_SETUP_FACTS_H
#define WEB_SETUP_FACTS_H

#include "web/page.h"

struct setup_steps {
	json_t *steps; /* for the template: {title, state, word, text, url, link}; owned */
	size_t done;   /* of them; what has only a remark is done */
};

/* All of them, looked at anew.  0, or -1 with nothing to release. */
int setup_steps_get(struct setup_steps *steps, struct exchange *exchange, struct bh_err *err);

/*
 * For the home page: "setup_url" and "setup_text" in its model, "" when all steps are
 * done or people have put the list away.
 */
int setup_hint(struct exchange *exchange, json_t *model, struct bh_err *err);

#endif
