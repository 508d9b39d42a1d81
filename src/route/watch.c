/* watch.c -- the pipeline file on disk: read again when it changes, the last good one kept. */
#include "route/watch.h"

#include <string.h>

#include "queue/upload.h"
#include "base/banned.h"

void
watch_free(struct watch *w)
{
	pipeline_drop(w->fresh);
	pipeline_drop(w->current);
	w->fresh = w->current = NULL;
}

/* Says so once for each version of the file; a file that is gone is a version too. */
static bool
has_changed(struct watch *w)
{
	struct stat st = { 0 };
	if (stat(w->file, &st) != 0)
		st = (struct stat){ .st_size = -1 };
	bool same = st.st_mtim.tv_sec == w->seen.st_mtim.tv_sec &&
	            st.st_mtim.tv_nsec == w->seen.st_mtim.tv_nsec && st.st_ino == w->seen.st_ino &&
	            st.st_size == w->seen.st_size;
	w->seen = st;
	return !same;
}

static enum watch_news
take_fresh(struct watch *w, struct db *db, struct fault *f)
{
	int number = 0;
	if (!w->fresh)
		return WATCH_SAME;
	if (w->current && strcmp(w->current->sha256, w->fresh->sha256) == 0) {
		pipeline_drop(w->fresh);
		w->fresh = NULL;
		return WATCH_SAME;
	}
	if (upload_register_pipeline(db, w->fresh->sha256, w->fresh->body, &number, f) != RC_OK)
		return WATCH_FAULT;
	pipeline_drop(w->current);
	w->current = w->fresh;
	w->fresh = NULL;
	w->number = number;
	return WATCH_CHANGED;
}

enum watch_news
watch_look(struct watch *w, struct db *db, struct pipeline_problems *problems, struct fault *f)
{
	if (has_changed(w)) {
		pipeline_drop(w->fresh);
		w->fresh = pipeline_read(w->file, problems);
		if (!w->fresh)
			return WATCH_REFUSED;
	}
	return take_fresh(w, db, f);
}
