/* Operators and functions on numbers and intervals, against results worked out by hand. */
#include "tests/function_case.h"
#include "tests/suite.h"

static const FunctionCase integers[] = {
    {"+", "INT 1 | INT 2", "INT 3"},
    {"+", "INT 2147483647 | INT 1", "INT -2147483648"},
    {"+", "TINYINT 127 | TINYINT 1", "TINYINT -128"},
    {"+", "SMALLINT -32768 | TINYINT -1", "SMALLINT 32767"},
    {"+", "INT 1 | BIGINT 2", "BIGINT 3"},
    {"-", "BIGINT -9223372036854775808 | INT 1", "BIGINT 9223372036854775807"},
    {"*", "SMALLINT 300 | SMALLINT 300", "SMALLINT 24464"},
    {"*", "INT 65536 | INT 65536", "INT 0"},
    {"/", "INT 7 | INT 2", "INT 3"},
    {"/", "INT -7 | INT 2", "INT -3"},
    {"/", "INT 7 | INT 0", "error: division by zero"},
    {"/", "BIGINT -9223372036854775808 | BIGINT -1", "BIGINT -9223372036854775808"},
    {"%", "INT -7 | INT 3", "INT -1"},
    {"%", "INT 7 | BIGINT 4", "BIGINT 3"},
    {"%", "BIGINT 10000000007 | INT 10", "INT 7"},
    {"%", "INT 7 | INT 0", "error: division by zero"},
    {"%", "INT -2147483648 | INT -1", "INT 0"},
    {"MOD", "BIGINT 11 | TINYINT 4", "TINYINT 3"},
    {"NEGATE", "INT -2147483648", "INT -2147483648"},
    {"NEGATE", "TINYINT 5", "TINYINT -5"},
    {"+", "INT NULL | INT 2", "INT NULL"},
    {"+", "NULL NULL | INT 2", "INT NULL"},
    {"+", "STRING a | INT 2", "error: operator \"+\" does not take (STRING, INT)"},
};

static const FunctionCase approximates[] = {
    {"+", "DOUBLE 0.5 | INT 2", "DOUBLE 2.5"},
    {"+", "FLOAT 0.5 | BIGINT 2", "FLOAT 2.5"},
    {"*", "FLOAT 0.5 | DECIMAL(3,1) 2.0", "DOUBLE 1.0"},
    {"/", "DOUBLE 1 | DOUBLE 0", "DOUBLE Infinity"},
    {"/", "DOUBLE 0 | INT 0", "DOUBLE NaN"},
    {"%", "DOUBLE 7.5 | DOUBLE 2", "DOUBLE 1.5"},
    {"NEGATE", "DOUBLE 1.5", "DOUBLE -1.5"},
};

static const FunctionCase decimals[] = {
    {"+", "DECIMAL(4,2) 10.25 | DECIMAL(3,1) 99.9", "DECIMAL(5, 2) 110.15"},
    {"-", "DECIMAL(4,2) 10.25 | DECIMAL(3,1) 99.9", "DECIMAL(5, 2) -89.65"},
    {"+", "DECIMAL(18,2) 1.25 | DECIMAL(18,3) 1.125", "DECIMAL(20, 3) 2.375"},
    {"+", "DECIMAL(30,2) 1.25 | DECIMAL(18,3) 1.125", "DECIMAL(32, 3) 2.375"},
    {"+", "DECIMAL(38,0) 99999999999999999999999999999999999999 | DECIMAL(38,0) 1",
     "DECIMAL(38, 0) NULL"},
    {"+", "DECIMAL(38,0) 99999999999999999999999999999999999998 | INT 1",
     "DECIMAL(38, 0) 99999999999999999999999999999999999999"},
    {"+", "DECIMAL(5,2) 1.50 | INT 2", "DECIMAL(13, 2) 3.50"},
    {"*", "DECIMAL(3,2) 1.50 | DECIMAL(3,1) 2.5", "DECIMAL(7, 3) 3.750"},
    {"*", "BIGINT 7 | DECIMAL(3,3) 0.908", "DECIMAL(23, 3) 6.356"},
    {"*", "DECIMAL(20,2) 100.50 | DECIMAL(10,2) 2.00", "DECIMAL(31, 4) 201.0000"},
    {"*", "DECIMAL(38,10) 2.5 | DECIMAL(38,10) 2.5", "DECIMAL(38, 6) 6.250000"},
    {"*", "DECIMAL(38,0) 99999999999999999999 | DECIMAL(38,0) 99999999999999999999",
     "DECIMAL(38, 0) NULL"},
    {"/", "DECIMAL(3,2) 1.00 | DECIMAL(3,2) 3.00", "DECIMAL(9, 6) 0.333333"},
    {"/", "DECIMAL(10,2) 10.00 | INT 3", "DECIMAL(21, 13) 3.3333333333333"},
    {"/", "INT 2 | DECIMAL(2,1) 0.3", "DECIMAL(17, 6) 6.666667"},
    {"/", "DECIMAL(3,2) 1.00 | DECIMAL(3,2) 0", "error: division by zero"},
    {"/", "DECIMAL(38,20) 1 | DECIMAL(38,20) 3", "DECIMAL(38, 6) 0.333333"},
    {"%", "DECIMAL(4,2) -7.25 | DECIMAL(3,1) 2.0", "DECIMAL(4, 2) -1.25"},
    {"%", "INT 7 | DECIMAL(3,0) 4", "DECIMAL(3, 0) 3"},
    {"%", "DECIMAL(4,2) 1 | DECIMAL(3,1) 0", "error: division by zero"},
    {"%",
     "DECIMAL(38,0) 99999999999999999999999999999999999999 | DECIMAL(38,37) "
     "9.9999999999999999999999999999999999999",
     "DECIMAL(38, 37) 0.0000000000000000000000000000000000000"},
    {"NEGATE", "DECIMAL(4,2) 1.25", "DECIMAL(4, 2) -1.25"},
    {"NEGATE", "DECIMAL(30,2) -1.25", "DECIMAL(30, 2) 1.25"},
    {"+", "NULL NULL | DECIMAL(4,2) 1", "DECIMAL(5, 2) NULL"},
};

