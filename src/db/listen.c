/* listen.c -- notifications, and waiting for them together with other things. */
#include <errno.h>
#include <poll.h>

#include "db/internal.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/banned.h"

enum rc
db_listen(struct db *db, const char *channel, struct fault *f)
{
	struct str sql = STR_INIT(1024);
	str_add(&sql, "listen \"");
	for (const char *p = channel; *p; p++) {
		if (*p == '"')
			str_addc(&sql, '"');
		str_addc(&sql, *p);
	}
	str_addc(&sql, '"');
	enum rc rc = sql.failed ? fault_set(f, RC_PERMANENT, "the channel's name is too long")
	                        : db_script(db, str_text(&sql), f);
	str_free(&sql);
	return rc;
}

static bool
take_notifications(struct db *db, struct str *payloads)
{
	bool any = false;
	PGnotify *note;
	while ((note = PQnotifies(db->conn))) {
		any = true;
		if (payloads)
			str_addf(payloads, "%s\n", note->extra);
		PQfreemem(note);
	}
	return any;
}

static int
poll_ms(int64_t wait_ms, int64_t started_ms)
{
	if (wait_ms < 0)
		return -1;
	int64_t left_ms = started_ms + wait_ms - clock_mono_ms();
	return left_ms <= 0 ? 0 : left_ms > 60000 ? 60000 : (int)left_ms;
}

enum rc
db_wait(struct db *db, int other_fd, int64_t wait_ms, struct str *payloads, bool *ret_notified,
        bool *ret_other, struct fault *f)
{
	int64_t started_ms = clock_mono_ms();
	for (bool last = false;;) {
		if (db_broken(db))
			return db_lost(db, "the connection to the database is lost", f);
		bool notified = take_notifications(db, payloads);
		struct pollfd p[] = {
			{ .fd = PQsocket(db->conn), .events = POLLIN },
			{ .fd = other_fd, .events = POLLIN },
			{ .fd = stop_fd(), .events = POLLIN },
		};
		int timeout = notified || last ? 0 : poll_ms(wait_ms, started_ms);
		int n = poll(p, ARRAY_LEN(p), timeout);
		if (n < 0 && errno == EINTR)
			continue;
		bool other = p[1].revents != 0;
		if (p[2].revents)
			return fault_set(f, RC_STOP, "a stop was requested");
		if (p[0].revents && !PQconsumeInput(db->conn))
			return db_lost(db, "the connection to the database is lost", f);
		if (notified || other || last) {
			*ret_notified = notified;
			*ret_other = other;
			return RC_OK;
		}
		/* One more look: what arrived with the deadline is taken along. */
		last = wait_ms >= 0 && clock_mono_ms() - started_ms >= wait_ms;
	}
}
