/* Which row of some has a value: MIN and MAX of frames with two ends, and values that pass over
 * rows that do not count.
 *
 * Nothing can be taken away from a MIN, so it does not slide as sums do. But the nodes of a
 * partition's tree remember which row below them has the least value (state_tree_choose), and when
 * frames are looked at one after the other, the row chosen for one stays chosen for the next while
 * it is in there and no row that has come in is better.
 *
 * FIRST_VALUE, LAST_VALUE, LAG and LEAD that pass over NULLs mean the first or last row that counts
 * of a range: that is a choice as well, by place.
 *
 * Cost: a comparison for each row that comes into a frame; a logarithmic number of them where the
 * chosen row has left it. A comparison decodes two values. */
#include "executor/over/over.h"

static OverChoiceKind kind_of(const PlanOverCall *plan)
{
    switch (plan->kind) {
    case WINDOW_AGGREGATE:
        if (plan->fold != PLAN_FOLD_ANEW)
            return OVER_CHOICE_NONE;
        return strcmp(plan->aggregate.function->name, "MAX") == 0   ? OVER_CHOICE_GREATEST
               : strcmp(plan->aggregate.function->name, "MIN") == 0 ? OVER_CHOICE_LEAST
                                                                    : OVER_CHOICE_NONE;
    case WINDOW_LAG:
    case WINDOW_LEAD:
        if (!plan->ignore_nulls || plan->number == 0)
            return OVER_CHOICE_NONE;
        return plan->kind == WINDOW_LAG ? OVER_CHOICE_LAST : OVER_CHOICE_FIRST;
    case WINDOW_FIRST_VALUE:
    case WINDOW_LAST_VALUE:
        if (plan->fold != PLAN_FOLD_NONE || (!plan->ignore_nulls && plan->filter < 0))
            return OVER_CHOICE_NONE;
        return plan->kind == WINDOW_LAST_VALUE ? OVER_CHOICE_LAST : OVER_CHOICE_FIRST;
    default:
        return OVER_CHOICE_NONE;
    }
}

static OverCall *call_of(const Over *over, uint32_t choice)
{
    uint32_t i = 0;
    while (over->calls[i].choice.kind == OVER_CHOICE_NONE || over->calls[i].choice.number != choice)
        i++;
    return &over->calls[i];
}

static bool counts(const Over *over, const OverCall *call, const void *record)
{
    bool by_place = call->choice.kind >= OVER_CHOICE_FIRST;
    return over_decode(over, call, record) &&
           ((by_place && !call->plan->ignore_nulls) || !vector_is_null(call->args[0], 0));
}

static bool is_before(const Over *over, const void *record, const void *other)
{
    return over_keys_compare(state_tree_sort_key(over->rows, record),
                             state_tree_sort_key(over->rows, other)) < 0;
}

/* Of equal values the first in order: they may differ in what comparing does not see. */
static bool wins(const Over *over, OverCall *call, const void *record, const void *other)
{
    if (call->choice.kind >= OVER_CHOICE_FIRST)
        return is_before(over, record, other) == (call->choice.kind == OVER_CHOICE_FIRST);
    over_decode(over, call, other);
    call->choice.kept = *call->args[0];
    Vector *kept = &call->choice.kept;
    uint64_t room[2];
    memcpy(room, kept->data, physical_size(kept->type->physical));
    kept->data = room;
    over_decode(over, call, record);
    int order = vector_values_compare(call->args[0], 0, kept, 0);
    if (order == 0)
        return is_before(over, record, other);
    return call->choice.kind == OVER_CHOICE_GREATEST ? order > 0 : order < 0;
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
        choice->kind = kind_of(over->calls[i].plan);
        if (choice->kind != OVER_CHOICE_NONE)
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

void *over_choose_outer(const OverSite *site, const OverCall *call, OverReach rows)
{
    return state_tree_choose(site->over->rows, site->tree, call->choice.number, rows.first,
                             rows.end);
}
