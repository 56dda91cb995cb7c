/* Rows of a server's table by key: one question for all keys of a call.
 *
 *     one key column    SELECT … WHERE k IN (…)
 *     several           SELECT … WHERE (a = … AND b = …) OR …
 *
 * Keys are literals in the column's own character set and collation, so an index on them is used.
 * The server may find more than what equals a key to us (text in another case); never less. Cost:
 * one round trip a call. */
#include <string.h>

#include "connectors/mysql/plain.h"

struct Lookup {
    MysqlPlain plain;
    LookupContext context;
};

/* Dates with times, floating numbers and BOOLEAN (any number but 0) are kept in more ways than one
 * literal could find. */
static bool lookup_compares(const Type *type, bool ordered)
{
    if (type_is_integer(type) || type->kind == TYPE_DECIMAL || type->kind == TYPE_DATE)
        return true;
    return (type_is_string(type) || type_is_bytes(type)) && !ordered;
}

static Lookup *lookup_open(const LookupContext *context, Error *error)
{
    Lookup *lookup = memory_zalloc(sizeof(*lookup));
    lookup->context = *context;
    if (mysql_plain_init(&lookup->plain, &context->info->scan, context->zone, error)) {
        lookup->plain.stopped = context->stopped;
        lookup->plain.stopped_to = context->stopped_to;
        return lookup;
    }
    memory_free(lookup);
    return NULL;
}

static void lookup_close(Lookup *lookup)
{
    mysql_plain_deinit(&lookup->plain);
    memory_free(lookup);
}

/* ------------------------------------------------------------------ connecting */

/* Whether a literal of the declared type finds what the column holds. */
static bool fits(const MysqlColumn *column, const Type *type)
{
    bool is_number = column->class == CLASS_INTEGER || column->class == CLASS_DECIMAL;
    if (type_is_string(type))
        return column->class == CLASS_TEXT || column->class == CLASS_ENUM;
    if (type_is_bytes(type))
        return column->class == CLASS_BYTES;
    if (type->kind == TYPE_DATE)
        return column->class == CLASS_DATE;
    return is_number || (type_is_integer(type) && column->class == CLASS_YEAR);
}

static const MysqlColumn *column_of(const Lookup *lookup, uint32_t column)
{
    return &lookup->plain.schema->columns[lookup->plain.columns[column]];
}

static bool check_compared(const Lookup *lookup, uint32_t column, Error *error)
{
    const Column *declared = &lookup->context.info->scan.schema->columns[column];
    if (fits(column_of(lookup, column), declared->type))
        return true;
    Buffer type = {0};
    type_print(declared->type, &type);
    error_set(error, ERROR_SCHEMA,
              "column \"%s\" of table \"%s.%s\" is %s on the server and cannot be looked up as %s",
              declared->name, lookup->plain.place.database, lookup->plain.place.table,
              column_of(lookup, column)->type_text, buffer_text(&type));
    buffer_deinit(&type);
    return error_hint(error, "Declare it as what it is, or use 'lookup.cache' = 'FULL'.");
}

static bool connect_table(Lookup *lookup, Error *error)
{
    const LookupInfo *info = lookup->context.info;
    bool good = mysql_plain_connect(&lookup->plain, error);
    for (uint32_t k = 0; k < info->key_count && good; k++)
        good = check_compared(lookup, info->keys[k], error);
    for (uint32_t p = 0; p < info->predicate_count && good; p++)
        good = check_compared(lookup, info->predicates[p].column, error);
    return good;
}

/* -------------------------------------------------------------------- literals */

static MysqlValue value_of(const Vector *vector, uint32_t row)
{
    const Type *type = vector->type;
    row = vector_index(vector, row);
    if (type_is_string(type))
        return (MysqlValue){.kind = VALUE_TEXT, .text = vector_str(vector, row)};
    if (type_is_bytes(type))
        return (MysqlValue){.kind = VALUE_BYTES, .text = vector_str(vector, row)};
    if (type->kind == TYPE_DECIMAL)
        return (MysqlValue){.kind = VALUE_DECIMAL,
                            .scale = (uint8_t)type->scale,
                            .decimal = type->physical == PHYSICAL_I64
                                           ? ((const int64_t *)vector->data)[row]
                                           : ((const int128_t *)vector->data)[row]};
    int64_t number = 0;
    switch (type->physical) {
    case PHYSICAL_I8:
        number = ((const int8_t *)vector->data)[row];
        break;
    case PHYSICAL_I16:
        number = ((const int16_t *)vector->data)[row];
        break;
    case PHYSICAL_I32:
        number = ((const int32_t *)vector->data)[row];
        break;
    default:
        number = ((const int64_t *)vector->data)[row];
        break;
    }
    return (MysqlValue){.kind = type->kind == TYPE_DATE ? VALUE_DATE : VALUE_INT, .i = number};
}

