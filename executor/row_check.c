/* Counts in state of its own, one table for rows and one for each upsert key. */
#include "executor/row_check.h"

#include <string.h>

#include "core/changelog_text.h"
#include "core/hash.h"
#include "core/row.h"
#include "state/state.h"

typedef struct CountRecord {
    int64_t count;
} CountRecord;

/* What is counted: whole rows, or the columns of a key. */
typedef struct Count {
    const RowLayout *layout;
    ColumnSet columns;
    const Vector **vectors; /* scratch, of the batch at hand */
    StateTable *table;
} Count;

struct RowCheck {
    const PlanNode *node;
    Arena *arena;
    StateStore *store;
    bool replaces;   /* a +U may take the place of the row with its key */
    bool has_halves; /* with that, a -U may go before it all the same */
    Count rows;      /* without `replaces` */
    Count *keys;
    uint32_t key_count;
};

bool row_check_applies(const PlanNode *node, const bool *follows)
{
    ChangeKinds updates = CHANGES_OF(CHANGE_UPDATE_BEFORE) | CHANGES_OF(CHANGE_UPDATE_AFTER);
    if (strcmp(node->op, "normalize") == 0 || strcmp(node->op, "materialize") == 0)
        return true;
    if (node->input_count == 0)
        return (node->traits.kinds & updates) != CHANGES_OF(CHANGE_UPDATE_AFTER);
    bool all = true;
    for (uint32_t i = 0; i < node->input_count; i++)
        all = all && follows[node->inputs[i].node->id];
    return all;
}

static void open_count(RowCheck *check, Count *count, ColumnSet columns, const char *name)
{
    const Schema *schema = check->node->schema;
    StateSpec spec = {
        .name = name, .kind = STATE_VALUE, .record_bytes = sizeof(CountRecord), .description = ""};
    *count = (Count){
        .layout = row_layout_of_columns(check->arena, schema, columns.columns, columns.count),
        .columns = columns,
        .vectors = arena_new_array(check->arena, const Vector *, columns.count + 1),
        .table = state_table_declare(check->store, &spec)};
}

RowCheck *row_check_new(const PlanNode *node)
{
    static const StateConfig config = {"row check", 1, 0, 0, 0};
    Arena *arena = arena_new(4096);
    RowCheck *check = arena_new_one(arena, RowCheck);
    ChangeKinds kinds = node->traits.kinds;
    bool has_after = (kinds & CHANGES_OF(CHANGE_UPDATE_AFTER)) != 0;
    bool has_before = (kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
    /* Where nobody wants -U one input of a join may give them and the other not. */
    bool whole = has_before && (node->traits.wants_before || node->input_count == 0);
    *check = (RowCheck){
        .node = node,
        .arena = arena,
        .store = state_store_new(&config),
        .replaces = has_after && !whole,
        .has_halves = has_before,
        .key_count = node->traits.upsert_key_count,
    };
    if (!check->replaces) {
        uint32_t *all = arena_new_array(arena, uint32_t, node->schema->column_count + 1);
        for (uint32_t i = 0; i < node->schema->column_count; i++)
            all[i] = i;
        open_count(check, &check->rows, (ColumnSet){node->schema->column_count, all}, "rows");
    }
    check->keys = arena_new_array(arena, Count, check->key_count + 1);
    for (uint32_t i = 0; i < check->key_count; i++)
        open_count(check, &check->keys[i], node->traits.upsert_keys[i],
                   arena_printf(arena, "key %u", i));
    return check;
}

void row_check_free(RowCheck *check)
{
    if (check == NULL)
        return;
    state_store_free(check->store);
    arena_free(check->arena);
}

static bool broken(const RowCheck *check, const Batch *batch, uint32_t row, const char *what,
                   Error *error)
{
    Buffer text = {0};
    changelog_print_row(batch, row, NULL, &text);
    error_set(error, ERROR_DATA, "\"%s\" (node %u) %s",
              check->node->label == NULL ? check->node->op : check->node->label, check->node->id,
              what);
    error_detail(error, "The change is %s.", buffer_text(&text));
    error_hint(error, "Either the rows that came in are to blame, as the source gave them, or an "
                      "expression that is not the same each time; else it is a fault of Weir.");
    buffer_deinit(&text);
    return false;
}

/* The record of each row's key, made where it is missing. */
static CountRecord **find_records(const Count *count, const Batch *batch, Arena *scratch)
{
    Str *keys = arena_new_array(scratch, Str, batch->row_count);
    uint64_t *hashes = arena_new_array(scratch, uint64_t, batch->row_count);
    void **records = arena_new_array(scratch, void *, batch->row_count);
    for (uint32_t i = 0; i < count->columns.count; i++)
        count->vectors[i] = &batch->columns[count->columns.columns[i]];
    row_encode(count->layout, count->vectors, NULL, batch->row_count, scratch, keys);
    hash_many(keys, batch->row_count, hashes);
    state_value_get_or_create(count->table, keys, hashes, batch->row_count, records, NULL);
    return (CountRecord **)records;
}

/* Forgets what is at zero; each record once. */
static void drop_empty(const Count *count, CountRecord **records, uint32_t row_count)
{
    uint32_t empty = 0;
    for (uint32_t i = 0; i < row_count; i++) {
        if (records[i]->count != 0)
            continue;
        records[i]->count = -1;
        records[empty++] = records[i];
    }
    for (uint32_t i = 0; i < empty; i++)
        state_value_remove(count->table, records[i]);
}

static bool check_rows(const RowCheck *check, const Batch *batch, Arena *scratch, Error *error)
{
    CountRecord **records = find_records(&check->rows, batch, scratch);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        uint8_t kind = batch_kind(batch, i);
        bool gone = kind == CHANGE_UPDATE_BEFORE || kind == CHANGE_DELETE;
        if (gone && records[i]->count == 0)
            return broken(check, batch, i, "takes back a row that it has not given", error);
        records[i]->count += gone ? -1 : 1;
    }
    drop_empty(&check->rows, records, batch->row_count);
    return true;
}

static bool check_key(const RowCheck *check, const Count *key, const Batch *batch, Arena *scratch,
                      Error *error)
{
    CountRecord **records = find_records(key, batch, scratch);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        uint8_t kind = batch_kind(batch, i);
        bool gone = kind == CHANGE_UPDATE_BEFORE || kind == CHANGE_DELETE;
        bool replaces = kind == CHANGE_UPDATE_AFTER && check->replaces;
        bool there = records[i]->count != 0;
        if (there && !gone && !replaces)
            return broken(check, batch, i, "gives a second row with the same upsert key", error);
        if (!there && gone)
            return broken(check, batch, i, "takes back a key that is not there", error);
        if (!there && replaces && !check->has_halves)
            return broken(check, batch, i, "updates a key that is not there", error);
        records[i]->count = gone ? 0 : 1;
    }
    drop_empty(key, records, batch->row_count);
    return true;
}

bool row_check_batch(RowCheck *check, const Batch *batch, Error *error)
{
    Arena *scratch = arena_new(65536);
    bool good = check->replaces || check_rows(check, batch, scratch, error);
    for (uint32_t i = 0; i < check->key_count && good; i++)
        good = check_key(check, &check->keys[i], batch, scratch, error);
    arena_free(scratch);
    return good;
}
