/* MIN and MAX of frames with two ends: which row of a frame has the value.
 *
 * Nothing can be taken away from a MIN, so it does not slide as sums do. But the nodes of a
 * partition's tree remember which row below them has the least value (state_tree_choose), and when
 * frames are looked at one after the other, the row chosen for one stays chosen for the next while
 * it is in there and no row that has come in is better.
 *
 * Cost: a comparison for each row that comes into a frame; a logarithmic number of them where the
 * chosen row has left it. A comparison decodes two values. */
#include "executor/over/over.h"

static bool is_extreme(const PlanOverCall *plan, bool *greatest)
{
    if (plan->kind != WINDOW_AGGREGATE || plan->fold != PLAN_FOLD_ANEW)
        return false;
    *greatest = strcmp(plan->aggregate.function->name, "MAX") == 0;
    return *greatest || strcmp(plan->aggregate.function->name, "MIN") == 0;
}

static OverCall *call_of(const Over *over, uint32_t choice)
{
    uint32_t i = 0;
    while (!over->calls[i].choice.is_used || over->calls[i].choice.number != choice)
        i++;
    return &over->calls[i];
}

static bool counts(const Over *over, const OverCall *call, const void *record)
{
    return over_decode(over, call, record) && !vector_is_null(call->args[0], 0);
}

/* Of equal values the first in order: they may differ in what comparing does not see. */
static bool wins(const Over *over, OverCall *call, const void *record, const void *other)
{
    over_decode(over, call, other);
    call->choice.kept = *call->args[0];
    Vector *kept = &call->choice.kept;
    uint64_t room[2];
    memcpy(room, kept->data, physical_size(kept->type->physical));
    kept->data = room;
    over_decode(over, call, record);
    int order = vector_values_compare(call->args[0], 0, kept, 0);
    if (order == 0)
        return over_keys_compare(state_tree_sort_key(over->rows, record),
                                 state_tree_sort_key(over->rows, other)) < 0;
    return call->choice.greatest ? order > 0 : order < 0;
}

static bool choice_counts(void *to, uint32_t choice, const void *record)
{
    return counts(to, call_of(to, choice), record);
}

static bool choice_wins(void *to, uint32_t choice, const void *record, const void *other)
{
    return wins(to, call_of(to, choice), record, other);
}

void over_choices_open(Over *over)
{
    StateChoices choices = {.counts = choice_counts, .wins = choice_wins, .to = over};
    for (uint32_t i = 0; i < over->call_count; i++) {
        OverChoice *choice = &over->calls[i].choice;
        choice->is_used = is_extreme(over->calls[i].plan, &choice->greatest);
        if (choice->is_used)
            choice->number = choices.count++;
    }
    state_table_choose(over->rows, &choices);
}

void over_choices_start(Over *over)
{
    for (uint32_t i = 0; i < over->call_count; i++)
        over->calls[i].choice.is_known = false;
}

/* The rows from the end of the last frame on have come into this one. */
static void *choose_on(const OverSite *site, OverCall *call, uint32_t from, uint32_t end)
{
    OverChoice *choice = &call->choice;
    StateCursor cursor;
    const void *record = from < end ? state_cursor_at(site->tree, from, &cursor) : NULL;
    for (uint32_t position = from; position < end; position++) {
        if (counts(site->over, call, record) && wins(site->over, call, record, choice->record)) {
            choice->record = (void *)(uintptr_t)record;
            choice->position = position;
        }
        record = state_cursor_next(&cursor);
    }
    return choice->record;
}

/* More rows that come in are not looked at one by one. */
#define ROWS_MAX 32

void *over_choose(const OverSite *site, OverCall *call, OverReach frame)
{
    OverChoice *choice = &call->choice;
    bool goes_on = choice->is_known && choice->record != NULL && frame.first >= choice->first &&
                   frame.first <= choice->position && frame.end >= choice->end &&
                   frame.end - choice->end <= ROWS_MAX;
    uint32_t from = choice->end;
    choice->is_known = true;
    choice->first = frame.first;
    choice->end = frame.end;
    if (goes_on)
        return choose_on(site, call, from, frame.end);
    choice->record =
        state_tree_choose(site->over->rows, site->tree, choice->number, frame.first, frame.end);
    if (choice->record != NULL)
        choice->position = state_tree_position(
            site->over->rows, site->tree, state_tree_sort_key(site->over->rows, choice->record));
    return choice->record;
}
