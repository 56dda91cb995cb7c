#!/usr/bin/env python3
"""The demo: a shop in a throwaway MariaDB, examples/shop.sql over it, a busy day, a kill -9 in the middle,
and at the end the mirrored result beside the database's own answer.
"""
import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "servers"))
import servers  # noqa: E402

CUSTOMERS, ORDERS = 3000, 20000
COUNTRIES = ["Austria", "Brazil", "Canada", "Denmark", "Estonia", "France", "Ghana", "Hungary",
             "Italy", "Japan"]
ANSWER_SECONDS = 45

QUERY = """
SELECT c.country, COUNT(DISTINCT o.id), SUM(l.quantity), SUM(l.quantity * l.price), MAX(l.price)
FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_lines l ON l.order_id = o.id
WHERE o.status <> 'cancelled' GROUP BY c.country ORDER BY c.country
"""


def say(text):
    print(f"\033[1m-- {text}\033[0m" if sys.stdout.isatty() else f"-- {text}", flush=True)


class Shop:
    """The database: what is in it and what happens to it."""

    def __init__(self, server):
        self.connection = server.connect()
        self.random = random.Random(7)
        self.next_order = ORDERS + 1

    def run(self, sql):
        return self.connection.query(sql)

    def create(self):
        for sql in ("CREATE DATABASE shop", "USE shop",
                    "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(60), "
                    "country VARCHAR(30))",
                    "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, "
                    "status VARCHAR(12), ordered_at DATETIME)",
                    "CREATE TABLE order_lines (order_id INT, line INT, product VARCHAR(40), "
                    "quantity INT, price DECIMAL(10,2), PRIMARY KEY (order_id, line))"):
            self.run(sql)

    def fill(self):
        pick = self.random
        customers = [f"({i}, 'Customer {i}', '{pick.choice(COUNTRIES)}')"
                     for i in range(1, CUSTOMERS + 1)]
        customers[0:2] = ["(1, 'Björk', 'Iceland')", "(2, 'Jón', 'Iceland')"]
        orders, lines = [], []
        for order in range(1, ORDERS + 1):
            customer = pick.randint(3, CUSTOMERS) if order > 4 else 1 + order % 2
            status = pick.choice(["open", "paid", "paid", "cancelled"])
            orders.append(f"({order}, {customer}, '{status}', '2026-01-01 12:00:00')")
            lines += [self.line(order, number) for number in range(1, pick.randint(2, 4))]
        for table, rows in (("customers", customers), ("orders", orders), ("order_lines", lines)):
            for start in range(0, len(rows), 2000):
                self.run(f"INSERT INTO {table} VALUES " + ", ".join(rows[start:start + 2000]))
        return len(customers) + len(orders) + len(lines)

    def line(self, order, number):
        price = self.random.randint(100, 99999) / 100
        return f"({order}, {number}, 'Product {self.random.randint(1, 500)}', " \
               f"{self.random.randint(1, 9)}, {price:.2f})"

    def place_order(self, customer):
        """A transaction over two tables."""
        order, self.next_order = self.next_order, self.next_order + 1
        self.run("BEGIN")
        self.run(f"INSERT INTO orders VALUES ({order}, {customer}, 'open', NOW())")
        self.run(f"INSERT INTO order_lines VALUES {self.line(order, 1)}, {self.line(order, 2)}")
        self.run("COMMIT")

    def work(self, steps):
        """A bit of everything, the same every time."""
        pick = self.random
        for step in range(steps):
            customer, order = pick.randint(1, CUSTOMERS), pick.randint(1, ORDERS)
            kind = step % 8
            if kind in (0, 1):
                self.place_order(1 if step % 400 == 0 else customer)
            elif kind == 2:
                self.run(f"UPDATE orders SET status = 'paid' WHERE id = {order}")
            elif kind == 3:
                self.run(f"UPDATE orders SET status = 'cancelled' WHERE id = {order}")
            elif kind == 4:
                self.run(f"DELETE FROM order_lines WHERE order_id = {order} AND line = 1")
            elif kind == 5:
                self.run(f"UPDATE customers SET country = '{pick.choice(COUNTRIES)}' "
                         f"WHERE id = {max(customer, 3)}")
            elif kind == 6:  # a changed primary key
                self.run(f"UPDATE order_lines SET line = line + 100 WHERE order_id = {order} "
                         "AND line < 100")
            else:  # a rollback leaves no trace
                self.run("BEGIN")
                self.run(f"DELETE FROM orders WHERE customer_id = {customer}")
                self.run("ROLLBACK")

    def answer(self):
        rows = self.run(QUERY)
        return [tuple(text(value) for value in row) for row in rows]


