/* Upkeep of the store while nothing is asked for: folding deltas into bases, dropping what no
 * retained epoch needs.
 *
 * A key group is folded when half of what is kept of it is out of date, or when its deltas have
 * become many: state that only grows is written once. The new base belongs
 * to the newest epoch, since it holds exactly that epoch's state; older retained epochs still find
 * the older base and its deltas, until they are dropped.
 *
 * Each step is short or stops by bytes, so that the next epoch never waits long. */
#include "state/checkpoint_internal.h"
#include "state/state_chunk.h"

#include <stdio.h>
#include <string.h>

/* Deltas smaller than this together do not make a restore slow. */
#define FOLD_BYTES_MIN  16384
#define FOLD_DELTAS_MAX 64
/* A delta more than that is no burden to a restore that reads so many bytes. */
#define FOLD_BYTES_PER_DELTA 65536
/* What one transaction folds at most, and the most that is held in memory for it. */
#define STEP_BYTES     ((uint64_t)32 << 20)
#define FOLD_BYTES_MAX ((uint64_t)512 << 20)

/* ------------------------------------------------------------------ weights */

static OperatorTable *add_table(CheckpointStore *store, int64_t id, const char *uid,
                                const char *name)
{
    store->tables = memory_realloc(store->tables, (store->table_count + 1) * sizeof(OperatorTable));
    OperatorTable *table = &store->tables[store->table_count++];
    *table = (OperatorTable){.id = id, .uid = memory_strdup(uid), .table = memory_strdup(name)};
    return table;
}

OperatorTable *checkpoint_table(CheckpointStore *store, const char *uid, const char *name,
                                Error *error)
{
    for (uint32_t i = 0; i < store->table_count; i++)
        if (strcmp(store->tables[i].uid, uid) == 0 && strcmp(store->tables[i].table, name) == 0)
            return &store->tables[i];
    sqlite3_stmt *statement = store->statements.insert_table;
    sqlite3_bind_text(statement, 1, uid, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    bool inserted = sqlite3_step(statement) == SQLITE_DONE;
    if (!inserted)
        checkpoint_sql_error(store, store->writing, "writing an epoch", error);
    sqlite3_reset(statement);
    return inserted ? add_table(store, sqlite3_last_insert_rowid(store->writing), uid, name) : NULL;
}

static FoldWeight *weight_of(OperatorTable *table, uint32_t key_group)
{
    if (key_group >= table->group_count) {
        uint32_t count =
            key_group + 1 > table->group_count * 2 ? key_group + 1 : table->group_count * 2;
        table->groups = memory_realloc(table->groups, count * sizeof(FoldWeight));
        memset(table->groups + table->group_count, 0,
               (count - table->group_count) * sizeof(FoldWeight));
        table->group_count = count;
    }
    return &table->groups[key_group];
}

void checkpoint_weight_add(OperatorTable *table, uint32_t key_group, bool is_base, uint64_t bytes,
                           uint64_t replaced_bytes)
{
    FoldWeight *weight = weight_of(table, key_group);
    if (is_base) {
        *weight = (FoldWeight){.base_bytes = bytes};
        return;
    }
    weight->delta_bytes += bytes;
    weight->replaced_bytes += replaced_bytes;
    weight->deltas++;
}

static OperatorTable *table_by_id(CheckpointStore *store, int64_t id)
{
    for (uint32_t i = 0; i < store->table_count; i++)
        if (store->tables[i].id == id)
            return &store->tables[i];
    return NULL;
}

bool checkpoint_weights_load(CheckpointStore *store, Error *error)
{
    sqlite3_stmt *statement = NULL;
    bool loaded =
        sqlite3_prepare_v2(store->writing, "SELECT id, operator, name FROM operator_table", -1,
                           &statement, NULL) == SQLITE_OK;
    int result = SQLITE_DONE;
    while (loaded && (result = sqlite3_step(statement)) == SQLITE_ROW)
        add_table(store, sqlite3_column_int64(statement, 0),
                  (const char *)sqlite3_column_text(statement, 1),
                  (const char *)sqlite3_column_text(statement, 2));
    sqlite3_finalize(statement);
    statement = NULL;
    loaded = loaded && result == SQLITE_DONE &&
             sqlite3_prepare_v2(store->writing,
                                "SELECT operator_table, key_group, is_base, size FROM chunk"
                                " INDEXED BY chunk_by_key_group"
                                " ORDER BY operator_table, key_group, id",
                                -1, &statement, NULL) == SQLITE_OK;
    while (loaded && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        OperatorTable *table = table_by_id(store, sqlite3_column_int64(statement, 0));
        int64_t key_group = sqlite3_column_int64(statement, 1);
        uint64_t size = (uint64_t)sqlite3_column_int64(statement, 3);
        /* What it replaces is not known any more: as if it did nothing else. */
        if (table != NULL && key_group >= 0 && key_group < INT16_MAX + 1)
            checkpoint_weight_add(table, (uint32_t)key_group, sqlite3_column_int(statement, 2) != 0,
                                  size, size);
    }
    sqlite3_finalize(statement);
    statement = NULL;
    loaded = loaded && result == SQLITE_DONE &&
             sqlite3_prepare_v2(store->writing, "SELECT coalesce(max(epoch), 0) FROM epoch", -1,
                                &statement, NULL) == SQLITE_OK &&
             sqlite3_step(statement) == SQLITE_ROW;
    if (loaded)
        store->newest_epoch = (uint64_t)sqlite3_column_int64(statement, 0);
    else
        checkpoint_sql_error(store, store->writing, "opening it", error);
    sqlite3_finalize(statement);
    return loaded;
}

void checkpoint_weights_free(CheckpointStore *store)
{
    for (uint32_t i = 0; i < store->table_count; i++) {
        memory_free(store->tables[i].uid);
        memory_free(store->tables[i].table);
        memory_free(store->tables[i].groups);
    }
    memory_free(store->tables);
    store->tables = NULL;
    store->table_count = 0;
}

/* -------------------------------------------------------------------- folding */

static bool wants_fold(const FoldWeight *weight)
{
    if (weight->deltas == 0 || weight->unfoldable)
        return false;
    uint64_t all = weight->base_bytes + weight->delta_bytes;
    uint64_t needed = all > weight->replaced_bytes ? all - weight->replaced_bytes : 0;
    /* Many small ones are worth one large one, unless that is much larger than they are. */
    bool many = weight->deltas >= FOLD_DELTAS_MAX + all / FOLD_BYTES_PER_DELTA;
    return many || weight->replaced_bytes > needed + FOLD_BYTES_MIN;
}

/* The newest base of a key group and what follows it, copied. */
static uint32_t read_run(CheckpointStore *store, const OperatorTable *table, uint32_t key_group,
                         Arena *arena, Str **run)
{
    sqlite3_stmt *statement = store->statements.select_run;
    sqlite3_bind_int64(statement, 1, table->id);
    sqlite3_bind_int64(statement, 2, key_group);
    uint32_t count = 0, capacity = 0;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        if (count == capacity) {
            capacity = capacity * 2 + 16;
            Str *larger = arena_new_array(arena, Str, capacity);
            if (count != 0)
                memcpy(larger, *run, count * sizeof(Str));
            *run = larger;
        }
        size_t length = (size_t)sqlite3_column_bytes(statement, 0);
        (*run)[count++] =
            (Str){arena_memdup(arena, sqlite3_column_blob(statement, 0), length), length};
    }
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? count : 0;
}

