"""Encryption: a server with a certificate of an authority made for the test, whom the reader trusts or
does not. The certificates come from the command `openssl`."""

import os
import subprocess
import time

import cdc

TABLE = "t: id INT NOT NULL KEY, v STRING"
SNAPSHOT = {"scan.startup.mode": "snapshot"}


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
            "/CN=" + name, "-keyout", name + "-key.pem", "-out", name + ".pem")


def make_certificate(folder):
    """Of the server, for the name localhost, signed by `authority`."""
    make_authority(folder, "authority")
    make_authority(folder, "stranger")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "server-key.pem", "-out", "server.csr")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-days", "30", "-CA", "authority.pem",
            "-CAkey", "authority-key.pem", "-CAcreateserial", "-out", "server.pem")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=reader",
            "-keyout", "reader-key.pem", "-out", "reader.csr")
    openssl(folder, "x509", "-req", "-in", "reader.csr", "-days", "30", "-CA", "authority.pem",
            "-CAkey", "authority-key.pem", "-CAcreateserial", "-out", "reader.pem")


def test_tls(bench):
    if not bench.is_mariadb:
        return  # MySQL 5.6 speaks no version of TLS that today's client accepts
    folder = os.path.join(bench.folder, "tls")
    cdc.clean(folder)
    os.makedirs(folder)
    make_certificate(folder)
    paths = {"ssl-" + what: os.path.join(folder, file)
             for what, file in (("ca", "authority.pem"), ("cert", "server.pem"),
                                ("key", "server-key.pem"))}
    server = cdc.servers.make("mariadb", os.path.join(folder, "server"), options=paths)
    server.start()
    # The test's own client speaks no TLS: only what follows has to.
    early = server.connect()
    server.query("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(9));"
                 "INSERT INTO d.t VALUES (1,'one'); SET GLOBAL require_secure_transport = ON")
    run_encrypted(bench, server, folder, early)


def run_encrypted(bench, server, folder, early):
    trusted = os.path.join(folder, "authority.pem")
    stranger = os.path.join(folder, "stranger.pem")
    mine = cdc.Bench(server, bench.probe, os.path.join(folder, "journals"))
    try:
        mine.fails(TABLE, {**SNAPSHOT, "tls.mode": "disabled"})
        for options in ({"tls.mode": "required"}, {"tls.mode": "preferred"},
                        {"tls.mode": "verify-full", "tls.ca": trusted, "hostname": "localhost"}):
            lines = mine.run(TABLE, {**SNAPSHOT, **options})
            cdc.expect_equal(lines, ["+I[1, one]"], "rows with %r" % options)
        for options in ({"tls.ca": stranger, "hostname": "localhost"},
                        {"tls.ca": os.path.join(folder, "none.pem"), "hostname": "localhost"}):
            error = mine.fails(TABLE, {**SNAPSHOT, "tls.mode": "verify-full", **options})
            cdc.expect("tls" in error.lower() or "certificate" in error.lower(), error)
        present_certificate(mine, folder, early)
        early.query("SET GLOBAL require_secure_transport = OFF")
        early.close()
        follow_encrypted(mine, {"tls.mode": "verify-full", "tls.ca": trusted,
                                "hostname": "localhost", "heartbeat.interval": "30 s"})
    finally:
        server.kill()
        cdc.clean(folder)


def present_certificate(bench, folder, early):
    """A user of whom the server wants a certificate: `tls.certificate` and `tls.key`, both the right ones."""
    early.query("GRANT ALL ON *.* TO 'known'@'%' IDENTIFIED BY 'k' REQUIRE X509")
    known = {**SNAPSHOT, "username": "known", "password": "k", "tls.mode": "required",
             "hostname": "localhost", "connect.max-retries": "0"}
    mine = {"tls.certificate": os.path.join(folder, "reader.pem"), "tls.key": os.path.join(folder, "reader-key.pem")}
    cdc.expect_equal(bench.run(TABLE, {**known, **mine}), ["+I[1, one]"], "rows with a certificate")
    for options in ({}, {**mine, "tls.certificate": os.path.join(folder, "none.pem")},
                    {**mine, "tls.key": os.path.join(folder, "server-key.pem")}):
        bench.fails(TABLE, {**known, **options})


def follow_encrypted(bench, options):
    """Changes of all sizes arrive, a restart is survived, and an idle reader is woken at once: a job must
    not wait for the next heartbeat to stop or to take a checkpoint."""
    server = bench.server
    server.query("ALTER TABLE d.t MODIFY v LONGTEXT; SET GLOBAL max_allowed_packet = 64 << 20")
    lines = bench.run(TABLE, options, extra=["--wake", 200])
    cdc.expect(lines[0].startswith("woken idle after"), lines[0])
    cdc.expect(int(lines[0].split()[3]) < 100, "an idle reader is woken at once: " + lines[0])
    journal = bench.journal()
    process = bench.start(TABLE, {**options, "connect.max-retries": "20"},
                          extra=["--journal", journal, "--until", "end"])
    bench.wait_for(process, 0.3)
    server.query("INSERT INTO d.t VALUES (2,'small'),(3,REPEAT('x',20000000)),(4,'behind')")
    began = time.monotonic()
    server.query("INSERT INTO d.t SELECT seq, REPEAT('y', seq % 3000) FROM d.seq_100_to_20100")
    deadline = began + 30
    while time.monotonic() < deadline and len(cdc.read_journal(journal)) < 20005:
        time.sleep(0.05)
    server.stop()
    server.start()
    server.query("INSERT INTO d.t VALUES (-1,'end')")
    bench.finish(process)
    found = cdc.read_journal(journal)
    cdc.expect_equal([line[:12] for line in found[:4]],
                     ["+I[1, one]", "+I[2, small]", "+I[3, xxxxxx", "+I[4, behind"], "first rows")
    cdc.expect_equal(len(found[2]), 20000000 + len("+I[3, ]"), "a row of more than a packet")
    cdc.expect_equal(len(found), 4 + 20001 + 1, "rows")


TESTS = [test_tls]
