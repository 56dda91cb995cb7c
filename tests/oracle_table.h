/* The fed tables of the oracle: what they hold, and random changes to them.
 *
 * A table is declared in one of a few ways, and its changes keep to that: only inserts, changes
 * that name the old row, or upserts by a primary key. The rows held here are the truth that SQLite
 * is filled with. */
#ifndef TESTS_ORACLE_TABLE_H
#define TESTS_ORACLE_TABLE_H

#include <sqlite3.h>

#include "tests/random_query.h"

#define TABLE_ROWS_MAX 512

typedef enum TableMode {
    TABLE_CHANGES, /* I,UB,UA,D */
    TABLE_UPSERTS, /* I,UA,D, with a primary key */
    TABLE_INSERTS  /* I */
} TableMode;

typedef struct TableRow {
    int numbers[3]; /* id, k, v; negative: NULL */
    int text;       /* which of a few; negative: NULL */
    uint32_t place; /* rows that came later have a higher one */
} TableRow;

typedef struct Table {
    uint32_t number; /* its name is t<number> */
    TableMode mode;
    uint32_t key_count; /* 0, 1: (id), 2: (id, k) */
    uint32_t count;
    uint32_t arrivals;
    sqlite3_stmt *clear, *insert; /* of the table as SQLite has it */
    TableRow rows[TABLE_ROWS_MAX];
} Table;

void table_open(Table *table, uint32_t number, Random *random);
void table_close(Table *table);
/* Its CREATE TABLE: SQLite has it too, and its rows' places as column `place`. */
void table_declare_oracle(Table *table, sqlite3 *oracle);
void table_declare(const Table *table, Buffer *sql);
/* Appends a random change as the lines to be fed, and makes it. */
void table_change(Table *table, Random *random, Buffer *lines);
/* Gives SQLite the rows there are now. */
void table_fill_oracle(const Table *table);

#endif
