/*
 * Mustache (mustache(5), specification 1.4: interpolation, sections, inverted
 * sections, partials, comments, set delimiters; no lambdas, no inheritance):
 * parse once, render JSON values into a buffer, escaping by default.  No I/O.
 *
 * Falsy are: absent, null, false, the empty array and the empty string.
 * Numbers are written as JSON writes them, true and false as words; arrays
 * and objects as nothing.
 */
#ifndef BASE_MUSTACHE_H
#define BASE_MUSTACHE_H

#include <jansson.h>

#include "base/buf.h"

#define BH_MUSTACHE_DEPTH 64      /* sections and partials inside each other */
#define BH_MUSTACHE_STEPS 2000000 /* nodes visited by one rendering: endless templates end */

struct bh_mustache;

/*
 * The text is copied.  0 and a new template in *t_r, or -1 BH_INVALID naming
 * the line: a tag or section that is not closed, a bad name, NUL in the text.
 */
int bh_mustache_parse(const char *text, size_t len, struct bh_mustache **t_r, struct bh_err *err);
void bh_mustache_free(struct bh_mustache **t);

/* Finds a partial by name; borrowed for the rendering; NULL (nothing is written) when there is none. */
typedef const struct bh_mustache *bh_mustache_partial(void *arg, const char *name);

/*
 * Append t filled in from view to out.  partial may be NULL.  -1 BH_INVALID
 * when it nests deeper than BH_MUSTACHE_DEPTH, takes more than
 * BH_MUSTACHE_STEPS, or does not fit into out.
 */
int bh_mustache_render(const struct bh_mustache *t, const json_t *view,
    bh_mustache_partial *partial, void *arg, struct bh_buf *out, struct bh_err *err);

enum bh_mustache_tag {
	BH_MUSTACHE_TEXT = 0, /* never given to a callback */
	BH_MUSTACHE_VARIABLE,
	BH_MUSTACHE_RAW, /* {{{x}}} and {{&x}} */
	BH_MUSTACHE_SECTION,
	BH_MUSTACHE_INVERTED,
	BH_MUSTACHE_PARTIAL,
	BH_MUSTACHE_END /* of the section or inverted section of this name */
};

/* Every tag in the order of the text, for scripts that hold templates against their views. */
void bh_mustache_names(const struct bh_mustache *t,
    void (*each)(void *arg, enum bh_mustache_tag tag, const char *name), void *arg);

#endif