static bool append_literal(const Lookup *lookup, uint32_t column, const Vector *vector,
                           uint32_t row, Buffer *sql)
{
    MysqlValue value = value_of(vector, row);
    return mysql_value_literal(column_of(lookup, column), &value, sql);
}

static bool append_list(const Lookup *lookup, const Batch *keys, Buffer *sql)
{
    uint32_t column = lookup->context.info->keys[0];
    mysql_append_quoted(sql, column_of(lookup, column)->name);
    buffer_append_text(sql, " IN (");
    bool good = true;
    for (uint32_t row = 0; row < keys->row_count && good; row++) {
        buffer_append_text(sql, row == 0 ? "" : ",");
        good = append_literal(lookup, column, &keys->columns[0], row, sql);
    }
    buffer_append_char(sql, ')');
    return good;
}

static bool append_tuples(const Lookup *lookup, const Batch *keys, Buffer *sql)
{
    const LookupInfo *info = lookup->context.info;
    bool good = true;
    for (uint32_t row = 0; row < keys->row_count && good; row++) {
        for (uint32_t k = 0; k < info->key_count && good; k++) {
            buffer_append_text(sql, k > 0 ? " AND " : row > 0 ? ") OR (" : "((");
            mysql_append_quoted(sql, column_of(lookup, info->keys[k])->name);
            buffer_append_char(sql, '=');
            good = append_literal(lookup, info->keys[k], &keys->columns[k], row, sql);
        }
    }
    buffer_append_text(sql, "))");
    return good;
}

static bool append_predicate(const Lookup *lookup, const LookupPredicate *predicate, Buffer *sql)
{
    static const char *const operators[] = {
        [LOOKUP_EQUAL] = "=",       [LOOKUP_NOT_EQUAL] = "<>", [LOOKUP_LESS] = "<",
        [LOOKUP_LESS_EQUAL] = "<=", [LOOKUP_GREATER] = ">",    [LOOKUP_GREATER_EQUAL] = ">=",
    };
    mysql_append_quoted(sql, column_of(lookup, predicate->column)->name);
    buffer_append_text(sql, operators[predicate->compare]);
    return append_literal(lookup, predicate->column, predicate->value, 0, sql);
}

static bool append_question(const Lookup *lookup, const Batch *keys, Buffer *sql)
{
    const LookupInfo *info = lookup->context.info;
    const char *before = " WHERE ";
    bool good = true;
    mysql_plain_select(&lookup->plain, NULL, sql);
    if (info->key_count != 0) {
        buffer_append_text(sql, before);
        good = info->key_count == 1 ? append_list(lookup, keys, sql)
                                    : append_tuples(lookup, keys, sql);
        before = " AND ";
    }
    for (uint32_t p = 0; p < info->predicate_count && good; p++) {
        buffer_append_text(sql, before);
        good = append_predicate(lookup, &info->predicates[p], sql);
        before = " AND ";
    }
    return good;
}

/* -------------------------------------------------------------------- finding */

static bool read_answer(Lookup *lookup, LookupGive give, void *to, Error *error)
{
    MysqlPlain *plain = &lookup->plain;
    MYSQL_RES *result = mysql_store_result(plain->mysql);
    if (result == NULL)
        return mysql_plain_error(plain, "read the server's answer", error);
    Batch *batch = NULL;
    bool good = true;
    for (MYSQL_ROW row; good && (row = mysql_fetch_row(result)) != NULL;) {
        if (batch == NULL)
            batch = batch_new(plain->scan->schema, BATCH_ROWS_MAX);
        good = mysql_plain_store(plain, row, mysql_fetch_lengths(result), batch, error);
        if (good && batch->row_count == BATCH_ROWS_MAX) {
            give(to, batch, NULL);
            batch = NULL;
        }
    }
    mysql_free_result(result);
    if (good && batch != NULL)
        give(to, batch, NULL);
    else
        batch_release(batch);
    return good;
}

static bool ask(Lookup *lookup, const Batch *keys, Error *error)
{
    Buffer sql = {0};
    bool good = append_question(lookup, keys, &sql) ||
                error_set(error, ERROR_DATA, "a key cannot be compared on the server");
    good = good && mysql_plain_ask(&lookup->plain, &sql, error);
    buffer_deinit(&sql);
    return good;
}

static bool lookup_find(Lookup *lookup, const Batch *keys, LookupGive give, void *to, Error *error)
{
    bool good = lookup->plain.mysql != NULL || connect_table(lookup, error);
    if (good && keys != NULL)
        good = ask(lookup, keys, error) && read_answer(lookup, give, to, error);
    if (!good)
        mysql_plain_disconnect(&lookup->plain);
    return good;
}

const struct LookupClass mysql_lookup_class = {
    .compares = lookup_compares,
    .open = lookup_open,
    .find = lookup_find,
    .close = lookup_close,
};