static const FunctionCase intervals[] = {
    {"+", "DATE 2024-01-31 | MONTHS 1", "DATE 2024-02-29"},
    {"-", "DATE 2024-03-31 | MONTHS 1", "DATE 2024-02-29"},
    {"+", "DATE 2024-02-28 | MILLIS 172800000", "DATE 2024-03-01"},
    {"+", "MILLIS 86400000 | DATE 1969-12-31", "DATE 1970-01-01"},
    {"+", "TIME 23:30:00 | MILLIS 3600000", "TIME(0) 00:30:00"},
    {"-", "TIME 00:30:00 | MILLIS 3600000", "TIME(0) 23:30:00"},
    {"+", "TIMESTAMP(3) 2024-01-31 10:00:00.123 | MONTHS 1",
     "TIMESTAMP(3) 2024-02-29 10:00:00.123"},
    {"-", "TIMESTAMP(3) 1970-01-01 00:00:00 | MILLIS 1", "TIMESTAMP(3) 1969-12-31 23:59:59.999"},
    {"+", "TIMESTAMP(9) 2024-01-31 10:00:00.123456789 | MONTHS 1",
     "TIMESTAMP(9) 2024-02-29 10:00:00.123456789"},
    {"-", "TIMESTAMP(9) 2024-01-01 00:00:00.000000001 | MILLIS 1000",
     "TIMESTAMP(9) 2023-12-31 23:59:59.000000001"},
    {"+", "DATE 9999-12-31 | MILLIS 86400000", "error: date out of range"},
    {"-", "DATE 0001-01-01 | MONTHS 2147483647", "error: date out of range"},
    {"+", "MILLIS 9223372036854775807 | TIMESTAMP(3) 2024-01-01 00:00:00",
     "error: date out of range"},
    {"-", "TIMESTAMP(9) 2024-01-01 00:00:00 | MILLIS -9223372036854775808",
     "error: date out of range"},
    {"+", "MONTHS 3 | MONTHS 4", "INTERVAL YEAR TO MONTH 7"},
    {"-", "MILLIS 3 | MILLIS 4", "INTERVAL DAY TO SECOND -1"},
    {"*", "MILLIS 1000 | INT 3", "INTERVAL DAY TO SECOND 3000"},
    {"*", "INT 3 | MONTHS 2", "INTERVAL YEAR TO MONTH 6"},
    {"NEGATE", "MONTHS 2", "INTERVAL YEAR TO MONTH -2"},
    {"-", "TIMESTAMP(3) 2024-01-01 00:00:00 | TIMESTAMP(3) 2024-01-01 00:00:00",
     "error: cannot subtract two points in time"},
    {"+", "TIME 10:00:00 | MONTHS 1", "error: operator \"+\" does not take"},
};

