/* Column charts as inline SVG, made on the server: the model of the template _chart. */
#ifndef WEB_CHART_H
#define WEB_CHART_H

#include "base/base.h"

#include <jansson.h>

#define CHART_PARTS 6

/* What is above nothing is stacked upwards, what is below it downwards. */
struct chart_column {
	const char *label; /* below the column: "Nov" */
	const char *under; /* and below that, "2026"; "" none */
	const char *name;  /* of the column on hover: "November 2026" */
	struct chart_part {
		const char *kind; /* for the colour */
		const char *word; /* for people */
		int64_t amount;   /* in minor units */
	} parts[CHART_PARTS];
	size_t n;
};

/*
 * New reference: {id, title, desc, view, lines: [{y, text_y, label}], bars: [{x, y, width, height,
 * kind, tip}], labels: [{x, text, under}], ...}.  id: of the chart on its page.
 */
json_t *chart_view(const char *id, const char *title, const char *desc,
    const struct chart_column *columns, size_t n, const char *currency);

#endif
