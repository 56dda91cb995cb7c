/* Rows that come behind all others of their partitions, many at once.
 *
 * Most rows come in order, and most frames look back: then nobody else's results change, and what a
 * row's are made of is its partition's last row and one row a fixed way before it. So a run of such
 * rows, all of different partitions, is entered first; then each call goes over the run as over a
 * column: folds are copied from the last rows, the new rows added to all of them, the rows that
 * leave the frames taken away, the results read into a vector.
 *
 * Invariant: what is left behind, records and changelog, is what apply_row would leave, row by row.
 * Cost: no search; the memory that a row needs is read ahead for the whole run
 * (state_trees_prefetch_ends), and no call of a function is for one row alone but decoding the row
 * that leaves. */
#include "executor/over/over.h"
#include "executor/vector_rows.h"

typedef struct OverRun {
    uint32_t count;
    uint32_t rows[OVER_RUN]; /* of the input */
    StateTree *trees[OVER_RUN];
    void *records[OVER_RUN];
    void *lasts[OVER_RUN];  /* the row before; NULL: it is the first */
    uint8_t ties[OVER_RUN]; /* it is equal to the row before */
} OverRun;

/* ----------------------------------------------------------------- which calls */

/* How far back the call looks; false when it must see more than that. */
static bool can_append(const PlanOverCall *plan, uint32_t *distance, bool *ties)
{
    const PlanFrame *frame = &plan->frame;
    bool to_current = frame->end.kind == PLAN_BOUND_CURRENT_ROW;
    *distance = 0;
    *ties = true;
    switch (plan->fold) {
    case PLAN_FOLD_NONE:
        if (plan->kind == WINDOW_LAG && !plan->ignore_nulls && plan->number < OVER_RUN) {
            *distance = (uint32_t)plan->number;
            return true;
        }
        return plan->kind == WINDOW_ROW_NUMBER || plan->kind == WINDOW_RANK ||
               plan->kind == WINDOW_DENSE_RANK;
    case PLAN_FOLD_FORWARD:
        *ties = frame->by_rows;
        return to_current && !plan->distinct;
    case PLAN_FOLD_SLIDE:
        if (!frame->by_rows || !to_current || frame->start.kind != PLAN_BOUND_PRECEDING ||
            frame->start.rows >= INT32_MAX)
            return false;
        *distance = (uint32_t)frame->start.rows + 1;
        return true;
    case PLAN_FOLD_ANEW:
        return frame->by_rows && to_current;
    default:
        return false;
    }
}

void over_append_open(Over *over)
{
    Arena *arena = over->base.context->arena;
    over->appends = !over->plan->final_only;
    over->appends_ties = true;
    for (uint32_t i = 0; i < over->call_count; i++) {
        OverCall *call = &over->calls[i];
        bool ties = false;
        over->appends = over->appends && can_append(call->plan, &call->distance, &ties);
        over->appends_ties = over->appends_ties && ties;
        if (call->distance > over->append_distance)
            over->append_distance = call->distance;
    }
    if (over->appends)
        over->seen = arena_new_array(arena, uint64_t, OVER_SEEN);
}

/* -------------------------------------------------------------------- entering */

/* Enters the row if it comes behind all others of a partition that is not in the run. */
static bool enter_row(Over *over, OverBatch *work, uint32_t row, OverRun *run)
{
    if (change_is_retraction(batch_kind(work->in, row)))
        return false;
    uint64_t *seen = &over->seen[work->hashes[row] % OVER_SEEN];
    if (*seen == over->run)
        return false;
    StateTree *tree = over_tree_of(over, work, row);
    void *last = state_tree_last(tree);
    uint64_t arrival = 0;
    int order = 1;
    if (last != NULL) {
        Str last_key = state_tree_sort_key(over->rows, last);
        order = over_keys_compare(over_order_part(work->sort_keys[row]), over_order_part(last_key));
        if (order < 0 || (order == 0 && !over->appends_ties))
            return false;
        arrival = order == 0 ? over_read_arrival(last_key) + 1 : 0;
    }
    *seen = over->run;
    over_write_arrival(work->sort_keys[row], arrival);
    RowTiesGroup group = {work->keys[row], over_order_part(work->sort_keys[row])};
    row_ties_come(over->ties, &group, work->rows[row], arrival, arrival == 0);
    uint32_t i = run->count++;
    run->rows[i] = row;
    run->lasts[i] = last;
    run->ties[i] = order == 0;
    run->records[i] = state_tree_append(over->rows, &tree, work->keys[row], work->hashes[row],
                                        work->sort_keys[row], work->rows[row]);
    run->trees[i] = tree;
    return true;
}

