/* Lookup join: each left row with the rows that a table outside has for its key when it is looked
 * at.
 *
 * Contract: for a left row come out, with its kind, the rows of the table whose key equals its own
 * and for which the condition holds, in the table's order; a left join pads rows without one. Rows
 * come out in the order in which they came in, unless rows that are only inserted may pass others.
 * With FULL the table is read before the first row and searched here; later readings take its place
 * as a whole when they are there. Else keys are asked for, each distinct one of a batch once and
 * some hundred at a time, on helper threads; batches wait in a queue for their answers while others
 * come in, and a watermark waits behind the rows before it. A key without rows may be asked for
 * again after a delay.
 *
 * State: what was given for each row, where rows may be taken back (lookup/emit.c); rows that wait
 * for another try, written at each barrier. Answers under way are waited for there, and asked for
 * anew after a restore.
 *
 * Cost: see lookup/table.c and lookup/ask.c; a row itself is encoded only where it is kept. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "executor/lookup/join.h"

/* Connections at most; a server answers more questions beside each other, but not much faster. */
#define HELPERS_MAX 4

/* A reading that ends this soon after it became due takes effect before the next row. */
#define RELOAD_WAIT_MS 100

typedef struct LookupJoin {
    Operator base;
    /* Fixed. */
    const PlanLookupJoin *plan;
    LookupShape shape;
    const Schema *left;
    LookupAsker *asker; /* NULL with FULL */
    LookupCache *cache; /* PARTIAL */
    StateTable *waiting;
    const RowLayout *left_layout;
    /* Changing. */
    Offload *offload;
    LookupOutput output;
    LookupTable *table;
    LookupLoad *load; /* under way */
    int64_t reload_at_us;
    LookupPending *head, *tail;
    uint32_t pending_count;
    uint32_t under_way; /* questions */
    uint64_t order;     /* of the next row that waits in state */
    Arena *scratch;
} LookupJoin;

/* A row of the table `waiting`. */
typedef struct WaitingRow {
    uint64_t kind;
    int64_t attempts;
    int64_t retry_at_us;
} WaitingRow;

static int64_t now_us(const LookupJoin *join)
{
    return operator_now_us(join->base.context);
}

static bool blame(const LookupJoin *join, Error *error)
{
    if (error->code != ERROR_CANCELLED)
        error_prefix(error, "lookup of table \"%s\": ", join->plan->info.scan.table->name);
    return false;
}

static LookupKeys encode_left(const LookupJoin *join, const Batch *batch, Arena *arena)
{
    const Vector **columns = arena_new_array(arena, const Vector *, join->plan->key_count + 1);
    for (uint32_t k = 0; k < join->plan->key_count; k++)
        columns[k] = &batch->columns[join->plan->left_keys[k]];
    return lookup_encode_keys(&join->shape, columns, batch->row_count, arena);
}

/* ------------------------------------------------------------------------ FULL */

/* When the table is read next, after a reading that was due at `due_us` has ended. */
static int64_t next_reload(const LookupJoin *join, int64_t due_us)
{
    const PlanLookupReload *reload = &join->plan->reload;
    int64_t now = now_us(join);
    if (reload->interval_ms != 0) {
        int64_t next = (reload->fixed_rate ? due_us : now) + reload->interval_ms * 1000;
        return next > now ? next : now;
    }
    if (reload->days == 0)
        return INT64_MAX;
    int64_t local = time_zone_to_local(reload->zone, now);
    int64_t day = local / MICROS_PER_DAY - (local % MICROS_PER_DAY < 0);
    int64_t next = day * MICROS_PER_DAY + reload->time_of_day_us;
    while (next <= local)
        next += reload->days * MICROS_PER_DAY;
    return time_zone_to_utc(reload->zone, next);
}

static bool start_load(LookupJoin *join, Error *error)
{
    if (join->load != NULL)
        return true;
    join->load = lookup_load_new(&join->shape, join->base.context, join->offload);
    return offload_submit(join->offload, &join->load->job, error);
}

