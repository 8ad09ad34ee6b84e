"""Counts its visitors twice: in a database and in a cache."""
import os

import flask
import psycopg2
import redis

app = flask.Flask(__name__)
password = open("/run/secrets/password").read().strip()
cache = redis.Redis(os.environ["CACHE"])


def ask(*statements):
    with psycopg2.connect(host=os.environ["DATABASE"], user="shop", dbname="shop", password=password) as connection:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchone()[0]


@app.get("/well")
def well():
    return str(ask("SELECT 1"))


@app.get("/")
def visit():
    cache.ping()        # who is not there fails the visit before it is counted
    rows = ask("CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())", "INSERT INTO visits DEFAULT VALUES", "SELECT count(*) FROM visits")
    return f"{os.environ['GREETING']} db={rows} cache={cache.incr('visits')} uid={os.getuid()}\n"
