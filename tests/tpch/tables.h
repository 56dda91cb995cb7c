/* Eight small tables of a wholesaler, after the TPC-H benchmark: their columns, and of which values
 * rows are made at random so that the queries find some. */
#ifndef TESTS_TPCH_TABLES_H
#define TESTS_TPCH_TABLES_H

#include <stdint.h>

#define TPCH_COLUMNS_MAX 16

typedef struct TpchColumn {
    const char *name;
    const char *type;   /* as in CREATE TABLE */
    const char *values; /* one of "a|b|c", or a whole number of "0..9" */
} TpchColumn;

typedef struct TpchTable {
    const char *name;
    uint32_t key_count; /* its first columns are the primary key */
    TpchColumn columns[TPCH_COLUMNS_MAX];
} TpchTable;

#define TPCH_DATES                                                                                 \
    "1993-08-10|1993-11-05|1994-02-03|1994-06-15|1995-03-10|1995-03-20|1995-09-12|1996-01-20"
#define TPCH_WORDS "quick|ironic packages|special pack of requests|Customer slow Complaints"

static const TpchTable tpch_tables[] = {
    {"region", 1, {{"r_regionkey", "INT", "0..2"}, {"r_name", "STRING", "ASIA|EUROPE|AMERICA"}}},
    {"nation",
     1,
     {{"n_nationkey", "INT", "0..5"},
      {"n_name", "STRING", "FRANCE|GERMANY|BRAZIL|SAUDI ARABIA|CANADA"},
      {"n_regionkey", "INT", "0..2"}}},
    {"supplier",
     1,
     {{"s_suppkey", "INT", "0..6"},
      {"s_name", "STRING", "Supplier#1|Supplier#2|Supplier#3"},
      {"s_address", "STRING", "here|there"},
      {"s_nationkey", "INT", "0..5"},
      {"s_phone", "STRING", "13-555|31-556"},
      {"s_acctbal", "DECIMAL(15, 2)", "-9..40"},
      {"s_comment", "STRING", TPCH_WORDS}}},
    {"part",
     1,
     {{"p_partkey", "INT", "0..7"},
      {"p_name", "STRING", "forest green|dim forest|dark green metal"},
      {"p_mfgr", "STRING", "Manufacturer#1|Manufacturer#2"},
      {"p_brand", "STRING", "Brand#12|Brand#23|Brand#34|Brand#45"},
      {"p_type", "STRING",
       "ECONOMY ANODIZED STEEL|LARGE PLATED BRASS|PROMO BURNISHED TIN|MEDIUM POLISHED TIN"},
      {"p_size", "INT", "1..15"},
      {"p_container", "STRING", "SM CASE|MED BAG|MED BOX|LG CASE"},
      {"p_retailprice", "DECIMAL(15, 2)", "1..30"}}},
    {"partsupp",
     2,
     {{"ps_partkey", "INT", "0..7"},
      {"ps_suppkey", "INT", "0..6"},
      {"ps_availqty", "INT", "1..60"},
      {"ps_supplycost", "DECIMAL(15, 2)", "1..20"}}},
    {"customer",
     1,
     {{"c_custkey", "INT", "0..9"},
      {"c_name", "STRING", "Ann|Bob|Cid"},
      {"c_address", "STRING", "north|south"},
      {"c_nationkey", "INT", "0..5"},
      {"c_phone", "STRING", "13-1|31-2|23-3|99-4"},
      {"c_acctbal", "DECIMAL(15, 2)", "-9..40"},
      {"c_mktsegment", "STRING", "BUILDING|AUTOMOBILE"},
      {"c_comment", "STRING", TPCH_WORDS}}},
    {"orders",
     1,
     {{"o_orderkey", "INT", "0..15"},
      {"o_custkey", "INT", "0..9"},
      {"o_orderstatus", "STRING", "F|O|P"},
      {"o_totalprice", "DECIMAL(15, 2)", "1..90"},
      {"o_orderdate", "DATE", TPCH_DATES},
      {"o_orderpriority", "STRING", "1-URGENT|2-HIGH|5-LOW"},
      {"o_shippriority", "INT", "0..1"},
      {"o_comment", "STRING", TPCH_WORDS}}},
    {"lineitem",
     2,
     {{"l_orderkey", "INT", "0..15"},
      {"l_linenumber", "INT", "1..3"},
      {"l_partkey", "INT", "0..7"},
      {"l_suppkey", "INT", "0..6"},
      {"l_quantity", "DECIMAL(15, 2)", "1..30"},
      {"l_extendedprice", "DECIMAL(15, 2)", "1..64"},
      {"l_discount", "DECIMAL(15, 4)", "0|0.0625|0.25"},
      {"l_tax", "DECIMAL(15, 4)", "0|0.125"},
      {"l_returnflag", "STRING", "A|N|R"},
      {"l_linestatus", "STRING", "F|O"},
      {"l_shipdate", "DATE", TPCH_DATES},
      {"l_commitdate", "DATE", TPCH_DATES},
      {"l_receiptdate", "DATE", TPCH_DATES},
      {"l_shipinstruct", "STRING", "DELIVER IN PERSON|NONE"},
      {"l_shipmode", "STRING", "AIR|MAIL|SHIP|AIR REG"}}},
};

#endif