static bool end_load(LookupJoin *join, Error *error)
{
    LookupLoad *load = join->load;
    bool good = !load->job.failed;
    join->load = NULL;
    if (good) {
        lookup_table_free(join->table);
        join->table = load->table;
        load->table = NULL;
        join->reload_at_us = next_reload(join, join->reload_at_us);
        if (join->reload_at_us != INT64_MAX)
            operator_wake_at(join->base.context, join->reload_at_us);
    } else {
        *error = load->job.error;
    }
    lookup_load_free(load);
    return good || blame(join, error);
}

static bool need_table(LookupJoin *join, Error *error)
{
    if (join->table != NULL)
        return true;
    join->reload_at_us = now_us(join);
    if (!start_load(join, error))
        return false;
    return offload_wait(join->offload, 0, error) != NULL && end_load(join, error);
}

static bool full_batch(LookupJoin *join, Batch *batch, Emitter *emitter, Error *error)
{
    if (!need_table(join, error))
        return false;
    arena_reset(join->scratch);
    LookupKeys keys = encode_left(join, batch, join->scratch);
    LookupFound *found = arena_new_array(join->scratch, LookupFound, batch->row_count + 1);
    lookup_table_find(join->table, &keys, batch->row_count, found);
    lookup_output_start(&join->output);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (found[i].first == LOOKUP_NONE || lookup_takes_back(join->plan, batch_kind(batch, i)))
            continue;
        for (uint32_t row = found[i].first; row != found[i].last; row = join->table->next[row])
            lookup_output_add(&join->output, (LookupMatch){i, row, {NULL, 0}});
        lookup_output_add(&join->output, (LookupMatch){i, found[i].last, {NULL, 0}});
        if (lookup_output_is_full(&join->output) &&
            !lookup_output_emit(&join->output, batch, i + 1, &keys, join->table, emitter, error))
            return false;
    }
    return lookup_output_emit(&join->output, batch, batch->row_count, &keys, join->table, emitter,
                              error);
}

/* --------------------------------------------------------------------- pending */

static void pending_free(LookupPending *pending)
{
    for (uint32_t i = 0; i < pending->need_count; i++)
        lookup_rows_release(pending->needs[i].rows);
    batch_release(pending->batch);
    arena_free(pending->arena);
}

/* A slot per distinct key of a batch. */
static uint32_t find_key(const LookupPending *pending, const uint32_t *slots, uint32_t mask,
                         uint32_t row, uint32_t *at)
{
    const LookupKeys *keys = &pending->keys;
    for (*at = (uint32_t)keys->hashes[row] & mask; slots[*at] != 0; *at = (*at + 1) & mask) {
        const LookupNeed *need = &pending->needs[slots[*at] - 1];
        if (need->hash == keys->hashes[row] && need->key.length == keys->keys[row].length &&
            memcmp(need->key.data, keys->keys[row].data, need->key.length) == 0)
            return slots[*at] - 1;
    }
    return LOOKUP_NONE;
}

static void find_needs(const LookupJoin *join, LookupPending *pending)
{
    const Batch *batch = pending->batch;
    Arena *arena = pending->arena;
    pending->keys = encode_left(join, batch, arena);
    pending->needs = arena_new_array(arena, LookupNeed, batch->row_count + 1);
    pending->need_of_row = arena_new_array(arena, uint32_t, batch->row_count + 1);
    uint32_t mask = 15;
    while (mask < batch->row_count * 2)
        mask = mask * 2 + 1;
    uint32_t *slots = arena_new_array(arena, uint32_t, mask + 1);
    for (uint32_t row = 0; row < batch->row_count; row++) {
        pending->need_of_row[row] = LOOKUP_NONE;
        if (!pending->keys.joins[row] || lookup_takes_back(join->plan, batch_kind(batch, row)))
            continue;
        uint32_t at;
        uint32_t need = find_key(pending, slots, mask, row, &at);
        if (need == LOOKUP_NONE) {
            need = pending->need_count++;
            slots[at] = need + 1;
            pending->needs[need] =
                (LookupNeed){pending->keys.keys[row], pending->keys.hashes[row], row, NULL, false};
        }
        pending->need_of_row[row] = need;
    }
}

