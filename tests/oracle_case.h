/* One case of the oracle: tables, continuous queries over them, a way to run them, random changes;
 * after every feed the changes so far must add up to what SQLite answers over the final tables. */
#ifndef TESTS_ORACLE_CASE_H
#define TESTS_ORACLE_CASE_H

#include "tests/oracle_table.h"

#define ORACLE_TABLES     3
#define ORACLE_STATEMENTS 3

/* Makes the case of these choices and runs it; true when all is as it must be. With `out` what is
 * not, and the case as a `.test` file, is appended to that. */
bool oracle_case_run(Random *random, Buffer *out);

#endif
