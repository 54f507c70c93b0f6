/*
 * Where an archive that was unpacked into a web space keeps its data: chosen
 * once, beside the document root when that can be told, and written down
 * beside the programs, where a person may change it.
 */
#ifndef CONF_PLACE_H
#define CONF_PLACE_H

#include "base/err.h"

/* The data directory below the archive's own folder: for want of a better one. */
#define PLACE_INSIDE "app/data"

/*
 * A data directory for the archive unpacked in site (absolute); document_root may be
 * NULL, as with FastCGI.  Looked for is the outermost directory of a document root above site, by its
 * name or because it is document_root; data goes beside it
 * (billhook-data/<the way to site>), when that place is ours and may be written; else into site/app/data.
 * It is made, and written down in site/billhook.conf; neither must succeed: whoever opens the
 * directory tells.  Owned by the caller.
 */
char *place_choose(const char *site, const char *document_root);

/*
 * Is dir below the folder of the archive that runs, where a web server might hand it out?
 * Then what follows that folder's path, beginning with a slash; else NULL.  Borrowed from dir.
 */
const char *place_inside(const char *dir);

#endif