static LookupPending *pending_new(LookupJoin *join, Batch *batch)
{
    Arena *arena = arena_new(4096);
    LookupPending *pending = arena_new_one(arena, LookupPending);
    pending->arena = arena;
    pending->batch = batch;
    pending->retry_at_us = INT64_MAX;
    pending->watermark_us = INT64_MIN;
    pending->arrived_us = now_us(join);
    find_needs(join, pending);
    if (join->tail == NULL)
        join->head = pending;
    else
        join->tail->next = pending;
    join->tail = pending;
    join->pending_count++;
    return pending;
}

static bool is_answered(const LookupPending *pending)
{
    return pending->questions == 0 && pending->retry_at_us == INT64_MAX;
}

static bool emit_pending(LookupJoin *join, LookupPending *pending, Emitter *emitter, Error *error)
{
    Batch *batch = pending->batch;
    lookup_output_start(&join->output);
    for (uint32_t row = 0; row < batch->row_count; row++) {
        if (pending->need_of_row[row] == LOOKUP_NONE)
            continue;
        const LookupRows *rows = pending->needs[pending->need_of_row[row]].rows;
        for (uint32_t i = 0; i < rows->count; i++)
            lookup_output_add(&join->output, (LookupMatch){row, LOOKUP_NONE, rows->rows[i]});
        if (lookup_output_is_full(&join->output) &&
            !lookup_output_emit(&join->output, batch, row + 1, &pending->keys, NULL, emitter,
                                error))
            return false;
    }
    pending->emitted = true;
    return lookup_output_emit(&join->output, batch, batch->row_count, &pending->keys, NULL, emitter,
                              error);
}

/* Emits what may go: answered batches from the head on, or, where order does not matter, all that
 * stand before the first watermark that has to wait. */
static bool flush(LookupJoin *join, Emitter *emitter, Error *error)
{
    bool passes = join->plan->unordered;
    for (LookupPending *at = join->head; at != NULL && passes; at = at->next) {
        if (!at->emitted && is_answered(at) && !emit_pending(join, at, emitter, error))
            return false;
        passes = at->watermark_us == INT64_MIN;
    }
    while (join->head != NULL && (join->head->emitted || is_answered(join->head))) {
        LookupPending *head = join->head;
        int64_t watermark = head->watermark_us;
        bool good = head->emitted || emit_pending(join, head, emitter, error);
        join->head = head->next;
        if (join->head == NULL)
            join->tail = NULL;
        join->pending_count--;
        pending_free(head);
        if (!good || (watermark != INT64_MIN && !emit_watermark(emitter, watermark, error)))
            return false;
    }
    return true;
}

/* --------------------------------------------------------------------- asking */

static void use_cache(const LookupJoin *join, LookupPending *pending)
{
    if (join->cache == NULL)
        return;
    int64_t now_ms = now_us(join) / 1000;
    for (uint32_t i = 0; i < pending->need_count; i++)
        lookup_cache_prefetch(join->cache, pending->needs[i].hash);
    for (uint32_t i = 0; i < pending->need_count; i++)
        lookup_cache_prefetch_entry(join->cache, pending->needs[i].hash);
    for (uint32_t i = 0; i < pending->need_count; i++) {
        LookupNeed *need = &pending->needs[i];
        LookupRows *rows = lookup_cache_get(join->cache, need->key, need->hash, now_ms);
        if (rows == NULL)
            continue;
        rows->references++;
        need->rows = rows;
    }
}

static void fill_cache(const LookupJoin *join, const LookupPending *pending)
{
    int64_t now_ms = now_us(join) / 1000;
    for (uint32_t i = 0; i < pending->need_count && join->cache != NULL; i++) {
        const LookupNeed *need = &pending->needs[i];
        if (need->was_asked && (need->rows->count != 0 || join->plan->caches_missing))
            lookup_cache_put(join->cache, need->key, need->hash, need->rows, now_ms);
    }
}

