/* A table with a primary key never holds two rows of one key, and none after a change is of a key
 * that another row has. */
#include "tests/oracle_table.h"

#include <stdio.h>
#include <string.h>

/* The last does not fit into a string view. */
static const char *const texts[] = {"a", "b", "a text that is long"};

void table_open(Table *table, uint32_t number, Random *random)
{
    static const TableMode modes[] = {TABLE_CHANGES, TABLE_CHANGES, TABLE_UPSERTS, TABLE_INSERTS};
    *table = (Table){.number = number};
    table->mode = modes[random_below(random, array_count(modes))];
    table->key_count = random_below(random, 3);
    if (table->mode == TABLE_UPSERTS && table->key_count == 0)
        table->key_count = 1;
}

static sqlite3_stmt *prepare(sqlite3 *oracle, const char *form, uint32_t number)
{
    char sql[80];
    sqlite3_stmt *statement = NULL;
    snprintf(sql, sizeof(sql), form, number);
    sqlite3_prepare_v2(oracle, sql, -1, &statement, NULL);
    return statement;
}

void table_declare_oracle(Table *table, sqlite3 *oracle)
{
    sqlite3_stmt *create = prepare(
        oracle, "CREATE TABLE t%u (id INTEGER, k INTEGER, v INTEGER, s TEXT, place INTEGER)",
        table->number);
    sqlite3_step(create);
    sqlite3_finalize(create);
    table->clear = prepare(oracle, "DELETE FROM t%u", table->number);
    table->insert = prepare(oracle, "INSERT INTO t%u VALUES (?, ?, ?, ?, ?)", table->number);
}

void table_close(Table *table)
{
    sqlite3_finalize(table->clear);
    sqlite3_finalize(table->insert);
}

void table_declare(const Table *table, Buffer *sql)
{
    static const char *const keys[] = {"", ", PRIMARY KEY (id) NOT ENFORCED",
                                       ", PRIMARY KEY (id, k) NOT ENFORCED"};
    static const char *const modes[] = {"I,UB,UA,D", "I,UA,D", "I"};
    buffer_printf(sql,
                  "CREATE TABLE t%u (id INT, k INT, v INT, s STRING, at AS PROCTIME()%s) WITH "
                  "('connector' = 'feed', 'changelog-mode' = '%s')",
                  table->number, keys[table->key_count], modes[table->mode]);
}

/* -------------------------------------------------------------------- rows */

static TableRow random_row(const Table *table, Random *random)
{
    TableRow row;
    row.numbers[0] = (int)random_below(random, table->key_count == 2 ? 5 : 12);
    row.numbers[1] = (int)random_below(random, 6) - (table->key_count == 2 ? 0 : 1);
    row.numbers[2] = (int)random_below(random, 10) - 1;
    row.text = (int)random_below(random, 4) - 1;
    return row;
}

static bool same_key(const Table *table, const TableRow *a, const TableRow *b)
{
    return memcmp(a->numbers, b->numbers, sizeof(int) * table->key_count) == 0;
}

/* Where the row of this key is; `count`: nowhere. */
static uint32_t find_key(const Table *table, const TableRow *row)
{
    uint32_t at = 0;
    while (at < table->count && (table->key_count == 0 || !same_key(table, &table->rows[at], row)))
        at++;
    return at;
}

static void append_row(const TableRow *row, Buffer *out)
{
    for (uint32_t i = 0; i < 3; i++) {
        if (row->numbers[i] < 0)
            buffer_append_text(out, "NULL, ");
        else
            buffer_printf(out, "%d, ", row->numbers[i]);
    }
    buffer_append_text(out, row->text < 0 ? "NULL" : texts[row->text]);
}

static void append_line(const char *kind, const TableRow *row, Buffer *lines)
{
    buffer_printf(lines, "%s[", kind);
    append_row(row, lines);
    buffer_append_text(lines, "]\n");
}

/* ----------------------------------------------------------------- changes */

