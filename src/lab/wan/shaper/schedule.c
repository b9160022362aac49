#include "schedule.h"

#include <stdlib.h>

#include "link.h"

bool schedule_reserve(struct schedule *schedule, size_t links) {
  if (links <= schedule->room) return true;
  size_t room = links < 64 ? 64 : links * 2;
  struct link **bigger = realloc(schedule->links, room * sizeof(struct link *));
  if (bigger == NULL) return false;
  schedule->links = bigger;
  schedule->room = room;
  return true;
}

static bool before(const struct link *a, const struct link *b) { return a->head->due_ns < b->head->due_ns; }

static void put(struct schedule *schedule, size_t at, struct link *link) {
  schedule->links[at] = link;
  link->scheduled_at = at;
}

/* Moves a link from `at` to its place; everything else is in order. */
static void settle(struct schedule *schedule, size_t at, struct link *link) {
  while (at > 0) {
    size_t parent = (at - 1) / 2;
    if (!before(link, schedule->links[parent])) break;
    put(schedule, at, schedule->links[parent]);
    at = parent;
  }
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= schedule->count) break;
    if (child + 1 < schedule->count && before(schedule->links[child + 1], schedule->links[child])) child += 1;
    if (!before(schedule->links[child], link)) break;
    put(schedule, at, schedule->links[child]);
    at = child;
  }
  put(schedule, at, link);
}

void schedule_update(struct schedule *schedule, struct link *link) {
  size_t at = link->scheduled_at;
  if (link->head != NULL) {
    settle(schedule, at == SCHEDULE_NONE ? schedule->count++ : at, link);
  } else if (at != SCHEDULE_NONE) {
    link->scheduled_at = SCHEDULE_NONE;
    struct link *last = schedule->links[--schedule->count];
    if (last != link) settle(schedule, at, last);
  }
}

struct link *schedule_first(const struct schedule *schedule) {
  return schedule->count == 0 ? NULL : schedule->links[0];
}
