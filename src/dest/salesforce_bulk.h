/* Shared by the files of Salesforce's bulk jobs; nobody else includes it. */
#ifndef DEST_SALESFORCE_BULK_H
#define DEST_SALESFORCE_BULK_H

#include "dest/salesforce.h"

#define SALESFORCE_BULK_TIMEOUT_MS 600000 /* the server cuts a call at 10 minutes */
#define SALESFORCE_BULK_ID "Id"           /* the key column of jobs by id */

/* "/services/data/v67.0/jobs/ingest/750...", and behind it "/" and part unless it is "".  Owned by the caller. */
char *salesforce_bulk_path(const struct dest_config *config, const struct dest_bulk *bulk,
    const char *part);

/* Will this refusal be the same again, and is the job to blame and not the connection? */
bool salesforce_bulk_is_refused(const struct salesforce_answer *answer,
    const struct dest_result *result);

#endif
