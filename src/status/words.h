/* words.h -- the states and outcomes that pages show: how each looks, so that none is told by
 * colour alone. */
#ifndef STATUS_WORDS_H
#define STATUS_WORDS_H

#include <stdbool.h>

#include "base/str.h"

struct word {
	const char *name; /* as in the JSON */
	const char *tone; /* a class of style.css: good, bad, warn, run, idle, mute */
	const char *icon; /* a symbol of page.c's sprite */
	bool final;
};

/* Never NULL: an unknown name gets a neutral look. */
const struct word *word_of_upload(const char *state);
const struct word *word_of_job(const char *state);
/* NULL: the attempt is running. */
const struct word *word_of_outcome(const char *outcome);
/* The badge; shown is the text in it, NULL: the word's own name. */
void word_badge(struct str *out, const struct word *w, const char *shown);

/* What a reason's code means, as the end of a sentence; NULL for one that is not known. */
const char *word_of_reason(const char *code);

#endif
