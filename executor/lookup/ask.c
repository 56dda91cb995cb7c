/* Questions for keys, run on helper threads, and their answers sorted out by key.
 *
 * A question has some hundred keys, none twice. Each helper has a connection of its own. Rows come
 * back as the table has them; their keys are compared with those asked for as bytes, so that what
 * the other side calls equal (text in another case) is equal only if we do too. Filters and
 * computed columns follow here, on the operator's thread. Cost: a hash probe a row, an encoding a
 * row. */
#include <string.h>

#include "core/hash.h"
#include "executor/lookup/join.h"

#define KEYS_PER_QUESTION 512
#define KEY_SLOTS         1024 /* a power of two, twice the keys */

/* Pauses between tries: 100 ms and twice as long each time, up to ten seconds. */
#define FIRST_PAUSE_MS 100
#define PAUSE_MAX_MS   10000

typedef struct Answer {
    Batch *batch;
    uint32_t *asked; /* in the batch's arena; NULL: not told */
} Answer;

typedef struct Question {
    OffloadJob job;
    LookupAsker *asker;
    LookupPending *pending; /* NULL: a check */
    Batch *keys;            /* of the table's types, without NULLs; NULL: a check */
    uint32_t *needs;        /* by row of the keys */
    Answer *answers;
    uint32_t answer_count;
    uint32_t answer_capacity;
} Question;

struct LookupAsker {
    LookupShape shape;
    const OperatorContext *context;
    Offload *offload;
    Lookup *lookups[OFFLOAD_HELPERS_MAX]; /* by helper, who alone uses it */
    LookupContext lookup_context;
    const Schema *key_schema;
    ExpressionProgram *filter;
    ExpressionProgram *projections;
    uint32_t *selected;
    Arena *scratch;
};

/* ------------------------------------------------------------------------ rows */

LookupRows *lookup_rows_new(const Str *rows, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += rows[i].length;
    LookupRows *made = memory_alloc(sizeof(*made) + count * sizeof(Str) + bytes);
    made->references = 1;
    made->count = count;
    char *at = (char *)&made->rows[count];
    for (uint32_t i = 0; i < count; i++) {
        memcpy(at, rows[i].data, rows[i].length);
        made->rows[i] = (Str){at, rows[i].length};
        at += rows[i].length;
    }
    return made;
}

void lookup_rows_release(LookupRows *rows)
{
    if (rows != NULL && --rows->references == 0)
        memory_free(rows);
}