static void insert_row(Table *table, const TableRow *row, const char *kind, Buffer *lines)
{
    table->rows[table->count] = *row;
    table->rows[table->count++].place = ++table->arrivals;
    append_line(kind, row, lines);
}

static void delete_row(Table *table, uint32_t at, const TableRow *shown, Buffer *lines)
{
    append_line("-D", shown, lines);
    table->rows[at] = table->rows[--table->count];
}

/* An upsert that changes nothing leaves the row where it is. */
static void replace_row(Table *table, uint32_t at, const TableRow *row)
{
    TableRow *old = &table->rows[at];
    bool same = memcmp(old->numbers, row->numbers, sizeof(row->numbers)) == 0;
    uint32_t place = same && old->text == row->text ? old->place : ++table->arrivals;
    *old = *row;
    old->place = place;
}

/* The key says which row; what else the line says is not always so. */
static void upsert_change(Table *table, Random *random, Buffer *lines)
{
    TableRow row = random_row(table, random);
    if (table->count != 0 && random_below(random, 2) == 0)
        memcpy(row.numbers, table->rows[random_below(random, table->count)].numbers,
               sizeof(int) * table->key_count);
    uint32_t at = find_key(table, &row);
    if (random_below(random, 4) == 0) {
        if (at == table->count)
            append_line("-D", &row, lines); /* of a row that is not there */
        else
            delete_row(table, at, random_below(random, 2) == 0 ? &row : &table->rows[at], lines);
        return;
    }
    const char *kind = random_below(random, 2) == 0 ? "+I" : "+U";
    if (at == table->count && table->count < TABLE_ROWS_MAX) {
        insert_row(table, &row, kind, lines);
    } else if (at < table->count) {
        if (random_below(random, 4) != 0) /* else the same again */
            replace_row(table, at, &row);
        append_line(kind, &table->rows[at], lines);
    }
}

static void update_row(Table *table, uint32_t at, Random *random, Buffer *lines)
{
    TableRow old = table->rows[at], row = random_row(table, random);
    if (table->key_count != 0 &&
        (random_below(random, 3) != 0 || find_key(table, &row) != table->count))
        memcpy(row.numbers, old.numbers, sizeof(int) * table->key_count);
    bool parted = !same_key(table, &old, &row) && random_below(random, 2) == 0;
    append_line(parted ? "-D" : "-U", &old, lines);
    append_line(parted ? "+I" : "+U", &row, lines);
    row.place = ++table->arrivals;
    table->rows[at] = row;
}

void table_change(Table *table, Random *random, Buffer *lines)
{
    if (table->mode == TABLE_UPSERTS) {
        upsert_change(table, random, lines);
        return;
    }
    uint32_t kind = random_below(random, 10);
    if (table->count == 0 || table->mode == TABLE_INSERTS || kind < 5) {
        TableRow row = random_row(table, random);
        if (table->count < TABLE_ROWS_MAX && find_key(table, &row) == table->count)
            insert_row(table, &row, "+I", lines);
        return;
    }
    uint32_t at = random_below(random, table->count);
    if (kind < 8)
        update_row(table, at, random, lines);
    else
        delete_row(table, at, &table->rows[at], lines);
}

void table_fill_oracle(const Table *table)
{
    sqlite3_step(table->clear);
    sqlite3_reset(table->clear);
    for (uint32_t i = 0; i < table->count; i++) {
        const TableRow *row = &table->rows[i];
        sqlite3_clear_bindings(table->insert);
        for (int n = 0; n < 3; n++)
            if (row->numbers[n] >= 0)
                sqlite3_bind_int(table->insert, n + 1, row->numbers[n]);
        if (row->text >= 0)
            sqlite3_bind_text(table->insert, 4, texts[row->text], -1, SQLITE_STATIC);
        sqlite3_bind_int(table->insert, 5, (int)row->place);
        sqlite3_step(table->insert);
        sqlite3_reset(table->insert);
    }
}
