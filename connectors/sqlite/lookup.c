/* Rows of an SQLite table by key: one prepared statement, run once per key.
 *
 * The keys of one call are looked up in one read transaction, so they see the table at one moment.
 * SQLite compares integers and text as we do; what it keeps in several forms (dates, decimals) is
 * not looked up by key. Cost: a search in the index of the key columns, where there is one, else a
 * walk over the table per key. */
#include <stdio.h>

#include "connectors/sqlite/internal.h"

/* Steps of SQLite's machine between two looks at whether the job is to end. */
#define STEPS_PER_LOOK 100000

struct Lookup {
    LookupContext context;
    SqliteTable table;
    sqlite3_stmt *select; /* NULL: not connected */
};

static bool lookup_compares(const Type *type, bool ordered)
{
    if (type_is_integer(type) || type->kind == TYPE_BOOLEAN)
        return true;
    return (type_is_string(type) || type_is_bytes(type)) && !ordered;
}

static Lookup *lookup_open(const LookupContext *context, Error *error)
{
    Lookup *lookup = memory_zalloc(sizeof(*lookup));
    lookup->context = *context;
    return lookup;
}

static void disconnect(Lookup *lookup)
{
    sqlite3_finalize(lookup->select);
    lookup->select = NULL;
    sqlite_table_close(&lookup->table);
}

static void lookup_close(Lookup *lookup)
{
    disconnect(lookup);
    memory_free(lookup);
}

/* ------------------------------------------------------------------ connecting */

static const Column *column_of(const Lookup *lookup, uint32_t column)
{
    return &lookup->context.info->scan.schema->columns[column];
}

static void append_condition(Buffer *sql, bool *first, const char *name, const char *operator_,
                             uint32_t parameter)
{
    buffer_append_text(sql, *first ? " WHERE " : " AND ");
    sqlite_append_name(sql, name);
    buffer_printf(sql, " %s ?%u", operator_, parameter);
    *first = false;
}

static bool prepare_select(Lookup *lookup, Error *error)
{
    static const char *const operators[] = {
        [LOOKUP_EQUAL] = "=",       [LOOKUP_NOT_EQUAL] = "<>", [LOOKUP_LESS] = "<",
        [LOOKUP_LESS_EQUAL] = "<=", [LOOKUP_GREATER] = ">",    [LOOKUP_GREATER_EQUAL] = ">=",
    };
    const LookupInfo *info = lookup->context.info;
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT ");
    for (uint32_t i = 0; i < info->scan.column_count; i++) {
        buffer_append_text(&sql, i == 0 ? "" : ", ");
        sqlite_append_name(&sql, column_of(lookup, i)->name);
    }
    buffer_append_text(&sql, " FROM ");
    sqlite_append_name(&sql, lookup->table.name);
    bool first = true;
    for (uint32_t k = 0; k < info->key_count; k++)
        append_condition(&sql, &first, column_of(lookup, info->keys[k])->name, "=", k + 1);
    for (uint32_t p = 0; p < info->predicate_count; p++)
        append_condition(&sql, &first, column_of(lookup, info->predicates[p].column)->name,
                         operators[info->predicates[p].compare], info->key_count + p + 1);
    bool prepared = sqlite_table_prepare(&lookup->table, buffer_text(&sql), "looking up a key",
                                         &lookup->select, error);
    buffer_deinit(&sql);
    return prepared;
}

