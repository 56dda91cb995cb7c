/* A continuous query of the oracle: a SELECT whose changes are folded, or an INSERT of one or two
 * queries into tables with primary keys, whose rows are read from where they were written. */
#ifndef TESTS_ORACLE_STATEMENT_H
#define TESTS_ORACLE_STATEMENT_H

#include <sqlite3.h>

#include "session/weir.h"
#include "tests/oracle_bag.h"
#include "tests/random_query.h"

typedef struct OracleQuery {
    Buffer sql;            /* in both dialects */
    char target[32];       /* the table it is inserted into; "": none */
    sqlite3_stmt *answer;  /* the query itself */
    sqlite3_stmt *written; /* SELECT * FROM the target */
} OracleQuery;

typedef struct OracleStatement {
    uint32_t number;
    uint32_t query_count; /* 2: a statement set */
    OracleQuery queries[2];
    bool inserts;
    bool conflicts; /* the planner wanted ON CONFLICT */
    bool refused;   /* for a reason that is known: nothing runs, nothing is compared */
    Buffer text;    /* as Weir runs it */
    WeirResult *result;
    Bag emitted; /* by a SELECT so far */
} OracleStatement;

/* Where statements run, and against what. */
typedef struct OraclePlace {
    WeirSession *session;
    sqlite3 *oracle;
    bool batch;     /* final rows only */
    Buffer problem; /* what went wrong */
} OraclePlace;

_Noreturn void oracle_stop(const char *what, const char *detail);
void oracle_sql(sqlite3 *oracle, const char *sql);
bool oracle_understands(sqlite3 *oracle, Buffer *sql);

bool statement_start(OraclePlace *place, OracleStatement *statement);
/* Kills it; it can be started again. */
void statement_stop(OraclePlace *place, OracleStatement *statement);
/* Takes what has come; false when it failed or took back a row it never gave. */
bool statement_read(OraclePlace *place, OracleStatement *statement);
/* The same until it ends. */
bool statement_finish(OraclePlace *place, OracleStatement *statement);
/* Whether what came adds up to what SQLite answers. */
bool statement_compare(OraclePlace *place, OracleStatement *statement);
/* Appends the rows SQLite answers now, a line each. */
void statement_expected(OraclePlace *place, OracleStatement *statement, Buffer *out);
void statement_close(OracleStatement *statement);

#endif