/* All questions of the batch have been answered: what has no rows may be asked for again. */
static void end_questions(LookupJoin *join, LookupPending *pending)
{
    bool missing = false;
    for (uint32_t i = 0; i < pending->need_count; i++)
        missing = missing || pending->needs[i].rows->count == 0;
    if (!missing || pending->attempts >= join->plan->miss_attempts) {
        fill_cache(join, pending);
        return;
    }
    pending->attempts++;
    pending->retry_at_us = now_us(join) + join->plan->miss_delay_ms * 1000;
    operator_wake_at(join->base.context, pending->retry_at_us);
}

static bool take_answer(LookupJoin *join, OffloadJob *job, Error *error)
{
    LookupPending *pending;
    join->under_way--;
    if (!lookup_answer(join->asker, job, &pending, error))
        return blame(join, error);
    if (pending != NULL && pending->questions == 0)
        end_questions(join, pending);
    return true;
}

static bool wait_for_answer(LookupJoin *join, Error *error)
{
    OffloadJob *job = offload_wait(join->offload, join->plan->timeout_ms, error);
    return job == NULL ? blame(join, error) : take_answer(join, job, error);
}

static bool ask(LookupJoin *join, LookupPending *pending, Error *error)
{
    pending->retry_at_us = INT64_MAX;
    uint32_t from = 0;
    /* Not answered before all is asked. */
    pending->questions++;
    bool good = true;
    while (good && from < pending->need_count) {
        OffloadJob *job = lookup_ask(join->asker, pending, from, &from);
        if (job == NULL)
            continue;
        while (good && join->under_way >= join->plan->capacity)
            good = wait_for_answer(join, error);
        if (!good) {
            lookup_drop_question(join->asker, job);
            break;
        }
        join->under_way++;
        good = offload_submit(join->offload, job, error);
    }
    pending->questions--;
    if (good && pending->questions == 0)
        end_questions(join, pending);
    return good;
}

/* Asks again for what had no rows. */
static bool retry(LookupJoin *join, LookupPending *pending, Error *error)
{
    for (uint32_t i = 0; i < pending->need_count; i++) {
        LookupNeed *need = &pending->needs[i];
        if (need->rows == NULL || need->rows->count != 0)
            continue;
        lookup_rows_release(need->rows);
        need->rows = NULL;
    }
    return ask(join, pending, error);
}

static bool retry_due(LookupJoin *join, int64_t until_us, Error *error)
{
    for (LookupPending *at = join->head; at != NULL; at = at->next) {
        if (at->retry_at_us <= until_us && at->retry_at_us != INT64_MAX && !retry(join, at, error))
            return false;
        if (at->retry_at_us != INT64_MAX)
            operator_wake_at(join->base.context, at->retry_at_us);
    }
    return true;
}

static bool wait_for_all(LookupJoin *join, Error *error)
{
    while (join->under_way > 0)
        if (!wait_for_answer(join, error))
            return false;
    return true;
}

/* Past so many batches that wait for another try no more come in. */
static bool wait_for_room(LookupJoin *join, Emitter *emitter, Error *error)
{
    const OperatorContext *context = join->base.context;
    while (join->pending_count >= join->plan->capacity) {
        if (join->under_way > 0) {
            if (!wait_for_answer(join, error))
                return false;
        } else {
            if (context->interrupted != NULL && context->interrupted(context->interrupted_to))
                return error_set(error, ERROR_CANCELLED, "the job is being cancelled");
            clock_sleep_us(1000);
            if (!retry_due(join, now_us(join), error))
                return false;
        }
        if (!flush(join, emitter, error))
            return false;
    }
    return true;
}

static bool asked_batch(LookupJoin *join, Batch *batch, Emitter *emitter, Error *error)
{
    if (!wait_for_room(join, emitter, error)) {
        batch_release(batch);
        return false;
    }
    LookupPending *pending = pending_new(join, batch);
    use_cache(join, pending);
    if (!ask(join, pending, error) || (join->plan->waits && !wait_for_all(join, error)))
        return false;
    if (!is_answered(pending) && join->plan->timeout_ms != 0)
        operator_wake_at(join->base.context, pending->arrived_us + join->plan->timeout_ms * 1000);
    return flush(join, emitter, error);
}