static int bind_value(sqlite3_stmt *statement, uint32_t at, const Vector *vector, uint32_t row)
{
    row = vector_index(vector, row);
    int to = (int)at;
    if (type_is_string(vector->type)) {
        Str text = vector_str(vector, row);
        return sqlite3_bind_text64(statement, to, text.length == 0 ? "" : text.data, text.length,
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    if (type_is_bytes(vector->type)) {
        Str bytes = vector_str(vector, row);
        return sqlite3_bind_blob64(statement, to, bytes.length == 0 ? "" : bytes.data, bytes.length,
                                   SQLITE_TRANSIENT);
    }
    switch (vector->type->physical) {
    case PHYSICAL_BOOL:
        return sqlite3_bind_int(statement, to, ((uint8_t *)vector->data)[row]);
    case PHYSICAL_I8:
        return sqlite3_bind_int(statement, to, ((int8_t *)vector->data)[row]);
    case PHYSICAL_I16:
        return sqlite3_bind_int(statement, to, ((int16_t *)vector->data)[row]);
    case PHYSICAL_I32:
        return sqlite3_bind_int(statement, to, ((int32_t *)vector->data)[row]);
    default:
        return sqlite3_bind_int64(statement, to, ((int64_t *)vector->data)[row]);
    }
}

static int is_stopped(void *to)
{
    const Lookup *lookup = to;
    return lookup->context.stopped != NULL && lookup->context.stopped(lookup->context.stopped_to);
}

static bool connect_table(Lookup *lookup, Error *error)
{
    const LookupInfo *info = lookup->context.info;
    if (!sqlite_table_open(&lookup->table, info->scan.table->options, false, error))
        return false;
    sqlite3_progress_handler(lookup->table.database, STEPS_PER_LOOK, is_stopped, lookup);
    int exists = sqlite_table_exists(&lookup->table, error);
    if (exists == 0)
        return error_set(error, ERROR_NAME, "SQLite file \"%s\" has no table \"%s\"",
                         lookup->table.path, lookup->table.name);
    if (exists < 0)
        return false;
    for (uint32_t i = 0; i < info->scan.column_count; i++)
        if (!sqlite_table_check_column(&lookup->table, column_of(lookup, i)->name, error))
            return false;
    if (!prepare_select(lookup, error))
        return false;
    for (uint32_t p = 0; p < info->predicate_count; p++)
        if (bind_value(lookup->select, info->key_count + p + 1, info->predicates[p].value, 0) !=
            SQLITE_OK)
            return sqlite_table_error(&lookup->table, "looking up a key", error);
    return true;
}

/* -------------------------------------------------------------------- finding */

/* Batches on their way to who asked. */
typedef struct Answer {
    Batch *batch; /* being filled; NULL: none */
    uint32_t key; /* the row of the keys that is looked up */
    uint32_t asked[BATCH_ROWS_MAX];
    LookupGive give;
    void *to;
} Answer;

static void answer_flush(Answer *answer)
{
    if (answer->batch != NULL)
        answer->give(answer->to, answer->batch, answer->asked);
    answer->batch = NULL;
}

static bool read_row(Lookup *lookup, Answer *answer, Error *error)
{
    const Schema *schema = lookup->context.info->scan.schema;
    if (answer->batch == NULL)
        answer->batch = batch_new(schema, BATCH_ROWS_MAX);
    Batch *batch = answer->batch;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (sqlite_value_store(lookup->select, (int)c, lookup->context.zone, &batch->columns[c],
                               batch->row_count, batch->arena, error))
            continue;
        error_prefix(error, "column \"%s\": ", schema->columns[c].name);
        return error_place(error, "%s, table \"%s\"", lookup->table.path, lookup->table.name);
    }
    answer->asked[batch->row_count] = answer->key;
    if (++batch->row_count == BATCH_ROWS_MAX)
        answer_flush(answer);
    return true;
}

static bool find_key(Lookup *lookup, const Batch *keys, uint32_t row, Answer *answer, Error *error)
{
    const LookupInfo *info = lookup->context.info;
    bool good = true;
    answer->key = row;
    for (uint32_t k = 0; k < info->key_count && good; k++)
        good = bind_value(lookup->select, k + 1, &keys->columns[k], row) == SQLITE_OK;
    int result = SQLITE_ROW;
    while (good && (result = sqlite3_step(lookup->select)) == SQLITE_ROW)
        if (!read_row(lookup, answer, error)) {
            sqlite3_reset(lookup->select);
            return false;
        }
    good = good && result == SQLITE_DONE;
    if (!good)
        sqlite_table_error(&lookup->table, "looking up a key", error);
    sqlite3_reset(lookup->select);
    return good;
}

static bool find_keys(Lookup *lookup, const Batch *keys, Answer *answer, Error *error)
{
    if (!sqlite_table_exec(&lookup->table, "BEGIN", "looking up a key", error))
        return false;
    for (uint32_t row = 0; row < keys->row_count; row++)
        if (!find_key(lookup, keys, row, answer, error))
            return false;
    return sqlite_table_exec(&lookup->table, "COMMIT", "looking up a key", error);
}

static bool lookup_find(Lookup *lookup, const Batch *keys, LookupGive give, void *to, Error *error)
{
    Answer answer;
    answer.batch = NULL;
    answer.give = give;
    answer.to = to;
    bool good = lookup->select != NULL || connect_table(lookup, error);
    good = good && (keys == NULL || find_keys(lookup, keys, &answer, error));
    if (good)
        answer_flush(&answer);
    else
        disconnect(lookup);
    batch_release(answer.batch);
    return good;
}

const struct LookupClass sqlite_lookup_class = {
    .compares = lookup_compares,
    .open = lookup_open,
    .find = lookup_find,
    .close = lookup_close,
};