static const FunctionCase functions[] = {
    {"ABS", "INT -5", "INT 5"},
    {"ABS", "INT -2147483648", "INT -2147483648"},
    {"ABS", "DECIMAL(4,2) -1.25", "DECIMAL(4, 2) 1.25"},
    {"ABS", "DOUBLE -1.5", "DOUBLE 1.5"},
    {"SIGN", "INT -5", "INT -1"},
    {"SIGN", "DECIMAL(4,2) -1.25", "DECIMAL(4, 2) -1.00"},
    {"SIGN", "DOUBLE 0", "DOUBLE 0.0"},
    {"FLOOR", "DOUBLE -1.5", "DOUBLE -2.0"},
    {"CEIL", "DOUBLE -1.5", "DOUBLE -1.0"},
    {"FLOOR", "DECIMAL(4,2) -1.25", "DECIMAL(4, 0) -2"},
    {"CEILING", "DECIMAL(20,2) 1.25", "DECIMAL(20, 0) 2"},
    {"FLOOR", "INT 5", "INT 5"},
    {"ROUND", "DOUBLE 2.5", "DOUBLE 3.0"},
    {"ROUND", "DOUBLE -2.5", "DOUBLE -3.0"},
    {"ROUND", "DOUBLE 0.285 | !INT 2", "DOUBLE 0.29"},
    {"ROUND", "DOUBLE 1234.5 | !INT -2", "DOUBLE 1200.0"},
    {"ROUND", "DOUBLE 1e300 | !INT 2", "DOUBLE 1.0E300"},
    {"ROUND", "INT 1250 | !INT -2", "INT 1300"},
    {"ROUND", "INT 5 | !INT 2", "INT 5"},
    {"ROUND", "INT 5 | !INT -50", "INT 0"},
    {"ROUND", "DECIMAL(5,3) 12.345 | !INT 2", "DECIMAL(5, 2) 12.35"},
    {"ROUND", "DECIMAL(5,3) -12.345 | !INT 2", "DECIMAL(5, 2) -12.35"},
    {"ROUND", "DECIMAL(5,3) 99.999", "DECIMAL(3, 0) 100"},
    {"ROUND", "DECIMAL(5,3) 12.345 | !INT -1", "DECIMAL(3, 0) 10"},
    {"ROUND", "DECIMAL(20,3) 12.345 | !INT 1", "DECIMAL(19, 1) 12.3"},
    {"TRUNCATE", "DECIMAL(5,3) -12.349 | !INT 2", "DECIMAL(4, 2) -12.34"},
    {"TRUNCATE", "DOUBLE 42.345 | !INT 2", "DOUBLE 42.34"},
    {"POWER", "INT 2 | INT 10", "DOUBLE 1024.0"},
    {"SQRT", "INT 16", "DOUBLE 4.0"},
    {"SQRT", "DECIMAL(4,2) 6.25", "DOUBLE 2.5"},
    {"LN", "DOUBLE 1", "DOUBLE 0.0"},
    {"LOG", "INT 2 | INT 8", "DOUBLE 3.0"},
    {"LOG10", "INT 1000", "DOUBLE 3.0"},
    {"PI", "", "DOUBLE 3.141592653589793"},
    {"DEGREES", "DOUBLE 3.141592653589793", "DOUBLE 180.0"},
    {"RAND_INTEGER", "INT 1", "INT 0"},
    {"RAND_INTEGER", "INT 0", "error: the bound of RAND_INTEGER must be positive, not 0"},
    {"GREATEST", "INT 1 | BIGINT 5 | INT 3", "BIGINT 5"},
    {"LEAST", "STRING b | STRING abc | STRING c", "STRING abc"},
    {"GREATEST", "INT 1 | INT NULL", "INT NULL"},
    {"IF", "BOOLEAN TRUE | INT 1 | BIGINT 2", "BIGINT 1"},
    {"IF", "BOOLEAN NULL | INT 1 | INT 2", "INT 2"},
    {"IFNULL", "INT NULL | INT 2", "INT 2"},
    {"COALESCE", "INT NULL | BIGINT NULL | INT 3 | INT 4", "BIGINT 3"},
    {"COALESCE", "STRING NULL | STRING NULL", "STRING NULL"},
    {"NULLIF", "INT 2 | INT 2", "INT NULL"},
    {"NULLIF", "INT 2 | INT 3", "INT 2"},
    {"NULLIF", "INT 2 | INT NULL", "INT 2"},
};

CHECK_CASES(integers, "UTC")
CHECK_CASES(approximates, "UTC")
CHECK_CASES(decimals, "UTC")
CHECK_CASES(intervals, "UTC")
CHECK_CASES(functions, "UTC")

int main(void)
{
    TCase *tests = tcase_create("operators");
    tcase_add_test(tests, test_integers);
    tcase_add_test(tests, test_approximates);
    tcase_add_test(tests, test_decimals);
    tcase_add_test(tests, test_intervals);
    tcase_add_test(tests, test_functions);
    return test_run("arithmetic", tests);
}