/* --------------------------------------------------------------------- places */

static int64_t stored_number(const OverCall *call, const void *record)
{
    int64_t number;
    memcpy(&number, (const uint8_t *)record + call->result_offset, sizeof(number));
    return number;
}

static int64_t place_of(const OverCall *call, const OverRun *run, uint32_t i)
{
    if (call->plan->kind == WINDOW_DENSE_RANK)
        return run->lasts[i] == NULL ? 1 : stored_number(call, run->lasts[i]) + !run->ties[i];
    if (call->plan->kind == WINDOW_RANK && run->ties[i] != 0)
        return stored_number(call, run->lasts[i]);
    return state_tree_size(run->trees[i]);
}

static void find_places(OverCall *call, const OverRun *run)
{
    for (uint32_t i = 0; i < run->count; i++) {
        int64_t place = place_of(call, run, i);
        if (call->results.type->physical == PHYSICAL_I32)
            ((int32_t *)call->results.data)[i] = (int32_t)place;
        else
            ((int64_t *)call->results.data)[i] = place;
    }
}

static void find_lagging(Over *over, OverCall *call, const OverRun *run)
{
    for (uint32_t i = 0; i < run->count; i++) {
        const void *record = state_tree_from_end(run->trees[i], call->distance);
        uint32_t argument = record == NULL ? 1 : 0;
        if (argument >= call->plan->argument_count) {
            vector_set_null(&call->results, i, over->scratch);
            continue;
        }
        over_decode(over, call, record == NULL ? run->records[i] : record);
        vector_copy_value(&call->results, i, call->args[argument], 0, over->scratch, true);
    }
}

/* ---------------------------------------------------------------------- folds */

/* The arguments and the filter of the run's rows. */
static void gather_arguments(const OverCall *call, const Batch *in, const OverRun *run,
                             Arena *arena, const Vector **args, uint8_t *active)
{
    const PlanOverCall *plan = call->plan;
    for (uint32_t a = 0; a < plan->argument_count; a++) {
        Vector *vector = arena_new_one(arena, Vector);
        vector_gather(vector, &in->columns[plan->arguments[a]], run->rows, run->count, arena);
        args[a] = vector;
    }
    if (plan->filter < 0)
        return;
    const Vector *filter = &in->columns[plan->filter];
    for (uint32_t i = 0; i < run->count; i++)
        active[i] = !vector_is_null(filter, run->rows[i]) &&
                    ((const uint8_t *)filter->data)[vector_index(filter, run->rows[i])] != 0;
}

static bool update_folds(Over *over, const OverCall *call, const Vector *const *args,
                         uint32_t count, uint8_t *const *states, const uint8_t *active,
                         const uint8_t *kinds, Error *error)
{
    AggregateUpdate update = {
        .args = args,
        .row_count = count,
        .states = states,
        .kinds = kinds,
        .active = active,
        .memory = &over->memory.memory,
        .arena = over->scratch,
        .data = call->plan->aggregate.data,
    };
    return call->plan->aggregate.update(&update, error);
}

/* The rows that have left the frames are taken away from the folds. */
static bool take_leaving(Over *over, OverCall *call, const OverRun *run, uint8_t *const *folds,
                         Error *error)
{
    uint8_t *states[OVER_RUN], kinds[OVER_RUN], active[OVER_RUN];
    Str rows[OVER_RUN];
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        const void *leaving = state_tree_from_end(run->trees[i], call->distance);
        if (leaving == NULL)
            continue;
        rows[count] = state_tree_payload(over->rows, leaving);
        states[count++] = folds[i];
    }
    if (count == 0)
        return true;
    const Vector **args = over_decode_many(over, call, rows, count, over->scratch, active);
    memset(kinds, CHANGE_DELETE, count);
    return update_folds(over, call, args, count, states, call->plan->filter < 0 ? NULL : active,
                        kinds, error);
}

static bool make_folds(Over *over, OverCall *call, const Batch *in, const OverRun *run,
                       Error *error)
{
    uint8_t *folds[OVER_RUN], active[OVER_RUN];
    const Vector **args =
        arena_new_array(over->scratch, const Vector *, call->plan->argument_count + 1);
    for (uint32_t i = 0; i < run->count; i++) {
        folds[i] = (uint8_t *)run->records[i] + call->fold_offset;
        if (run->lasts[i] != NULL)
            over_fold_copy(call, &over->memory.memory, folds[i],
                           (const uint8_t *)run->lasts[i] + call->fold_offset);
    }
    gather_arguments(call, in, run, over->scratch, args, active);
    if (!update_folds(over, call, args, run->count, folds, call->plan->filter < 0 ? NULL : active,
                      NULL, error))
        return false;
    if (call->distance != 0 && !take_leaving(over, call, run, folds, error))
        return false;
    return call->plan->aggregate.result_of(call->plan->aggregate.data, folds, run->count,
                                           &call->results, over->scratch, error);
}

