-- A shop's revenue by country, kept up to date from its database and mirrored into a SQLite file.
-- Run it with `./dev demo`, which starts the database, or point hostname and port at your own.

SET 'pipeline.name' = 'shop';
SET 'execution.checkpointing.interval' = '500 ms';
SET 'execution.checkpointing.dir' = 'checkpoints';

CREATE TABLE customers (
    id      INT,
    name    STRING,
    country STRING,
    PRIMARY KEY (id) NOT ENFORCED
) WITH (
    'connector' = 'mysql-cdc',
    'hostname' = '127.0.0.1',
    'port' = '3306',
    'username' = 'weir',
    'password' = 'secret',
    'database-name' = 'shop',
    'table-name' = 'customers'
);

CREATE TABLE orders (
    id          INT,
    customer_id INT,
    status      STRING,
    ordered_at  TIMESTAMP(0),
    PRIMARY KEY (id) NOT ENFORCED
) WITH (
    'connector' = 'mysql-cdc',
    'hostname' = '127.0.0.1',
    'port' = '3306',
    'username' = 'weir',
    'password' = 'secret',
    'database-name' = 'shop',
    'table-name' = 'orders'
);

CREATE TABLE order_lines (
    order_id INT,
    line     INT,
    product  STRING,
    quantity INT,
    price    DECIMAL(10, 2),
    PRIMARY KEY (order_id, line) NOT ENFORCED
) WITH (
    'connector' = 'mysql-cdc',
    'hostname' = '127.0.0.1',
    'port' = '3306',
    'username' = 'weir',
    'password' = 'secret',
    'database-name' = 'shop',
    'table-name' = 'order_lines'
);

-- The result, one row a country, in a table that SQLite's own shell can read at any time.
CREATE TABLE revenue (
    country STRING,
    orders  BIGINT,
    items   BIGINT,
    revenue DECIMAL(38, 2),
    dearest DECIMAL(10, 2),
    PRIMARY KEY (country) NOT ENFORCED
) WITH (
    'connector' = 'sqlite',
    'path' = 'shop.db',
    'table-name' = 'revenue'
);

-- The changelog of one small country, on the terminal.
CREATE TABLE terminal (
    country STRING,
    orders  BIGINT,
    items   BIGINT,
    revenue DECIMAL(38, 2),
    dearest DECIMAL(10, 2)
) WITH ('connector' = 'print');

CREATE VIEW revenue_by_country AS
SELECT c.country,
       COUNT(DISTINCT o.id)                AS orders,
       SUM(CAST(l.quantity AS BIGINT))     AS items,
       SUM(l.quantity * l.price)           AS revenue,
       MAX(l.price)                        AS dearest
FROM customers AS c
JOIN orders AS o ON o.customer_id = c.id
JOIN order_lines AS l ON l.order_id = o.id
WHERE o.status <> 'cancelled'
GROUP BY c.country;

EXECUTE STATEMENT SET BEGIN
    INSERT INTO revenue SELECT * FROM revenue_by_country;
    INSERT INTO terminal SELECT * FROM revenue_by_country WHERE country = 'Iceland';
END;
