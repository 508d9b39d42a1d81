/* mailbox.h -- a bounded queue of pointers between threads. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct mailbox;

void mailbox_free(struct mailbox *m); /* does not free what is still inside */
struct mailbox *mailbox_new(size_t capacity) OWNS(mailbox_free);
/* False at once when full or closed; the item stays the caller's. */
bool mailbox_try_put(struct mailbox *m, void *item) MUST_USE;
/* Takes up to max items; waits up to wait_ms for the first (-1: for ever), never for more. 0: timed
 * out, or closed and empty. */
size_t mailbox_take(struct mailbox *m, void **items, size_t max, int64_t wait_ms);
/* No more puts; takers drain what is left and then get 0 at once. */
void mailbox_close(struct mailbox *m);
size_t mailbox_count(struct mailbox *m);
/* Readable while it is not empty: for poll(2). Owned by the mailbox. */
int mailbox_fd(struct mailbox *m);

#endif