def text(value):
    """One form for both sides: MariaDB sends decimals as text, SQLite keeps them so."""
    return value.decode() if isinstance(value, bytes) else str(value)


class Weir:
    """The engine, running examples/shop.sql in the demo's folder."""

    def __init__(self, program, folder, port):
        self.program, self.folder = os.path.abspath(program), folder
        job = open(os.path.join(ROOT, "examples", "shop.sql"), encoding="utf-8").read()
        with open(os.path.join(folder, "shop.sql"), "w", encoding="utf-8") as copy:
            copy.write(job.replace("'port' = '3306'", f"'port' = '{port}'"))
        self.process = None
        self.lines = 0

    def start(self):
        self.process = subprocess.Popen([self.program, "-f", "shop.sql"], cwd=self.folder,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self.show, args=(self.process,), daemon=True).start()

    def show(self, process):
        for line in process.stdout:
            self.lines += 1
            print("   " + line.decode("utf-8", "replace").rstrip(), flush=True)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def mirror(self):
        path = os.path.join(self.folder, "shop.db")
        if not os.path.exists(path):
            return []
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            rows = database.execute("SELECT country, orders, items, revenue, dearest FROM revenue "
                                    "ORDER BY country").fetchall()
        except sqlite3.OperationalError:
            rows = []
        finally:
            database.close()
        return [tuple(text(value) for value in row) for row in rows]

    def wait_for(self, answer):
        """Until the mirror equals the answer; False when it does not get there."""
        deadline = time.time() + ANSWER_SECONDS
        while time.time() < deadline:
            if self.process.poll() is not None:
                print(f"weir ended by itself with status {self.process.returncode}")
                return False
            if self.mirror() == answer:
                return True
            time.sleep(0.1)
        return False


def show_side_by_side(mirror, answer):
    names = " ".join(f"{name:>10}" for name in ("country", "orders", "items", "revenue", "dearest"))
    print(f"\n   {'mirrored by Weir (shop.db)':55}   answered by MariaDB\n   {names}   {names}")
    for index in range(max(len(mirror), len(answer))):
        left = " ".join(f"{value:>10}" for value in mirror[index]) if index < len(mirror) else ""
        right = " ".join(f"{value:>10}" for value in answer[index]) if index < len(answer) else ""
        print(f"   {left:54} {'=' if left == right else '!'} {right}")


def play(options, folder, server):
    shop = Shop(server)
    shop.create()
    say(f"filled the shop with {shop.fill():,} rows")
    weir = Weir(options.weir, folder, server.port)
    say("weir -f shop.sql: reads what is there, then follows the binlog; Iceland's changelog:")
    started = time.time()
    weir.start()
    if not weir.wait_for(shop.answer()):
        return 1
    say(f"the mirror equals the database after {time.time() - started:.1f} s; now a busy day")
    worker = threading.Thread(target=shop.work, args=(options.steps,))
    worker.start()
    time.sleep(options.kill_after)
    weir.kill()
    say("kill -9 in the middle of it; weir -f shop.sql again:")
    time.sleep(0.3)
    weir.start()
    worker.join()
    shop.work(16)
    answer = shop.answer()
    equal = weir.wait_for(answer)
    status = weir.stop() if weir.process.poll() is None else weir.process.returncode
    show_side_by_side(weir.mirror(), answer)
    if not equal or weir.mirror() != answer or status != 0:
        say(f"DIFFERENT (exit status {status})")
        return 1
    say("identical")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", default="build/cli/weir")
    parser.add_argument("--dir", default=os.path.join(ROOT, "build", "demo"))
    parser.add_argument("--steps", type=int, default=2400, help="length of the busy day")
    parser.add_argument("--kill-after", type=float, default=0.7, help="seconds into it")
    options = parser.parse_args()
    folder = os.path.abspath(options.dir)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    say(f"starting a throwaway MariaDB in {os.path.relpath(folder, os.getcwd())}/mariadb")
    with servers.MariaDB(os.path.join(folder, "mariadb")) as server:
        status = play(options, folder, server)
    if status == 0:
        print("\nGo on by hand: ./dev shell, then HELP; or read examples/shop.sql and change it.")
    return status


if __name__ == "__main__":
    sys.exit(main())