static bool lookup_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->plan->cache != PLAN_LOOKUP_FULL)
        return asked_batch(join, batch, emitter, error);
    bool good = full_batch(join, batch, emitter, error);
    batch_release(batch);
    return good;
}

/* ------------------------------------------------------------ the rest of a stream */

static bool lookup_ready(Operator *op, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    OffloadJob *job;
    while ((job = offload_take(join->offload)) != NULL) {
        bool is_load = join->load != NULL && job == &join->load->job;
        if (!(is_load ? end_load(join, error) : take_answer(join, job, error)))
            return false;
    }
    return flush(join, emitter, error);
}

static bool lookup_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->tail != NULL && watermark_us != INT64_MAX) {
        join->tail->watermark_us = watermark_us;
        return true;
    }
    /* The end: what waits for another try has it now. */
    while (join->head != NULL)
        if (!retry_due(join, INT64_MAX - 1, error) || !wait_for_all(join, error) ||
            !flush(join, emitter, error))
            return false;
    return watermark_us == INT64_MAX || emit_watermark(emitter, watermark_us, error);
}

static bool lookup_end(Operator *op, Emitter *emitter, Error *error)
{
    return lookup_watermark(op, INT64_MAX, emitter, error);
}

static bool check_timeout(LookupJoin *join, int64_t now, Error *error)
{
    const LookupPending *head = join->head;
    if (head == NULL || join->plan->timeout_ms == 0)
        return true;
    int64_t until = head->arrived_us + join->plan->timeout_ms * 1000;
    if (now < until) {
        operator_wake_at(join->base.context, until);
        return true;
    }
    error_set(error, ERROR_NETWORK, "no answer came in %lld ms", (long long)join->plan->timeout_ms);
    error_hint(error, "\"timeout\" of the hint LOOKUP, or table.exec.async-lookup.timeout, allows "
                      "more.");
    return blame(join, error);
}

/* Begins with a look at the table, so that one that is not there is known before the first row. */
static bool begin(LookupJoin *join, int64_t now, Error *error)
{
    if (join->plan->cache == PLAN_LOOKUP_FULL) {
        join->reload_at_us = now;
        return join->table != NULL || start_load(join, error);
    }
    join->under_way++;
    return offload_submit(join->offload, lookup_ask_check(join->asker), error);
}

static bool reload(LookupJoin *join, int64_t now, Error *error)
{
    if (now < join->reload_at_us) {
        if (join->reload_at_us != INT64_MAX)
            operator_wake_at(join->base.context, join->reload_at_us);
        return true;
    }
    if (join->table == NULL || !start_load(join, error))
        return join->table == NULL;
    Error late;
    error_clear(&late);
    if (offload_wait(join->offload, RELOAD_WAIT_MS, &late) != NULL)
        return end_load(join, error);
    if (late.code != ERROR_CANCELLED)
        return true; /* `ready` will tell */
    *error = late;
    return false;
}

static bool lookup_alarm(Operator *op, int64_t now, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->reload_at_us == INT64_MIN) {
        join->reload_at_us = INT64_MAX;
        if (!begin(join, now, error))
            return false;
    }
    if (join->plan->cache == PLAN_LOOKUP_FULL)
        return reload(join, now, error);
    return retry_due(join, now, error) && check_timeout(join, now, error) &&
           flush(join, emitter, error);
}

/* ---------------------------------------------------------------------- barriers */

static Str order_key(uint64_t order, char bytes[8])
{
    order = __builtin_bswap64(order);
    memcpy(bytes, &order, 8);
    return (Str){bytes, 8};
}

typedef struct TreeList {
    StateTree **trees;
    uint32_t count;
    uint32_t capacity;
} TreeList;

static void list_tree(void *to, StateTree *tree)
{
    TreeList *list = to;
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->trees = memory_realloc(list->trees, list->capacity * sizeof(*list->trees));
    }
    list->trees[list->count++] = tree;
}

static void forget_waiting(LookupJoin *join)
{
    TreeList list = {0};
    state_trees_each(join->waiting, list_tree, &list);
    for (uint32_t i = 0; i < list.count; i++)
        while (!state_tree_remove(join->waiting, state_tree_first(list.trees[i])))
            continue;
    memory_free(list.trees);
    join->order = 0;
}