/* Frames that are looked at each by itself. */
static bool fold_anew(Over *over, OverCall *call, const OverRun *run, Error *error)
{
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t rows = state_tree_size(run->trees[i]);
        OverSite site = {.over = over, .tree = run->trees[i], .rows = rows};
        OverRow row = {.position = rows - 1, .record = run->records[i]};
        over_choices_start(over);
        arena_reset(over->made);
        if (!over_value(&site, call, &row, error))
            return false;
        vector_copy_value(&call->results, i, &call->value, 0, over->scratch, false);
    }
    return true;
}

/* --------------------------------------------------------------------- results */

#define STORE(T)                                                                                   \
    for (uint32_t i = 0; i < run->count; i++)                                                      \
        memcpy((uint8_t *)run->records[i] + call->result_offset, (const T *)data + i, sizeof(T));

static void store_texts(Over *over, const OverCall *call, const OverRun *run)
{
    for (uint32_t i = 0; i < run->count; i++) {
        void *slot = (uint8_t *)run->records[i] + call->result_offset;
        if (!vector_is_null(&call->results, i))
            state_string_assign(over->rows, slot, over_result_text(over, call, &call->results, i));
    }
}

static void store_results(Over *over, const OverCall *call, const OverRun *run)
{
    const void *data = call->results.data;
    if (call->result_is_text)
        store_texts(over, call, run);
    else if (call->result_bytes == 8)
        STORE(uint64_t)
    else if (call->result_bytes == 4)
        STORE(uint32_t)
    else
        for (uint32_t i = 0; i < run->count; i++)
            memcpy((uint8_t *)run->records[i] + call->result_offset,
                   (const uint8_t *)data + (size_t)i * call->result_bytes, call->result_bytes);
    if (call->results.validity == NULL)
        return;
    for (uint32_t i = 0; i < run->count; i++)
        if (vector_is_null(&call->results, i))
            *(uint64_t *)run->records[i] |= UINT64_C(1) << call->number;
}

/* Texts lie in memory of the run: the batch that goes on needs its own. */
static void give_results(const OverCall *call, Vector *column, const uint32_t *to,
                         const uint32_t *from, uint32_t count, Arena *arena)
{
    if (!call->result_is_text) {
        vector_copy_rows(column, to, &call->results, from, count, arena);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        vector_copy_value(column, to[i], &call->results, from[i], arena, false);
}

static bool give_rows(Over *over, const OverRun *run, Error *error)
{
    uint32_t to[OVER_RUN], from[OVER_RUN];
    RowOutput *output = &over->output;
    for (uint32_t done = 0; done < run->count;) {
        uint32_t count = 0;
        uint64_t batches = output->batches;
        /* Rows of one output batch. */
        for (; done + count < run->count; count++) {
            bool is_full = output->batch != NULL && output->batch->row_count >= output->limit;
            if (count != 0 && (is_full || output->batches != batches))
                break;
            if (!row_output_add(output, CHANGE_INSERT, &to[count], error))
                return false;
            batches = output->batches;
            row_output_copy(output, to[count], run->rows[done + count]);
            from[count] = done + count;
        }
        for (uint32_t i = 0; i < over->call_count; i++)
            give_results(&over->calls[i], output->columns[over->own + i], to, from, count,
                         output->batch->arena);
        done += count;
    }
    return true;
}

bool over_append_rows(Over *over, OverBatch *work, uint32_t first, uint32_t end, uint32_t *taken,
                      Error *error)
{
    OverRun run;
    run.count = 0;
    over->run++;
    for (uint32_t row = first; row < end && run.count < OVER_RUN; row++)
        if (!enter_row(over, work, row, &run))
            break;
    *taken = run.count;
    if (run.count == 0)
        return true;
    for (uint32_t i = 0; i < over->call_count; i++) {
        OverCall *call = &over->calls[i];
        vector_init(&call->results, call->plan->type, OVER_RUN, over->scratch);
        if (call->plan->fold == PLAN_FOLD_ANEW) {
            if (!fold_anew(over, call, &run, error))
                return false;
        } else if (call->plan->fold != PLAN_FOLD_NONE) {
            if (!make_folds(over, call, work->in, &run, error))
                return false;
        } else if (call->plan->kind == WINDOW_LAG) {
            find_lagging(over, call, &run);
        } else {
            find_places(call, &run);
        }
        store_results(over, call, &run);
    }
    return give_rows(over, &run, error);
}
