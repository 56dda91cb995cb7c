/* The words the grammar knows, in one sorted list.
 *
 * A word with KEYWORD_QUERY is structural: in a query it always is a keyword, and a name that is
 * spelled like it needs backticks. A word with KEYWORD_RESERVED never has a meaning inside a query
 * and cannot be a bare name there either. All others are names unless their neighbours say
 * otherwise (`FIRST` behind `NULLS`, `DATE` before a string), so columns called `value`, `user` or
 * `timestamp` need no quotes. */
#ifndef PARSER_KEYWORD_H
#define PARSER_KEYWORD_H

#include "core/base.h"

#define KEYWORD_QUERY    1u
#define KEYWORD_RESERVED 2u

#define PARSER_KEYWORDS(X)                                                                         \
    X(ADD, 0)                                                                                      \
    X(ALL, KEYWORD_QUERY)                                                                          \
    X(ALTER, KEYWORD_RESERVED)                                                                     \
    X(ANALYZE, 0)                                                                                  \
    X(AND, KEYWORD_QUERY)                                                                          \
    X(ANY, 0)                                                                                      \
    X(ARRAY, 0)                                                                                    \
    X(AS, KEYWORD_QUERY)                                                                           \
    X(ASC, KEYWORD_QUERY)                                                                          \
    X(ASYMMETRIC, 0)                                                                               \
    X(AT, 0)                                                                                       \
    X(BEGIN, 0)                                                                                    \
    X(BETWEEN, KEYWORD_QUERY)                                                                      \
    X(BIGINT, 0)                                                                                   \
    X(BINARY, 0)                                                                                   \
    X(BOOLEAN, 0)                                                                                  \
    X(BOTH, 0)                                                                                     \
    X(BY, KEYWORD_QUERY)                                                                           \
    X(BYTES, 0)                                                                                    \
    X(CALL, 0)                                                                                     \
    X(CASE, KEYWORD_QUERY)                                                                         \
    X(CAST, KEYWORD_QUERY)                                                                         \
    X(CATALOG, 0)                                                                                  \
    X(CATALOGS, 0)                                                                                 \
    X(CEIL, 0)                                                                                     \
    X(CEILING, 0)                                                                                  \
    X(CHANGELOG_MODE, 0)                                                                           \
    X(CHAR, 0)                                                                                     \
    X(CHARACTER, 0)                                                                                \
    X(CLEAR, 0)                                                                                    \
    X(COLUMNS, 0)                                                                                  \
    X(COMMENT, 0)                                                                                  \
    X(COMPILE, 0)                                                                                  \
    X(CONFLICT, 0)                                                                                 \
    X(CONNECTION, 0)                                                                               \
    X(CONSTRAINT, 0)                                                                               \
    X(CREATE, KEYWORD_RESERVED)                                                                    \
    X(CROSS, KEYWORD_QUERY)                                                                        \
    X(CUBE, 0)                                                                                     \
    X(CURRENT, 0)                                                                                  \
    X(CURRENT_DATE, 0)                                                                             \
    X(CURRENT_TIME, 0)                                                                             \
    X(CURRENT_TIMESTAMP, 0)                                                                        \
    X(DATABASE, 0)                                                                                 \
    X(DATABASES, 0)                                                                                \
    X(DATE, 0)                                                                                     \
    X(DAY, 0)                                                                                      \
    X(DEC, 0)                                                                                      \
    X(DECIMAL, 0)                                                                                  \
    X(DEDUPLICATE, 0)                                                                              \
    X(DEFAULT, KEYWORD_RESERVED)                                                                   \
    X(DELETE, KEYWORD_RESERVED)                                                                    \
    X(DESC, KEYWORD_QUERY)                                                                         \
    X(DESCRIBE, 0)                                                                                 \
    X(DESCRIPTOR, 0)                                                                               \
    X(DISTINCT, KEYWORD_QUERY)                                                                     \
    X(DISTRIBUTED, 0)                                                                              \
    X(DO, 0)                                                                                       \
    X(DOUBLE, 0)                                                                                   \
    X(DRAIN, 0)                                                                                    \
    X(DROP, KEYWORD_RESERVED)                                                                      \
    X(ELSE, KEYWORD_QUERY)                                                                         \
    X(END, KEYWORD_QUERY)                                                                          \
    X(ENFORCED, 0)                                                                                 \
    X(ERROR, 0)                                                                                    \
    X(ESCAPE, KEYWORD_QUERY)                                                                       \
    X(ESTIMATED_COST, 0)                                                                           \
    X(EXCEPT, KEYWORD_QUERY)                                                                       \
    X(EXCLUDING, 0)                                                                                \
    X(EXECUTE, 0)                                                                                  \
    X(EXISTS, KEYWORD_QUERY)                                                                       \
    X(EXIT, 0)                                                                                     \
    X(EXPLAIN, 0)                                                                                  \
    X(EXTENDED, 0)                                                                                 \
    X(EXTRACT, 0)                                                                                  \
    X(FALSE, 0)                                                                                    \
    X(FETCH, KEYWORD_QUERY)                                                                        \
    X(FILTER, 0)                                                                                   \
    X(FIRST, 0)                                                                                    \
    X(FLOAT, 0)                                                                                    \
    X(FLOOR, 0)                                                                                    \
    X(FOLLOWING, 0)                                                                                \
    X(FOR, KEYWORD_RESERVED)                                                                       \
    X(FROM, KEYWORD_QUERY)                                                                         \
    X(FULL, 0)                                                                                     \
    X(FUNCTION, 0)                                                                                 \
    X(FUNCTIONS, 0)                                                                                \
    X(GENERATED, 0)                                                                                \
    X(GROUP, KEYWORD_QUERY)                                                                        \
    X(GROUPING, 0)                                                                                 \
    X(HAVING, KEYWORD_QUERY)                                                                       \
    X(HELP, 0)                                                                                     \
    X(HOUR, 0)                                                                                     \
    X(IF, 0)                                                                                       \
    X(IGNORE, 0)                                                                                   \
    X(ILIKE, 0)                                                                                    \
    X(IN, KEYWORD_QUERY)                                                                           \
    X(INCLUDING, 0)                                                                                \
    X(INNER, KEYWORD_QUERY)                                                                        \
    X(INSERT, KEYWORD_RESERVED)                                                                    \
    X(INT, 0)                                                                                      \
    X(INTEGER, 0)                                                                                  \
    X(INTERSECT, KEYWORD_QUERY)                                                                    \
    X(INTERVAL, 0)                                                                                 \
    X(INTO, KEYWORD_RESERVED)                                                                      \
    X(IS, KEYWORD_QUERY)                                                                           \
    X(JAR, 0)                                                                                      \
    X(JOB, 0)                                                                                      \
    X(JOBS, 0)                                                                                     \
    X(JOIN, KEYWORD_QUERY)                                                                         \
    X(JSON, 0)                                                                                     \
    X(JSON_ARRAY, 0)                                                                               \
    X(JSON_ARRAYAGG, 0)                                                                            \
    X(JSON_EXECUTION_PLAN, 0)                                                                      \
    X(JSON_EXISTS, 0)                                                                              \
    X(JSON_OBJECT, 0)                                                                              \
    X(JSON_OBJECTAGG, 0)                                                                           \
    X(JSON_QUERY, 0)                                                                               \
    X(JSON_VALUE, 0)                                                                               \
    X(KEY, 0)                                                                                      \
    X(LAST, 0)                                                                                     \
    X(LATERAL, KEYWORD_QUERY)                                                                      \
    X(LEADING, 0)                                                                                  \
    X(LEFT, KEYWORD_QUERY)                                                                         \
    X(LIKE, KEYWORD_QUERY)                                                                         \
    X(LIMIT, KEYWORD_QUERY)                                                                        \
    X(LOAD, 0)                                                                                     \
    X(LOCAL, 0)                                                                                    \
    X(LOCALTIME, 0)                                                                                \
    X(LOCALTIMESTAMP, 0)                                                                           \
    X(MAP, 0)                                                                                      \
    X(MATCH_RECOGNIZE, KEYWORD_RESERVED)                                                           \
    X(MATERIALIZED, 0)                                                                             \
    X(MERGE, 0)                                                                                    \
    X(METADATA, 0)                                                                                 \
    X(MINUTE, 0)                                                                                   \
    X(MODEL, 0)                                                                                    \
    X(MODULE, 0)                                                                                   \
    X(MODULES, 0)                                                                                  \
    X(MONTH, 0)                                                                                    \
    X(MULTISET, 0)                                                                                 \
    X(NATURAL, KEYWORD_QUERY)                                                                      \
    X(NEXT, 0)                                                                                     \
    X(NOT, KEYWORD_QUERY)                                                                          \
    X(NOTHING, 0)                                                                                  \
    X(NULL, 0)                                                                                     \
    X(NULLS, 0)                                                                                    \
    X(NUMERIC, 0)                                                                                  \
    X(OF, 0)                                                                                       \
    X(OFFSET, KEYWORD_QUERY)                                                                       \
    X(ON, KEYWORD_QUERY)                                                                           \
    X(ONLY, 0)                                                                                     \
    X(OR, KEYWORD_QUERY)                                                                           \
    X(ORDER, KEYWORD_QUERY)                                                                        \
    X(ORDINALITY, 0)                                                                               \
    X(OUTER, KEYWORD_QUERY)                                                                        \
    X(OVER, KEYWORD_QUERY)                                                                         \
    X(OVERLAPS, 0)                                                                                 \
    X(OVERLAY, 0)                                                                                  \
    X(OVERWRITE, 0)                                                                                \
    X(OVERWRITING, 0)                                                                              \
    X(PARTITION, 0)                                                                                \
    X(PARTITIONED, 0)                                                                              \
    X(PIVOT, 0)                                                                                    \
    X(PLACING, 0)                                                                                  \
    X(PLAN, 0)                                                                                     \
    X(PLAN_ADVICE, 0)                                                                              \
    X(POSITION, 0)                                                                                 \
    X(PRECEDING, 0)                                                                                \
    X(PRECISION, 0)                                                                                \
    X(PRIMARY, 0)                                                                                  \
    X(QUALIFY, KEYWORD_QUERY)                                                                      \
    X(QUARTER, 0)                                                                                  \
    X(QUIT, 0)                                                                                     \
    X(RANGE, 0)                                                                                    \
    X(RAW, 0)                                                                                      \
    X(REAL, 0)                                                                                     \
    X(RECURSIVE, 0)                                                                                \
    X(REMOVE, 0)                                                                                   \
    X(REPLACE, 0)                                                                                  \
    X(RESET, 0)                                                                                    \
    X(RESPECT, 0)                                                                                  \
    X(RIGHT, KEYWORD_QUERY)                                                                        \
    X(ROLLUP, 0)                                                                                   \
    X(ROW, 0)                                                                                      \
    X(ROWS, 0)                                                                                     \
    X(SAVEPOINT, 0)                                                                                \
    X(SECOND, 0)                                                                                   \
    X(SELECT, KEYWORD_QUERY)                                                                       \
    X(SET, 0)                                                                                      \
    X(SETS, 0)                                                                                     \
    X(SHOW, 0)                                                                                     \
    X(SIMILAR, 0)                                                                                  \
    X(SMALLINT, 0)                                                                                 \
    X(SOME, 0)                                                                                     \
    X(STATEMENT, 0)                                                                                \
    X(STOP, 0)                                                                                     \
    X(STRING, 0)                                                                                   \
    X(SUBSTRING, 0)                                                                                \
    X(SYMMETRIC, 0)                                                                                \
    X(SYSTEM, 0)                                                                                   \
    X(SYSTEM_TIME, 0)                                                                              \
    X(TABLE, KEYWORD_RESERVED)                                                                     \
    X(TABLES, 0)                                                                                   \
    X(TABLESAMPLE, KEYWORD_RESERVED)                                                               \
    X(TEMPORARY, 0)                                                                                \
    X(THEN, KEYWORD_QUERY)                                                                         \
    X(TIME, 0)                                                                                     \
    X(TIMESTAMP, 0)                                                                                \
    X(TIMESTAMP_LTZ, 0)                                                                            \
    X(TIMESTAMPADD, 0)                                                                             \
    X(TIMESTAMPDIFF, 0)                                                                            \
    X(TINYINT, 0)                                                                                  \
    X(TO, 0)                                                                                       \
    X(TRAILING, 0)                                                                                 \
    X(TRIM, 0)                                                                                     \
    X(TRUE, 0)                                                                                     \
    X(TRUNCATE, 0)                                                                                 \
    X(TRY_CAST, 0)                                                                                 \
    X(UNBOUNDED, 0)                                                                                \
    X(UNION, KEYWORD_QUERY)                                                                        \
    X(UNIQUE, 0)                                                                                   \
    X(UNKNOWN, 0)                                                                                  \
    X(UNLOAD, 0)                                                                                   \
    X(UPDATE, KEYWORD_RESERVED)                                                                    \
    X(USE, 0)                                                                                      \
    X(USER, 0)                                                                                     \
    X(USING, KEYWORD_QUERY)                                                                        \
    X(VALUES, KEYWORD_QUERY)                                                                       \
    X(VARBINARY, 0)                                                                                \
    X(VARCHAR, 0)                                                                                  \
    X(VIEW, 0)                                                                                     \
    X(VIEWS, 0)                                                                                    \
    X(VIRTUAL, 0)                                                                                  \
    X(WATERMARK, 0)                                                                                \
    X(WEEK, 0)                                                                                     \
    X(WHEN, KEYWORD_QUERY)                                                                         \
    X(WHERE, KEYWORD_QUERY)                                                                        \
    X(WINDOW, KEYWORD_QUERY)                                                                       \
    X(WITH, KEYWORD_QUERY)                                                                         \
    X(WITHIN, 0)                                                                                   \
    X(WITHOUT, 0)                                                                                  \
    X(YEAR, 0)                                                                                     \
    X(ZONE, 0)

typedef enum Keyword {
    KW_NONE,
#define KEYWORD_ENUM(name, flags) KW_##name,
    PARSER_KEYWORDS(KEYWORD_ENUM)
#undef KEYWORD_ENUM
        KW_COUNT
} Keyword;

/* The keyword spelled like the word, without case, or KW_NONE. */
Keyword lexer_find_keyword(Str word);
/* Upper case; "" for KW_NONE. */
const char *lexer_keyword_name(Keyword keyword);
uint32_t lexer_keyword_flags(Keyword keyword);

/* The candidate one slip away from the word (two for words of five letters and more, where
 * exchanging neighbours is one slip), or NULL; never the word itself. Keywords are short, so this
 * is stricter than the search for names. */
const char *lexer_nearest_word(Str word, const char *const *candidates, size_t count);

#endif
