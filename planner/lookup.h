/* Lookup joins between binder and plan.
 *
 * The binder makes a join of kind "lookup_join" with two inputs, so that filters and columns move
 * as in any join; rule_lookup_join then takes the right input, a table with calcs above it, into
 * the node, which has one input from there on. */
#ifndef PLANNER_LOOKUP_H
#define PLANNER_LOOKUP_H

#include "planner/bind/bind.h"
#include "planner/plan_lookup.h"

struct LogicalLookup {
    const PlanTable *table;
    const Options *hint; /* LOOKUP; NULL: none */
    AstPlace hint_place;
    /* Once the right input is in the node: */
    const LogicalNode *scan;
    const Expr *filter;       /* over the scan's columns; NULL: all rows */
    const Expr **projections; /* over the scan's columns, a column of `right` each */
    const Schema *right;
};

/* The options of the hint LOOKUP. */
extern const OptionSpec lookup_hint_options[];

/* bind/lookup.c: makes `join` a lookup of `right`'s table, or says why it cannot be one. */
bool bind_lookup_join(Binder *binder, const AstTable *ast, const Relation *right, LogicalNode *join,
                      Error *error) MUST_CHECK;
/* Whether a table is below that can be looked up: what a hint may point to. */
bool bind_can_look_up(const LogicalNode *right);
/* Checks a LOOKUP hint of a SELECT over these inputs. */
bool bind_lookup_hint(const Binder *binder, const AstHint *hint, const AstTable *from,
                      Error *error) MUST_CHECK;

/* nodes/lookup_spec.c: from options and hint to the plan; refuses what does not fit. */
bool lookup_set_options(const PlannerContext *context, const LogicalNode *node, PlanLookupJoin *out,
                        Error *error) MUST_CHECK;
/* The part of the label that tells how rows are looked up. */
void lookup_print_options(const PlanLookupJoin *plan, Buffer *out);

#endif
