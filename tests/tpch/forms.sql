-- lateral limit
{SELECT c.c_custkey, o.o_orderkey FROM customer c, LATERAL (SELECT o_orderkey FROM orders WHERE o_custkey = c_custkey ORDER BY o_totalprice DESC NULLS LAST, o_orderkey LIMIT 2) o|SELECT o_custkey, o_orderkey FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY o_custkey ORDER BY o_totalprice DESC, o_orderkey) AS rn FROM orders) WHERE rn <= 2 AND o_custkey IN (SELECT c_custkey FROM customer)}
-- lateral limit by window
{SELECT c.c_custkey, o.o_orderkey, o.o_totalprice
FROM customer c LEFT JOIN LATERAL (SELECT o_orderkey, o_totalprice FROM orders WHERE o_custkey = c.c_custkey ORDER BY o_totalprice, o_orderkey LIMIT 1 OFFSET 1) o ON TRUE|SELECT c.c_custkey, o.o_orderkey, o.o_totalprice FROM customer c LEFT JOIN (SELECT *, ROW_NUMBER() OVER (PARTITION BY o_custkey ORDER BY o_totalprice, o_orderkey) AS rn FROM orders) o ON o.o_custkey = c.c_custkey AND o.rn = 2}
-- lateral aggregate
{SELECT c.c_custkey, o.n, o.total FROM customer c, LATERAL (SELECT COUNT(*) AS n, SUM(o_totalprice) AS total FROM orders WHERE o_custkey = c.c_custkey) o|SELECT c.c_custkey, (SELECT COUNT(*) FROM orders WHERE o_custkey = c.c_custkey), (SELECT SUM(o_totalprice) FROM orders WHERE o_custkey = c.c_custkey) FROM customer c}
-- lateral theta limit
{SELECT c.c_custkey, o.o_orderkey FROM customer c, LATERAL (SELECT o_orderkey FROM orders WHERE o_totalprice > c.c_acctbal ORDER BY o_totalprice, o_orderkey LIMIT 2) o|SELECT c_custkey, o_orderkey FROM (SELECT c_custkey, o_orderkey, ROW_NUMBER() OVER (PARTITION BY c_custkey ORDER BY o_totalprice, o_orderkey) AS rn FROM customer, orders WHERE o_totalprice > c_acctbal) WHERE rn <= 2}
-- scalar limit
SELECT c_custkey, (SELECT o_totalprice FROM orders WHERE o_custkey = c_custkey ORDER BY o_totalprice DESC, o_orderkey LIMIT 1) AS dearest FROM customer
-- scalar limit offset
SELECT c_custkey, (SELECT o_orderkey FROM orders WHERE o_custkey = c_custkey ORDER BY o_orderkey LIMIT 1 OFFSET 1) AS second FROM customer
-- in limit
SELECT o_orderkey FROM orders WHERE o_custkey IN (SELECT c_custkey FROM customer ORDER BY c_custkey DESC LIMIT 3)
-- in correlated limit
SELECT c_custkey FROM customer WHERE 'F' IN (SELECT o_orderstatus FROM orders WHERE o_custkey = c_custkey ORDER BY o_orderkey LIMIT 2)
-- exists limit
SELECT c_custkey FROM customer WHERE EXISTS (SELECT 1 FROM orders WHERE o_custkey = c_custkey LIMIT 1)
-- subquery in select list
SELECT o_orderkey, (SELECT c_name FROM customer WHERE c_custkey = o_custkey) AS name, (SELECT COUNT(*) FROM lineitem WHERE l_orderkey = o_orderkey) AS n FROM orders
-- subquery in case
SELECT o_orderkey, CASE WHEN EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_returnflag = 'R') THEN 'returned' WHEN o_custkey IN (SELECT c_custkey FROM customer) THEN 'known' ELSE (SELECT MIN(c_name) FROM customer) END AS what FROM orders
-- subquery in expression
SELECT p_partkey, p_retailprice - (SELECT AVG(ps_supplycost) FROM partsupp WHERE ps_partkey = p_partkey) AS margin FROM part
-- subquery in where arithmetic
SELECT o_orderkey FROM orders WHERE o_totalprice > 2 * (SELECT AVG(l_extendedprice) FROM lineitem WHERE l_orderkey = o_orderkey)
-- subquery in having
SELECT o_custkey, COUNT(*) FROM orders GROUP BY o_custkey HAVING COUNT(*) > (SELECT COUNT(*) FROM customer WHERE c_custkey = o_custkey)
-- subquery in group by
SELECT n, COUNT(*) FROM (SELECT (SELECT COUNT(*) FROM orders WHERE o_custkey = c_custkey) AS n FROM customer) x GROUP BY n
-- subquery in aggregate
SELECT o_orderstatus, SUM((SELECT COUNT(*) FROM lineitem WHERE l_orderkey = o_orderkey)) FROM orders GROUP BY o_orderstatus
-- subquery in order by limit
SELECT c_custkey FROM customer ORDER BY (SELECT COUNT(*) FROM orders WHERE o_custkey = c_custkey) DESC, c_custkey LIMIT 3
-- row value in
SELECT l_orderkey, l_linenumber FROM lineitem WHERE (l_partkey, l_suppkey) IN (SELECT ps_partkey, ps_suppkey FROM partsupp WHERE ps_availqty > 20)
-- row value not in
SELECT l_orderkey, l_linenumber FROM lineitem WHERE (l_partkey, l_suppkey) NOT IN (SELECT ps_partkey, ps_suppkey FROM partsupp)
-- row value in list
SELECT l_orderkey, l_linenumber FROM lineitem WHERE (l_returnflag, l_linestatus) IN ({('A', 'F'), ('R', 'O')|VALUES ('A', 'F'), ('R', 'O')})
-- row value equality
SELECT l_orderkey FROM lineitem WHERE (l_returnflag, l_linestatus) = ('A', 'F')
-- row value in correlated
SELECT o_orderkey FROM orders WHERE (o_custkey, o_orderstatus) IN (SELECT c_custkey, 'F' FROM customer WHERE c_acctbal > o_totalprice)
-- row value as value
SELECT l_orderkey, l_linenumber, (l_partkey, l_suppkey) IN (SELECT ps_partkey, ps_suppkey FROM partsupp) AS known FROM lineitem
-- any
SELECT o_orderkey FROM orders WHERE o_custkey {= ANY (SELECT c_custkey FROM customer WHERE c_acctbal > 3)|IN (SELECT c_custkey FROM customer WHERE c_acctbal > 3)}
-- some greater
SELECT o_orderkey FROM orders WHERE {o_totalprice > SOME (SELECT c_acctbal FROM customer)|EXISTS (SELECT 1 FROM customer WHERE o_totalprice > c_acctbal)}
-- all greater
SELECT o_orderkey FROM orders WHERE {o_totalprice > ALL (SELECT c_acctbal FROM customer)|NOT EXISTS (SELECT 1 FROM customer WHERE (o_totalprice > c_acctbal) IS NOT TRUE)}
-- all correlated
SELECT o_orderkey FROM orders WHERE {o_totalprice >= ALL (SELECT l_extendedprice FROM lineitem WHERE l_orderkey = o_orderkey)|NOT EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND (o_totalprice >= l_extendedprice) IS NOT TRUE)}
-- not all
SELECT o_orderkey FROM orders WHERE {NOT (o_totalprice >= ALL (SELECT l_extendedprice FROM lineitem WHERE l_orderkey = o_orderkey))|EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND o_totalprice < l_extendedprice)}
-- not equal all
SELECT o_orderkey FROM orders WHERE {o_custkey <> ALL (SELECT c_custkey FROM customer WHERE c_acctbal > 3)|o_custkey NOT IN (SELECT c_custkey FROM customer WHERE c_acctbal > 3)}
-- any as value
SELECT o_orderkey, {o_custkey = ANY (SELECT c_nationkey FROM customer)|o_custkey IN (SELECT c_nationkey FROM customer)} AS x FROM orders
-- greater any as value
SELECT o_orderkey, {o_totalprice > ANY (SELECT c_acctbal FROM customer)|CASE WHEN EXISTS (SELECT 1 FROM customer WHERE o_totalprice > c_acctbal) THEN 1 WHEN EXISTS (SELECT 1 FROM customer WHERE (o_totalprice > c_acctbal) IS NULL) THEN NULL ELSE 0 END} AS x FROM orders
-- outer join on subquery
SELECT o_orderkey, c_custkey FROM orders LEFT JOIN customer ON o_custkey = c_custkey AND c_nationkey IN (SELECT n_nationkey FROM nation WHERE n_name = 'FRANCE')
-- outer join on exists
SELECT o_orderkey, c_custkey FROM orders LEFT JOIN customer ON o_custkey = c_custkey AND EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey)
-- outer join on scalar
SELECT o_orderkey, c_custkey FROM orders LEFT JOIN customer ON o_custkey = c_custkey AND c_acctbal > (SELECT AVG(c_acctbal) FROM customer)
-- full join on subquery
SELECT o_orderkey, c_custkey FROM orders FULL JOIN customer ON o_custkey = c_custkey AND c_nationkey IN (SELECT n_nationkey FROM nation WHERE n_name = 'FRANCE')
-- inner join on subquery
SELECT o_orderkey, c_custkey FROM orders JOIN customer ON o_custkey = c_custkey AND c_nationkey NOT IN (SELECT n_nationkey FROM nation WHERE n_name = 'FRANCE')
-- outer join on both sides
SELECT o_orderkey, c_custkey FROM orders LEFT JOIN customer ON o_custkey = c_custkey AND EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_quantity > c_acctbal)
-- correlated having
SELECT c_custkey FROM customer WHERE EXISTS (SELECT o_orderstatus FROM orders WHERE o_custkey = c_custkey GROUP BY o_orderstatus HAVING COUNT(*) > 1)
-- correlated having outer
SELECT c_custkey FROM customer WHERE EXISTS (SELECT o_orderstatus FROM orders WHERE o_custkey = c_custkey GROUP BY o_orderstatus HAVING SUM(o_totalprice) > c_acctbal)
-- correlated scalar having
SELECT c_custkey, (SELECT SUM(o_totalprice) FROM orders WHERE o_custkey = c_custkey HAVING COUNT(*) > 1) AS total FROM customer
-- correlated having theta
SELECT c_custkey, (SELECT MAX(o_totalprice) FROM orders WHERE o_totalprice < c_acctbal HAVING COUNT(*) > 1) AS most FROM customer
-- two levels up
SELECT c_custkey FROM customer c WHERE EXISTS (SELECT 1 FROM orders o WHERE EXISTS (SELECT 1 FROM lineitem l WHERE l.l_orderkey = o.o_orderkey AND l.l_suppkey = c.c_nationkey))
-- two levels up and one
SELECT c_custkey FROM customer c WHERE c_acctbal > (SELECT COUNT(*) FROM orders o WHERE o.o_custkey = c.c_custkey AND o_totalprice > (SELECT AVG(l_extendedprice) FROM lineitem l WHERE l.l_orderkey = o.o_orderkey AND l.l_quantity < c.c_acctbal))
-- two levels in
SELECT s_suppkey FROM supplier s WHERE s_nationkey IN (SELECT n_nationkey FROM nation WHERE n_regionkey IN (SELECT r_regionkey FROM region WHERE r_regionkey < s.s_suppkey))
-- two levels scalar
SELECT c_custkey, (SELECT COUNT(*) FROM orders o WHERE o.o_custkey = c.c_custkey AND o_orderkey = (SELECT MAX(o2.o_orderkey) FROM orders o2 WHERE o2.o_custkey = c.c_custkey)) AS n FROM customer c
-- from subquery inside exists
SELECT c_custkey FROM customer c WHERE EXISTS (SELECT 1 FROM (SELECT o_custkey, COUNT(*) AS n FROM orders GROUP BY o_custkey) x WHERE x.o_custkey = c.c_custkey AND n > 1)
-- exists over union
SELECT c_custkey FROM customer c WHERE EXISTS (SELECT 1 FROM orders WHERE o_custkey = c_custkey UNION ALL SELECT 1 FROM supplier WHERE s_suppkey = c_custkey)
-- exists distinct
SELECT c_custkey, (SELECT COUNT(DISTINCT o_orderstatus) FROM orders WHERE o_custkey = c_custkey) AS n FROM customer
-- not exists not exists
SELECT DISTINCT ps_suppkey FROM partsupp a WHERE NOT EXISTS (SELECT 1 FROM part WHERE p_size < 4 AND NOT EXISTS (SELECT 1 FROM partsupp b WHERE b.ps_suppkey = a.ps_suppkey AND b.ps_partkey = p_partkey))
-- filter on partition of rank
SELECT * FROM (SELECT o_custkey, o_orderkey, ROW_NUMBER() OVER (PARTITION BY o_custkey ORDER BY o_totalprice DESC, o_orderkey) AS rn FROM orders) x WHERE rn <= 2 AND o_custkey < 5
-- filter on partition of over
SELECT * FROM (SELECT o_custkey, o_orderkey, SUM(o_totalprice) OVER (PARTITION BY o_custkey ORDER BY o_orderkey) AS s FROM orders) x WHERE o_custkey < 5 AND s > 20
-- over over aggregate
SELECT o_orderstatus, SUM(o_totalprice) AS total, RANK() OVER (ORDER BY SUM(o_totalprice) DESC) AS r FROM orders GROUP BY o_orderstatus
-- share of total
SELECT o_orderkey, o_totalprice / SUM(o_totalprice) OVER () AS share FROM orders
-- lag
SELECT o_orderkey, o_totalprice - LAG(o_totalprice) OVER (PARTITION BY o_custkey ORDER BY o_orderkey) AS d FROM orders
-- with twice
WITH big AS (SELECT o_custkey, SUM(o_totalprice) AS total FROM orders GROUP BY o_custkey) SELECT a.o_custkey FROM big a WHERE a.total > (SELECT AVG(total) FROM big)
-- with nested
WITH a AS (SELECT l_orderkey, SUM(l_extendedprice) AS s FROM lineitem GROUP BY l_orderkey), b AS (SELECT o_custkey, SUM(s) AS t FROM a JOIN orders ON o_orderkey = l_orderkey GROUP BY o_custkey) SELECT c_name, b.t FROM b JOIN customer ON c_custkey = b.o_custkey WHERE b.t > (SELECT AVG(t) FROM b)
-- union in from
SELECT k, COUNT(*) FROM (SELECT c_nationkey AS k FROM customer UNION ALL SELECT s_nationkey FROM supplier) x GROUP BY k
-- union distinct
SELECT c_nationkey FROM customer UNION SELECT s_nationkey FROM supplier
-- intersect except
SELECT c_nationkey FROM customer INTERSECT SELECT s_nationkey FROM supplier EXCEPT SELECT 2
-- full join coalesce
SELECT COALESCE(o_custkey, c_custkey) AS k, COUNT(o_orderkey), COUNT(c_name) FROM orders FULL JOIN customer ON o_custkey = c_custkey GROUP BY COALESCE(o_custkey, c_custkey)
-- join chain of outer
SELECT c_custkey, o_orderkey, l_linenumber FROM customer LEFT JOIN orders ON o_custkey = c_custkey LEFT JOIN lineitem ON l_orderkey = o_orderkey
-- right join
SELECT o_orderkey, c_custkey FROM orders RIGHT JOIN customer ON o_custkey = c_custkey AND o_orderstatus = 'F'
-- join using
SELECT a.o_orderkey, b.n FROM orders a JOIN (SELECT o_custkey, COUNT(*) AS n FROM orders GROUP BY o_custkey) b USING (o_custkey)
-- cross join aggregate
SELECT c_custkey, c_acctbal, m FROM customer CROSS JOIN (SELECT MAX(c_acctbal) AS m FROM customer) x WHERE c_acctbal > m / 2
-- self join non equi
SELECT a.c_custkey, b.c_custkey FROM customer a JOIN customer b ON a.c_nationkey = b.c_nationkey AND a.c_custkey < b.c_custkey
-- group by expression having alias
SELECT {EXTRACT(YEAR FROM o_orderdate)|CAST(strftime('%Y', o_orderdate) AS INTEGER)} AS y, COUNT(*) AS n FROM orders GROUP BY {EXTRACT(YEAR FROM o_orderdate)|CAST(strftime('%Y', o_orderdate) AS INTEGER)} HAVING COUNT(*) > 1
-- filter clause
SELECT o_custkey, COUNT(*) FILTER (WHERE o_orderstatus = 'F') AS f, SUM(o_totalprice) FILTER (WHERE o_orderstatus <> 'F') AS s FROM orders GROUP BY o_custkey
-- several distincts
SELECT l_returnflag, COUNT(DISTINCT l_partkey), COUNT(DISTINCT l_suppkey), SUM(DISTINCT l_quantity) FROM lineitem GROUP BY l_returnflag
-- distinct on join
SELECT DISTINCT c_name, o_orderstatus FROM customer, orders WHERE c_custkey = o_custkey
-- top one per group by aggregate
SELECT * FROM (SELECT o_custkey, o_orderstatus, n, ROW_NUMBER() OVER (PARTITION BY o_custkey ORDER BY n DESC, o_orderstatus) AS rn FROM (SELECT o_custkey, o_orderstatus, COUNT(*) AS n FROM orders WHERE o_orderstatus IS NOT NULL GROUP BY o_custkey, o_orderstatus) x) y WHERE rn = 1
-- in with expression
SELECT o_orderkey FROM orders WHERE o_custkey + 1 IN (SELECT c_custkey * 2 FROM customer)
-- not in with nulls
SELECT o_orderkey FROM orders WHERE o_custkey NOT IN (SELECT c_nationkey FROM customer WHERE c_nationkey > 2)
-- in or in
SELECT o_orderkey FROM orders WHERE o_custkey IN (SELECT c_custkey FROM customer) OR o_orderkey IN (SELECT l_orderkey FROM lineitem)
-- not in or
SELECT o_orderkey FROM orders WHERE o_custkey NOT IN (SELECT c_custkey FROM customer WHERE c_acctbal > 10) OR o_totalprice > 50
-- scalar equals scalar
SELECT c_custkey FROM customer WHERE (SELECT COUNT(*) FROM orders WHERE o_custkey = c_custkey) = (SELECT COUNT(*) FROM supplier WHERE s_nationkey = c_nationkey)
-- between scalars
SELECT o_orderkey FROM orders WHERE o_totalprice BETWEEN (SELECT MIN(c_acctbal) FROM customer) AND (SELECT AVG(c_acctbal) FROM customer)
-- in subquery of group
SELECT n_name FROM nation WHERE n_nationkey IN (SELECT c_nationkey FROM customer GROUP BY c_nationkey HAVING COUNT(*) > 1)
-- coalesce of scalar
SELECT c_custkey, COALESCE((SELECT SUM(o_totalprice) FROM orders WHERE o_custkey = c_custkey), 0) AS total FROM customer
-- group by ordinal of case
SELECT CASE WHEN o_totalprice < 30 THEN 'small' WHEN o_totalprice < 60 THEN 'middle' ELSE 'large' END AS size, COUNT(*), MIN(o_totalprice), MAX(o_totalprice) FROM orders GROUP BY CASE WHEN o_totalprice < 30 THEN 'small' WHEN o_totalprice < 60 THEN 'middle' ELSE 'large' END
-- limit without order of group
SELECT COUNT(*) FROM (SELECT o_custkey FROM orders GROUP BY o_custkey LIMIT 3) x
-- order by two limit offset
SELECT o_orderkey, o_totalprice FROM orders ORDER BY o_totalprice DESC, o_orderkey LIMIT 3 OFFSET 2
-- nested top n
SELECT o_custkey, SUM(o_totalprice) FROM (SELECT * FROM orders ORDER BY o_totalprice DESC, o_orderkey LIMIT 5) x GROUP BY o_custkey
-- join of top n
SELECT c_name, t.o_orderkey FROM customer JOIN (SELECT o_custkey, o_orderkey FROM orders ORDER BY o_totalprice DESC, o_orderkey LIMIT 4) t ON t.o_custkey = c_custkey
-- is distinct from
SELECT a.o_orderkey, b.o_orderkey FROM orders a JOIN orders b ON a.o_custkey {IS NOT DISTINCT FROM|IS} b.o_custkey AND a.o_orderkey < b.o_orderkey
-- select without from beside
SELECT c_custkey, x.one FROM customer, (SELECT 1 AS one) x
-- exists uncorrelated
SELECT c_custkey FROM customer WHERE EXISTS (SELECT 1 FROM orders WHERE o_orderstatus = 'P')
-- max of group joined back
SELECT o.o_custkey, o.o_orderkey FROM orders o JOIN (SELECT o_custkey, MAX(o_totalprice) AS m FROM orders GROUP BY o_custkey) x ON o.o_custkey = x.o_custkey AND o.o_totalprice = x.m
-- correlated max
SELECT o_custkey, o_orderkey FROM orders o WHERE o_totalprice = (SELECT MAX(o_totalprice) FROM orders i WHERE i.o_custkey = o.o_custkey)
-- correlated in select twice
SELECT o_orderkey, (SELECT MAX(l_quantity) FROM lineitem WHERE l_orderkey = o_orderkey) - (SELECT MIN(l_quantity) FROM lineitem WHERE l_orderkey = o_orderkey) AS spread FROM orders
-- correlated in join of three
SELECT c_custkey FROM customer WHERE EXISTS (SELECT 1 FROM orders, lineitem, part WHERE o_custkey = c_custkey AND l_orderkey = o_orderkey AND l_partkey = p_partkey AND p_size > c_nationkey)
-- correlated left join inside
SELECT c_custkey, (SELECT COUNT(l_linenumber) FROM orders LEFT JOIN lineitem ON l_orderkey = o_orderkey WHERE o_custkey = c_custkey) AS n FROM customer
-- correlated over inside
SELECT c_custkey, (SELECT MAX(s) FROM (SELECT SUM(o_totalprice) OVER (ORDER BY o_orderkey) AS s FROM orders WHERE o_custkey = c_custkey) x) AS m FROM customer
-- correlated except
SELECT c_custkey FROM customer c WHERE EXISTS (SELECT o_orderkey FROM orders WHERE o_custkey = c.c_custkey EXCEPT SELECT l_orderkey FROM lineitem WHERE l_suppkey = c.c_nationkey)
-- grouping sets
{SELECT o_custkey, o_orderstatus, COUNT(*) FROM orders GROUP BY ROLLUP (o_custkey, o_orderstatus)|SELECT o_custkey, o_orderstatus, COUNT(*) FROM orders GROUP BY o_custkey, o_orderstatus UNION ALL SELECT o_custkey, NULL, COUNT(*) FROM orders GROUP BY o_custkey UNION ALL SELECT NULL, NULL, COUNT(*) FROM orders HAVING COUNT(*) > 0}
-- values in from
SELECT c_custkey, v.{label|column2} FROM customer JOIN (VALUES (0, 'zero'), (1, 'one')) AS v {(k, label)|} ON c_nationkey = v.{k|column1}
-- right join on both sides
SELECT o_orderkey, c_custkey FROM orders RIGHT JOIN customer ON o_custkey = c_custkey AND o_totalprice > (SELECT AVG(l_quantity) FROM lineitem WHERE l_orderkey = o_orderkey AND l_quantity > c_nationkey)
-- full join on both sides
SELECT o_orderkey, c_custkey FROM orders FULL JOIN customer ON o_custkey = c_custkey AND EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_quantity > c_acctbal)
-- full join on queries of each side
SELECT o_orderkey, c_custkey FROM orders FULL JOIN customer ON o_custkey = c_custkey AND (EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey) OR c_nationkey NOT IN (SELECT s_nationkey FROM supplier))
-- left join on nested query
SELECT o_orderkey, c_custkey FROM orders LEFT JOIN customer ON o_custkey = c_custkey AND c_nationkey IN (SELECT n_nationkey FROM nation WHERE n_regionkey IN (SELECT r_regionkey FROM region))
-- left join on all
SELECT o_orderkey, c_custkey FROM orders LEFT JOIN customer ON o_custkey = c_custkey AND {o_totalprice > ALL (SELECT l_extendedprice FROM lineitem WHERE l_orderkey = o_orderkey)|NOT EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND (o_totalprice > l_extendedprice) IS NOT TRUE)}
-- equal all
SELECT o_orderkey, {o_custkey = ALL (SELECT l_suppkey FROM lineitem WHERE l_orderkey = o_orderkey)|CASE WHEN EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_suppkey <> o_custkey) THEN 0 WHEN EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND (l_suppkey <> o_custkey) IS NULL) THEN NULL ELSE 1 END} AS x FROM orders
-- unequal any
SELECT o_orderkey, {o_custkey <> ANY (SELECT l_suppkey FROM lineitem WHERE l_orderkey = o_orderkey)|CASE WHEN EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_suppkey <> o_custkey) THEN 1 WHEN EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND (l_suppkey <> o_custkey) IS NULL) THEN NULL ELSE 0 END} AS x FROM orders
-- less equal all as value
SELECT o_orderkey, {o_totalprice <= ALL (SELECT l_extendedprice FROM lineitem WHERE l_orderkey = o_orderkey)|CASE WHEN EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_extendedprice < o_totalprice) THEN 0 WHEN EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND (l_extendedprice < o_totalprice) IS NULL) THEN NULL ELSE 1 END} AS x FROM orders
-- row list with nulls
SELECT l_orderkey, (l_returnflag, l_linestatus) NOT IN ({('A', 'F'), ('R', 'O')|VALUES ('A', 'F'), ('R', 'O')}) AS x FROM lineitem