static void save_pending(LookupJoin *join, const LookupPending *pending)
{
    const Batch *batch = pending->batch;
    const Vector **columns =
        arena_new_array(join->scratch, const Vector *, batch->column_count + 1);
    for (uint32_t c = 0; c < batch->column_count; c++)
        columns[c] = &batch->columns[c];
    Str *rows = arena_new_array(join->scratch, Str, batch->row_count + 1);
    row_encode(join->left_layout, columns, NULL, batch->row_count, join->scratch, rows);
    LookupKeys keys =
        join->plan->is_spread_by_row ? lookup_output_row_keys(&join->output, batch) : pending->keys;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        char bytes[8];
        StateTree *tree = NULL;
        state_ordered_trees(join->waiting, &keys.keys[i], &keys.hashes[i], 1, &tree);
        WaitingRow *row = state_tree_put(join->waiting, &tree, keys.keys[i], keys.hashes[i],
                                         order_key(join->order++, bytes), rows[i], NULL);
        *row = (WaitingRow){batch_kind(batch, i), pending->attempts, pending->retry_at_us};
    }
}

static bool lookup_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->plan->cache == PLAN_LOOKUP_FULL)
        return true;
    if (!wait_for_all(join, error) || !flush(join, emitter, error))
        return false;
    if (join->waiting == NULL)
        return true;
    arena_reset(join->scratch);
    arena_reset(join->output.scratch);
    forget_waiting(join);
    for (LookupPending *at = join->head; at != NULL; at = at->next)
        if (!at->emitted)
            save_pending(join, at);
    return true;
}

typedef struct RestoredRow {
    uint64_t order;
    const WaitingRow *row;
} RestoredRow;

typedef struct RestoredRows {
    RestoredRow *items;
    uint32_t count;
    uint32_t capacity;
    LookupJoin *join;
} RestoredRows;

static void collect_tree(void *to, StateTree *tree)
{
    RestoredRows *rows = to;
    StateCursor cursor;
    for (const WaitingRow *row = state_cursor_at(tree, 0, &cursor); row != NULL;
         row = state_cursor_next(&cursor)) {
        if (rows->count == rows->capacity) {
            rows->capacity = rows->capacity == 0 ? 256 : rows->capacity * 2;
            rows->items = memory_realloc(rows->items, rows->capacity * sizeof(*rows->items));
        }
        uint64_t order;
        memcpy(&order, state_tree_sort_key(rows->join->waiting, row).data, 8);
        rows->items[rows->count++] = (RestoredRow){__builtin_bswap64(order), row};
    }
}

static int by_order(const void *a, const void *b)
{
    const RestoredRow *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* The rows from `from` on that wait for the same moment, as a batch. */
static uint32_t restore_pending(LookupJoin *join, const RestoredRow *rows, uint32_t count)
{
    Batch *batch = batch_new(join->left, BATCH_ROWS_MAX);
    Vector **columns = arena_new_array(batch->arena, Vector *, batch->column_count + 1);
    for (uint32_t c = 0; c < batch->column_count; c++)
        columns[c] = &batch->columns[c];
    uint8_t *kinds = batch_kinds(batch, BATCH_ROWS_MAX);
    const WaitingRow *first = rows[0].row;
    uint32_t taken = 0;
    for (; taken < count && taken < BATCH_ROWS_MAX; taken++) {
        const WaitingRow *row = rows[taken].row;
        if (row->attempts != first->attempts || row->retry_at_us != first->retry_at_us)
            break;
        kinds[taken] = (uint8_t)row->kind;
        row_decode(join->left_layout, state_tree_payload(join->waiting, row), columns, taken,
                   batch->arena, false);
    }
    batch->row_count = taken;
    LookupPending *pending = pending_new(join, batch);
    pending->attempts = first->attempts;
    pending->retry_at_us = first->retry_at_us == INT64_MAX ? now_us(join) : first->retry_at_us;
    operator_wake_at(join->base.context, pending->retry_at_us);
    return taken;
}

static bool lookup_restored(Operator *op, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->waiting == NULL)
        return true;
    RestoredRows rows = {.join = join};
    state_trees_each(join->waiting, collect_tree, &rows);
    if (rows.count > 1)
        qsort(rows.items, rows.count, sizeof(*rows.items), by_order);
    for (uint32_t at = 0; at < rows.count;)
        at += restore_pending(join, rows.items + at, rows.count - at);
    memory_free(rows.items);
    return true;
}