static bool fold_group(CheckpointStore *store, const OperatorTable *table, uint32_t key_group,
                       FoldWeight *weight)
{
    Arena *arena = arena_new(65536);
    Buffer base = {0};
    Str *run = NULL;
    uint32_t count = read_run(store, table, key_group, arena, &run);
    Error error;
    bool folded =
        count != 0 && state_fold_chunks(run, count, &base, &error) && base.length < FOLD_BYTES_MAX;
    arena_free(arena);
    if (folded) {
        sqlite3_stmt *statement = store->statements.insert_chunk;
        sqlite3_bind_int64(statement, 1, table->id);
        sqlite3_bind_int64(statement, 2, key_group);
        sqlite3_bind_int64(statement, 3, (int64_t)store->newest_epoch);
        sqlite3_bind_int(statement, 4, 1);
        sqlite3_bind_int64(statement, 5, (int64_t)base.length);
        sqlite3_bind_blob64(statement, 6, base.data, base.length, SQLITE_STATIC);
        folded = sqlite3_step(statement) == SQLITE_DONE;
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    if (folded)
        *weight = (FoldWeight){.base_bytes = base.length};
    else
        weight->unfoldable = true;
    buffer_deinit(&base);
    return folded;
}

/* Folds some key groups in one transaction; false when none wants it. */
static bool fold_step(CheckpointStore *store)
{
    uint64_t bytes = 0;
    bool began = false;
    for (uint32_t i = 0; i < store->table_count && bytes < STEP_BYTES; i++) {
        OperatorTable *table = &store->tables[i];
        for (uint32_t group = 0; group < table->group_count && bytes < STEP_BYTES; group++) {
            FoldWeight *weight = &table->groups[group];
            if (!wants_fold(weight))
                continue;
            uint64_t reads = weight->base_bytes + weight->delta_bytes;
            if (reads > FOLD_BYTES_MAX) {
                weight->unfoldable = true;
                continue;
            }
            if (!began && sqlite3_exec(store->writing, "BEGIN IMMEDIATE", NULL, NULL, NULL) != 0)
                return false;
            began = true;
            bytes += reads;
            fold_group(store, table, group, weight);
        }
    }
    if (!began)
        return false;
    if (sqlite3_exec(store->writing, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        sqlite3_exec(store->writing, "ROLLBACK", NULL, NULL, NULL);
        store->is_stale = true;
        return false;
    }
    store->wants_purge = true;
    return true;
}

/* -------------------------------------------------------------------- purging */

/* Epochs beyond the retained ones, and what only they needed. */
static void purge(CheckpointStore *store)
{
    char sql[1024];
    snprintf(sql, sizeof(sql),
             "BEGIN IMMEDIATE;"
             "DELETE FROM epoch WHERE epoch NOT IN"
             " (SELECT epoch FROM epoch ORDER BY epoch DESC LIMIT %u);"
             "DELETE FROM blob WHERE epoch < (SELECT min(epoch) FROM epoch);"
             "DELETE FROM chunk WHERE id IN (SELECT c.id FROM chunk c JOIN"
             " (SELECT operator_table, key_group, max(id) AS base"
             "   FROM chunk INDEXED BY chunk_by_key_group"
             "   WHERE is_base AND epoch <= (SELECT min(epoch) FROM epoch)"
             "   GROUP BY operator_table, key_group) b"
             "  ON c.operator_table = b.operator_table AND c.key_group = b.key_group"
             "  WHERE c.id < b.base);"
             "COMMIT",
             store->retained);
    if (sqlite3_exec(store->writing, sql, NULL, NULL, NULL) != SQLITE_OK)
        sqlite3_exec(store->writing, "ROLLBACK", NULL, NULL, NULL);
}

bool checkpoint_maintain(CheckpointStore *store)
{
    if (store->has_leftovers || store->is_stale)
        return false;
    if (store->wants_fold) {
        store->wants_fold = fold_step(store);
        return true;
    }
    if (store->wants_purge) {
        store->wants_purge = false;
        purge(store);
        return true;
    }
    return false;
}
