/* MIN and MAX of frames that slide: values cannot be taken away, but folds can be put together.
 *
 * A frame is cut in the middle. Each of its rows before the middle has the fold of the rows from
 * itself up to the middle, beside it in the history; those behind have one fold together, with the
 * partition. The value is the fold of the frame's first row and the one behind. When the frame's
 * start has reached the middle, the middle moves to the frame's end, and the rows get their folds
 * from the last one back.
 *
 * Cost: a row is folded twice and put together twice, however long the frame is. */
#include "executor/over/time_over.h"

static uint8_t *behind_of(const TimeOverCall *call, TimeOverPartition *partition)
{
    return (uint8_t *)partition + call->fold_offset;
}

static uint8_t *suffix_of(const TimeOverCall *call, void *kept)
{
    return (uint8_t *)kept + call->suffix_offset;
}

static void empty_fold(const BoundAggregate *aggregate, uint8_t *fold, AggregateMemory *memory)
{
    for (uint32_t k = 0; k < aggregate->string_count; k++)
        memory->assign(memory, (StringView *)(void *)(fold + aggregate->string_offsets[k]),
                       (Str){"", 0});
    memset(fold, 0, aggregate->state_bytes);
}

/* The rows first <= number < end, all there are behind the middle, come before it. */
static bool move_middle(TimeOver *over, const TimeOverCall *call, const StateTree *tree,
                        TimeOverPartition *partition, uint64_t first, uint64_t end, Error *error)
{
    const BoundAggregate *aggregate = &call->plan->aggregate;
    AggregateMemory *memory = &over->history_memory.base;
    StateCursor cursor;
    const uint8_t *next = NULL;
    void *kept = time_over_seek(over, tree, end - 1, &cursor);
    for (uint64_t number = end; number > first; number--) {
        uint8_t *suffix = suffix_of(call, kept);
        if (!time_over_fold(over, call, tree, number - 1, number, suffix, memory, error) ||
            (next != NULL && !aggregate->merge(aggregate->data, suffix, next, memory, error)))
            return false;
        state_touch(over->history, kept);
        next = suffix;
        kept = state_cursor_previous(&cursor);
    }
    empty_fold(aggregate, behind_of(call, partition), &over->memory.base);
    *time_over_number(partition, call->middle_offset) = end;
    return true;
}

/* Takes in the rows first..last of the work, all equal, and gives the value of their frame. */
static bool slide_to(TimeOver *over, const TimeOverCall *call, const TimeOverWork *work,
                     uint32_t first, uint32_t last, uint8_t *fold, Error *error)
{
    const BoundAggregate *aggregate = &call->plan->aggregate;
    TimeOverPartition *partition = work->partitions[first];
    const StateTree *tree = work->history[first];
    uint64_t *from = time_over_number(partition, call->from_offset);
    uint64_t end = work->numbers[last] + 1;
    *from = time_over_frame_start(over, call, work, first);
    if (*from >= *time_over_number(partition, call->middle_offset)) {
        if (!move_middle(over, call, tree, partition, *from, end, error))
            return false;
    } else if (!time_over_fold(over, call, tree, work->numbers[first], end,
                               behind_of(call, partition), &over->memory.base, error)) {
        return false;
    }
    StateCursor cursor;
    void *kept = time_over_seek(over, tree, *from, &cursor);
    memcpy(fold, suffix_of(call, kept), aggregate->state_bytes);
    return aggregate->merge(aggregate->data, fold, behind_of(call, partition),
                            &over->scratch_memory.base, error);
}

bool time_over_run_stack(TimeOver *over, const TimeOverCall *call, TimeOverWork *work, Vector *out,
                         Error *error)
{
    const BoundAggregate *aggregate = &call->plan->aggregate;
    Arena *arena = work->out->arena;
    uint8_t *fold = arena_alloc(over->run, (size_t)aggregate->state_bytes + 8);
    Vector value;
    vector_init(&value, call->plan->type, 1, over->run);
    for (uint32_t i = 0; i < work->count; i++) {
        uint32_t last = call->by_rows ? i : time_over_last_peer(work, i);
        if (!slide_to(over, call, work, i, last, fold, error))
            return false;
        vector_set_valid(&value, 0);
        if (!aggregate->result_of(aggregate->data, &fold, 1, &value, arena, error))
            return false;
        for (; i < last; i++)
            vector_copy_value(out, i, &value, 0, arena, true);
        vector_copy_value(out, i, &value, 0, arena, true);
    }
    return true;
}