/* --------------------------------------------------------------------- lifetime */

static const RowLayout *key_layout(const LookupJoin *join, Arena *arena)
{
    const PlanLookupJoin *plan = join->plan;
    const Type **types = arena_new_array(arena, const Type *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        types[k] = join->left->columns[plan->left_keys[k]].type;
    return row_layout_new(arena, types, plan->key_count);
}

static void declare_waiting(LookupJoin *join)
{
    const OperatorContext *context = join->base.context;
    Buffer text = {0};
    buffer_append_text(&text, "key, order -> kind, attempts, time, ");
    for (uint32_t c = 0; c < join->left->column_count; c++) {
        buffer_printf(&text, "%s%s ", c == 0 ? "" : ", ", join->left->columns[c].name);
        type_print(join->left->columns[c].type, &text);
    }
    StateSpec spec = {.name = "waiting",
                      .kind = STATE_ORDERED,
                      .record_bytes = sizeof(WaitingRow),
                      .description = arena_strdup(context->arena, buffer_text(&text))};
    buffer_deinit(&text);
    join->left_layout = row_layout_of_schema(context->arena, join->left);
    join->waiting = state_table_declare(context->state, &spec);
}

static Operator *lookup_open(const OperatorContext *context, Error *error)
{
    LookupJoin *join = arena_new_one(context->arena, LookupJoin);
    join->base.context = context;
    join->plan = context->node->spec;
    join->left = context->node->inputs[0].node->schema;
    join->shape = (LookupShape){join->plan, key_layout(join, context->arena),
                                row_layout_of_schema(context->arena, join->plan->right)};
    bool full = join->plan->cache == PLAN_LOOKUP_FULL;
    uint32_t helpers = full                                 ? 1
                       : join->plan->capacity < HELPERS_MAX ? join->plan->capacity
                                                            : HELPERS_MAX;
    join->offload = offload_new(context, helpers);
    lookup_output_init(&join->output, context, &join->shape);
    if (!full)
        join->asker = lookup_asker_new(&join->shape, context, join->offload);
    if (join->plan->cache == PLAN_LOOKUP_PARTIAL)
        join->cache = lookup_cache_new(join->plan);
    if (join->plan->miss_attempts != 0)
        declare_waiting(join);
    join->scratch = arena_new((size_t)1 << 16);
    join->reload_at_us = INT64_MIN;
    operator_wake_at(context, INT64_MIN);
    return &join->base;
}

static void drop_job(void *to, OffloadJob *job)
{
    LookupJoin *join = to;
    if (join->asker != NULL)
        lookup_drop_question(join->asker, job);
}

static void lookup_close(Operator *op)
{
    LookupJoin *join = (LookupJoin *)op;
    offload_free(join->offload, drop_job, join);
    lookup_load_free(join->load);
    lookup_asker_free(join->asker);
    while (join->head != NULL) {
        LookupPending *head = join->head;
        join->head = head->next;
        pending_free(head);
    }
    lookup_cache_free(join->cache);
    lookup_table_free(join->table);
    lookup_output_deinit(&join->output);
    arena_free(join->scratch);
}

extern const OperatorClass op_lookup_join;
const OperatorClass op_lookup_join = {
    .name = "lookup_join",
    .open = lookup_open,
    .batch = lookup_batch,
    .own_watermarks = true,
    .passes_idle = true,
    .watermark = lookup_watermark,
    .alarm = lookup_alarm,
    .ready = lookup_ready,
    .barrier = lookup_barrier,
    .restored = lookup_restored,
    .end = lookup_end,
    .close = lookup_close,
};
