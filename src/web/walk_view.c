/* See walk_view.h. */
#include "base/base.h"

#include "web/walk_view.h"

#include "web/words.h"

/* Rows a second since it was last set going; 0 unknown. */
static int64_t
rate_of(const struct walk *walk, int64_t now_ms)
{
	int64_t span_ms = now_ms - walk->turned_ms;

	return walk->turned_ms != 0 && span_ms > 1000
		   ? (walk->read - walk->turned_read) * 1000 / span_ms
		   : 0;
}

static void
add_left(struct bh_buf *text, const struct walk *walk, int64_t rate)
{
	char left[WORDS_MAX];

	if (rate <= 0 || walk->phase_total <= walk->phase_read)
		return;
	words_age(left, (walk->phase_total - walk->phase_read) * 1000 / rate, 0);
	bh_buf_addf(text, ", over %s", left);
}

void
walk_view_step(struct bh_buf *text, const struct walk *walk, const char *what, int64_t now_ms)
{
	char read[WORDS_MAX], total[WORDS_MAX];
	int64_t rate = rate_of(walk, now_ms);

	words_count(read, walk->phase_read);
	words_count(total, walk->phase_total);
	bh_buf_addf(text, "Step %d of %d, %s: %s", walk->phase_number, walk->phases, what, read);
	if (walk->phase_total >= 0)
		bh_buf_addf(text, " of %s", total);
	if (rate > 0)
		bh_buf_addf(text, ", %lld a second", (long long)rate);
	add_left(text, walk, rate);
	bh_buf_adds(text, ". ");
}

int
walk_view_percent(const struct walk *walk)
{
	int64_t part = 0;

	if (walk->state == WALK_DONE)
		return 100;
	if (walk->phases <= 0 || walk->phase_number <= 0)
		return 0;
	if (walk->phase_total > 0)
		part = walk->phase_read * 100 / walk->phase_total;
	if (part > 100)
		part = 100;
	return (int)(((walk->phase_number - 1) * INT64_C(100) + part) / walk->phases);
}
