/* Parts of the LostChurn driver. */
#ifndef SOURCE_LOSTCHURN_H
#define SOURCE_LOSTCHURN_H

#include "source/reader.h"

/* The two editions of its documents differ in the path of the API. */
#define LOSTCHURN_BASE_1 "https://api.lostchurn.com/v1"
#define LOSTCHURN_BASE_2 "https://api.lostchurn.com/api/v1"

/* Types by which the reader's table tells rows of a REST answer from events. */
#define LOSTCHURN_CUSTOMER "rest.customer"
#define LOSTCHURN_PAYMENT "rest.payment"

int lostchurn_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err);

/* The reader's table that comes with Billhook (presets/readers/lostchurn.json); a new reference. */
json_t *lostchurn_reader(void);
/* The table in force for a type: settings.reader, else the one that comes with Billhook.  Borrowed. */
const json_t *lostchurn_table(const struct source_config *config, const char *type);

/*
 * A row of a REST answer into result; type is one of the above.  id: under
 * which the mirror holds it, NULL: as the row tells.  -1 BH_INVALID: no id.
 */
int lostchurn_row(const struct source_config *config, const char *type, const json_t *row,
    const char *id, int64_t now_ms, struct source_result *result, struct bh_err *err);

/*
 * GET path (query included) below the base of edition ("1", "2"; "": what the
 * settings say).  0 with the answer of a good status; -1 as in struct source_api, in words
 * for people; *status_r (may be NULL) tells 404 from others.
 */
int lostchurn_get(const struct source_api *api, const char *edition, const char *path,
    struct source_answer *answer, int *status_r, struct bh_err *err);
/* Which edition answers here: "1" or "2"; found out by a call where the settings leave it open. */
int lostchurn_edition(const struct source_api *api, char edition[2], struct bh_err *err);
/* The pause that leaves at least half of the key's calls to others. */
int64_t lostchurn_pause_ms(const struct source_api *api, const struct source_answer *answer);

int lostchurn_probe(const struct source_api *api, json_t **who_r, struct bh_err *err);
int lostchurn_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err);
int lostchurn_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err);

#endif