LookupKeys lookup_encode_keys(const LookupShape *shape, const Vector *const *columns,
                              uint32_t count, Arena *arena)
{
    const PlanLookupJoin *plan = shape->plan;
    LookupKeys keys = {arena_new_array(arena, Str, count + 1),
                       arena_new_array(arena, uint64_t, count + 1), arena_alloc(arena, count + 1)};
    memset(keys.joins, 1, count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        for (uint32_t i = 0; i < count && !plan->null_matches[k] && columns[k]->validity != NULL;
             i++)
            keys.joins[i] = keys.joins[i] && !vector_is_null(columns[k], i);
    if (plan->key_count != 0)
        row_encode(shape->key_layout, columns, NULL, count, arena, keys.keys);
    for (uint32_t i = 0; i < count && plan->key_count == 0; i++)
        keys.keys[i] = (Str){"", 0};
    hash_many(keys.keys, count, keys.hashes);
    return keys;
}

/* ---------------------------------------------------------- on a helper's thread */

bool lookup_try_again(const PlanLookupJoin *plan, Offload *offload, int64_t *tries, Error *error)
{
    if (!error_retryable(error) || *tries >= plan->max_retries || offload_is_stopped(offload)) {
        if (error_retryable(error) && plan->max_retries > 0)
            error_detail(error, "It was tried %lld times (\"lookup.max-retries\").",
                         (long long)*tries + 1);
        return false;
    }
    int64_t pause_ms = *tries > 6 ? PAUSE_MAX_MS : (int64_t)FIRST_PAUSE_MS << *tries;
    if (!offload_pause(offload, pause_ms))
        return false;
    (*tries)++;
    error_clear(error);
    return true;
}

static void take_answer(void *to, Batch *batch, const uint32_t *asked)
{
    Question *question = to;
    if (question->answer_count == question->answer_capacity) {
        question->answer_capacity =
            question->answer_capacity == 0 ? 4 : question->answer_capacity * 2;
        question->answers = memory_realloc(question->answers,
                                           question->answer_capacity * sizeof(*question->answers));
    }
    uint32_t *copy =
        asked == NULL ? NULL : arena_memdup(batch->arena, asked, batch->row_count * sizeof(*asked));
    question->answers[question->answer_count++] = (Answer){batch, copy};
}

static void forget_answers(Question *question)
{
    for (uint32_t i = 0; i < question->answer_count; i++)
        batch_release(question->answers[i].batch);
    question->answer_count = 0;
}

static bool run_question(OffloadJob *job, uint32_t helper, Error *error)
{
    Question *question = (Question *)job;
    LookupAsker *asker = question->asker;
    const struct LookupClass *class = asker->shape.plan->connector->lookup;
    if (asker->lookups[helper] == NULL)
        asker->lookups[helper] = class->open(&asker->lookup_context, error);
    Lookup *lookup = asker->lookups[helper];
    if (lookup == NULL)
        return false;
    int64_t tries = 0;
    bool good;
    while (!(good = class->find(lookup, question->keys, take_answer, question, error)) &&
           lookup_try_again(asker->shape.plan, asker->offload, &tries, error))
        forget_answers(question);
    return good;
}

/* --------------------------------------------------------------------- asking */

static Question *question_new(LookupAsker *asker, LookupPending *pending)
{
    Question *question = memory_zalloc(sizeof(*question));
    question->job.run = run_question;
    question->asker = asker;
    question->pending = pending;
    return question;
}

static void question_free(Question *question)
{
    forget_answers(question);
    batch_release(question->keys);
    memory_free(question->needs);
    memory_free(question->answers);
    memory_free(question);
}

void lookup_drop_question(void *asker, OffloadJob *job)
{
    question_free((Question *)job);
}

OffloadJob *lookup_ask_check(LookupAsker *asker)
{
    return &question_new(asker, NULL)->job;
}

/* The key columns of those needs, copied: they go to another thread. */
static Batch *copy_keys(const LookupAsker *asker, const LookupPending *pending,
                        const uint32_t *needs, uint32_t count)
{
    const PlanLookupJoin *plan = asker->shape.plan;
    Batch *keys = batch_new(asker->key_schema, count);
    for (uint32_t k = 0; k < plan->key_count; k++)
        for (uint32_t i = 0; i < count; i++)
            vector_copy_value(&keys->columns[k], i, &pending->batch->columns[plan->left_keys[k]],
                              pending->needs[needs[i]].row, keys->arena, false);
    keys->row_count = count;
    return keys;
}

OffloadJob *lookup_ask(LookupAsker *asker, LookupPending *pending, uint32_t from, uint32_t *to)
{
    uint32_t needs[KEYS_PER_QUESTION];
    uint32_t count = 0;
    for (*to = from; *to < pending->need_count && count < KEYS_PER_QUESTION; (*to)++)
        if (pending->needs[*to].rows == NULL)
            needs[count++] = *to;
    if (count == 0)
        return NULL;
    Question *question = question_new(asker, pending);
    question->needs = memory_alloc(count * sizeof(*needs));
    memcpy(question->needs, needs, count * sizeof(*needs));
    question->keys = copy_keys(asker, pending, needs, count);
    pending->questions++;
    return &question->job;
}

/* -------------------------------------------------------------------- answers */

/* Needs of the question by key. */
typedef struct KeySlots {
    uint32_t slots[KEY_SLOTS]; /* row of the keys + 1; 0: free */
} KeySlots;

static uint32_t find_need(const KeySlots *slots, const Question *question, Str key, uint64_t hash)
{
    for (uint32_t at = (uint32_t)hash & (KEY_SLOTS - 1);; at = (at + 1) & (KEY_SLOTS - 1)) {
        if (slots->slots[at] == 0)
            return LOOKUP_NONE;
        uint32_t row = slots->slots[at] - 1;
        const LookupNeed *need = &question->pending->needs[question->needs[row]];
        if (need->hash == hash && need->key.length == key.length &&
            memcmp(need->key.data, key.data, key.length) == 0)
            return row;
    }
}

static void fill_slots(KeySlots *slots, const Question *question)
{
    memset(slots, 0, sizeof(*slots));
    for (uint32_t row = 0; row < question->keys->row_count; row++) {
        uint32_t at = (uint32_t)question->pending->needs[question->needs[row]].hash;
        while (slots->slots[at & (KEY_SLOTS - 1)] != 0)
            at++;
        slots->slots[at & (KEY_SLOTS - 1)] = row + 1;
    }
}

/* A row of the answers and the key it belongs to. */
typedef struct FoundRow {
    uint32_t need; /* row of the keys */
    Str row;
} FoundRow;

typedef struct FoundRows {
    FoundRow *items;
    uint32_t count;
    uint32_t capacity;
} FoundRows;

static void found_add(FoundRows *found, uint32_t need, Str row)
{
    if (found->count == found->capacity) {
        found->capacity = found->capacity == 0 ? 256 : found->capacity * 2;
        found->items = memory_realloc(found->items, found->capacity * sizeof(*found->items));
    }
    found->items[found->count++] = (FoundRow){need, row};
}

/* Which rows of the batch belong to keys that were asked for and pass the filter; needs[i] of each
 * row. */
static bool match_rows(LookupAsker *asker, const Question *question, const KeySlots *slots,
                       const Answer *answer, uint32_t *needs, uint32_t *count, Error *error)
{
    const PlanLookupJoin *plan = asker->shape.plan;
    const Batch *batch = answer->batch;
    const Vector **columns = arena_new_array(asker->scratch, const Vector *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        columns[k] = &batch->columns[plan->info.keys[k]];
    LookupKeys keys = lookup_encode_keys(&asker->shape, columns, batch->row_count, asker->scratch);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        needs[i] =
            keys.joins[i] ? find_need(slots, question, keys.keys[i], keys.hashes[i]) : LOOKUP_NONE;
        if (needs[i] != LOOKUP_NONE && answer->asked != NULL && answer->asked[i] != needs[i])
            needs[i] = LOOKUP_NONE;
        if (needs[i] != LOOKUP_NONE)
            asker->selected[kept++] = i;
    }
    if (asker->filter != NULL && kept != 0) {
        uint32_t *rows = arena_memdup(asker->scratch, asker->selected, kept * sizeof(*rows));
        int64_t passed =
            expression_select(asker->filter, batch, rows, kept, asker->selected, error);
        if (passed < 0)
            return false;
        kept = (uint32_t)passed;
    }
    *count = kept;
    return true;
}

static bool take_rows(LookupAsker *asker, const Question *question, const KeySlots *slots,
                      const Answer *answer, FoundRows *found, Error *error)
{
    const PlanLookupJoin *plan = asker->shape.plan;
    const Batch *batch = answer->batch;
    uint32_t *needs = arena_new_array(asker->scratch, uint32_t, batch->row_count + 1);
    uint32_t count = 0;
    if (!match_rows(asker, question, slots, answer, needs, &count, error))
        return false;
    if (count == 0)
        return true;
    uint32_t width = plan->right->column_count;
    const Vector **results = arena_new_array(asker->scratch, const Vector *, width + 1);
    for (uint32_t c = 0; c < width && plan->projections == NULL; c++)
        results[c] = &batch->columns[c];
    if (plan->projections != NULL && !expression_run(asker->projections, batch, asker->selected,
                                                     count, asker->scratch, results, error))
        return false;
    Str *rows = arena_new_array(asker->scratch, Str, count + 1);
    row_encode(asker->shape.row_layout, results, asker->selected, count, asker->scratch, rows);
    for (uint32_t i = 0; i < count; i++)
        found_add(found, needs[asker->selected[i]], rows[i]);
    return true;
}

/* Hands the rows to the needs, each in the order they came. */
static void give_rows(LookupAsker *asker, const Question *question, const FoundRows *found)
{
    uint32_t keys = question->keys->row_count;
    uint32_t *starts = arena_new_array(asker->scratch, uint32_t, keys + 2);
    for (uint32_t i = 0; i < found->count; i++)
        starts[found->items[i].need + 2]++;
    for (uint32_t k = 1; k <= keys; k++)
        starts[k + 1] += starts[k];
    Str *sorted = arena_new_array(asker->scratch, Str, found->count + 1);
    for (uint32_t i = 0; i < found->count; i++)
        sorted[starts[found->items[i].need + 1]++] = found->items[i].row;
    for (uint32_t k = 0; k < keys; k++) {
        LookupNeed *need = &question->pending->needs[question->needs[k]];
        need->rows = lookup_rows_new(sorted + starts[k], starts[k + 1] - starts[k]);
        need->was_asked = true;
    }
}

bool lookup_answer(LookupAsker *asker, OffloadJob *job, LookupPending **pending, Error *error)
{
    Question *question = (Question *)job;
    *pending = question->pending;
    if (question->pending != NULL)
        question->pending->questions--;
    bool good = !job->failed;
    if (!good)
        *error = job->error;
    if (good && question->pending != NULL) {
        arena_reset(asker->scratch);
        KeySlots *slots = arena_new_one(asker->scratch, KeySlots);
        FoundRows found = {0};
        fill_slots(slots, question);
        for (uint32_t i = 0; i < question->answer_count && good; i++)
            good = take_rows(asker, question, slots, &question->answers[i], &found, error);
        if (good)
            give_rows(asker, question, &found);
        memory_free(found.items);
    }
    question_free(question);
    return good;
}

/* ------------------------------------------------------------------- lifetime */

LookupAsker *lookup_asker_new(const LookupShape *shape, const OperatorContext *context,
                              Offload *offload)
{
    Arena *arena = context->arena;
    const PlanLookupJoin *plan = shape->plan;
    const Schema *read = plan->info.scan.schema;
    LookupAsker *asker = arena_new_one(arena, LookupAsker);
    asker->shape = *shape;
    asker->context = context;
    asker->offload = offload;
    asker->lookup_context = (LookupContext){.info = &plan->info,
                                            .zone = context->environment->zone,
                                            .stopped = offload_is_stopped,
                                            .stopped_to = offload};
    Column *columns = arena_new_array(arena, Column, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        columns[k] = read->columns[plan->info.keys[k]];
    asker->key_schema = schema_new(arena, columns, plan->key_count);
    if (plan->filter != NULL)
        asker->filter = expression_compile(arena, &plan->filter, 1, read, context->environment);
    if (plan->projections != NULL)
        asker->projections = expression_compile(arena, plan->projections, plan->right->column_count,
                                                read, context->environment);
    asker->selected = arena_new_array(arena, uint32_t, BATCH_ROWS_MAX + 1);
    asker->scratch = arena_new((size_t)1 << 16);
    return asker;
}

void lookup_asker_free(LookupAsker *asker)
{
    if (asker == NULL)
        return;
    for (uint32_t i = 0; i < OFFLOAD_HELPERS_MAX; i++)
        if (asker->lookups[i] != NULL)
            asker->shape.plan->connector->lookup->close(asker->lookups[i]);
    arena_free(asker->scratch);
}
