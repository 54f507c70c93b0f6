/* See chart.h. */
#include "base/base.h"

#include "web/chart.h"

#include "model/money.h"
#include "web/words.h"

#define WIDTH 720
#define HEIGHT 224
#define LEFT 80 /* room for the amounts */
#define RIGHT 8
#define TOP 8
#define BOTTOM 40 /* room for the months */
#define LINES 4   /* about so many lines across */
#define LEAST 1.0 /* of what is not nothing something is seen */

struct scale {
	double most, least; /* in minor units */
	double step;        /* between two lines */
	const char *currency;
};

/* 1, 2 or 5 times a power of ten, and no part of a unit of money. */
static double
nice_step(double range, const char *currency)
{
	static const int times[] = {1, 2, 5};
	double base = 1;

	for (int i = money_exponent(currency); i > 0; i--)
		base *= 10;
	for (; base < 1e20; base *= 10)
		for (size_t i = 0; i < BH_LEN(times); i++)
			if (base * times[i] * LINES >= range)
				return base * times[i];
	return base;
}

static struct scale
find_scale(const struct chart_column *columns, size_t n, const char *currency)
{
	struct scale scale = {.currency = currency};
	int lines;

	for (size_t i = 0; i < n; i++) {
		double up = 0, down = 0;

		for (size_t k = 0; k < columns[i].n; k++) {
			double amount = (double)columns[i].parts[k].amount;

			*(amount > 0 ? &up : &down) += amount;
		}
		scale.most = up > scale.most ? up : scale.most;
		scale.least = down < scale.least ? down : scale.least;
	}
	scale.step = nice_step(scale.most - scale.least, currency);
	lines = (int)(scale.most / scale.step);
	scale.most = (lines + (lines * scale.step < scale.most || lines == 0)) * scale.step;
	lines = (int)(-scale.least / scale.step);
	scale.least = -(lines + (lines * scale.step < -scale.least)) * scale.step;
	return scale;
}

static double
place(const struct scale *scale, double amount)
{
	return TOP +
	       (scale->most - amount) / (scale->most - scale->least) * (HEIGHT - TOP - BOTTOM);
}

/* Whole units: "12,000". */
static json_t *
line_label(const struct scale *scale, double amount)
{
	char text[WORDS_MAX];

	for (int i = money_exponent(scale->currency); i > 0; i--)
		amount /= 10;
	words_count(text, (int64_t)(amount + (amount < 0 ? -.5 : .5)));
	return json_string(text);
}

static json_t *
lines_of(const struct scale *scale)
{
	json_t *lines = json_array();
	int n = (int)((scale->most - scale->least) / scale->step + .5);

	for (int i = 0; i <= n; i++) {
		double amount = scale->least + i * scale->step;
		double y = place(scale, amount);

		json_array_append_new(lines,
		    json_pack("{s:o, s:o, s:o, s:s}", "y", json_sprintf("%.1f", y), "text_y",
			json_sprintf("%.1f", y + 4), "label", line_label(scale, amount), "kind",
			amount > -.5 && amount < .5 ? "zero" : "line"));
	}
	return lines;
}

static void
add_bar(json_t *bars, const struct scale *scale, const struct chart_column *column,
    const struct chart_part *part, double x, double width, double *from)
{
	double to = *from + (double)part->amount;
	double top = place(scale, part->amount > 0 ? to : *from);
	double height = place(scale, part->amount > 0 ? *from : to) - top;
	json_t *amount = words_money_json(part->amount, scale->currency);

	*from = to;
	json_array_append_new(bars,
	    json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "x", json_sprintf("%.1f", x), "y",
		json_sprintf("%.1f", top), "width", json_sprintf("%.1f", width), "height",
		json_sprintf("%.1f", height > LEAST ? height : LEAST), "kind", part->kind, "tip",
		json_sprintf("%s, %s: %s", column->name, part->word, json_string_value(amount))));
	json_decref(amount);
}

static json_t *
bars_of(const struct scale *scale, const struct chart_column *columns, size_t n)
{
	double room = (double)(WIDTH - LEFT - RIGHT) / (double)(n > 0 ? n : 1), width = room * .64;
	json_t *bars = json_array();

	for (size_t i = 0; i < n; i++) {
		double up = 0, down = 0, x = LEFT + room * (double)i + (room - width) / 2;

		for (size_t k = 0; k < columns[i].n; k++) {
			const struct chart_part *part = &columns[i].parts[k];

			if (part->amount != 0)
				add_bar(bars, scale, &columns[i], part, x, width,
				    part->amount > 0 ? &up : &down);
		}
	}
	return bars;
}

static json_t *
labels_of(const struct chart_column *columns, size_t n)
{
	double room = (double)(WIDTH - LEFT - RIGHT) / (double)(n > 0 ? n : 1);
	json_t *labels = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(labels,
		    json_pack("{s:o, s:s, s:s}", "x",
			json_sprintf("%.1f", LEFT + room * ((double)i + .5)), "text",
			columns[i].label, "under", columns[i].under));
	return labels;
}

json_t *
chart_view(const char *id, const char *title, const char *desc, const struct chart_column *columns,
    size_t n, const char *currency)
{
	struct scale scale = find_scale(columns, n, currency);

	return json_pack("{s:s, s:s, s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o}", "id", id,
	    "title", title, "desc", desc, "view", json_sprintf("0 0 %d %d", WIDTH, HEIGHT), "left",
	    LEFT, "right", WIDTH - RIGHT, "text_x", LEFT - 8, "label_y", HEIGHT - BOTTOM + 16,
	    "under_y", HEIGHT - BOTTOM + 32, "lines", lines_of(&scale), "bars",
	    bars_of(&scale, columns, n), "labels", labels_of(columns, n));
}
