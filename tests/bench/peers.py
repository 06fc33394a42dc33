"""The question of compare.py, asked of public tools as well as each of them can be asked.

`python peers.py TOOL DIR` reads every `*.json.gz` below DIR and prints, in any order, one row for each

    hour, account, Region, API, error, secret, caller, calls

of Secrets Manager's events, with tabs between them. The secret is named by the first of PLACES that is there. Every
eventID counts once; with `--all-copies`, as often as it comes. Two threads or two processes, as the others have.
"""

import argparse
import collections
import glob
import gzip
import multiprocessing
import os
import shlex
import subprocess
import sys

SERVICE = "secretsmanager.amazonaws.com"

PLACES = [
    ("responseElements", "arn"),
    ("responseElements", "aRN"),
    ("requestParameters", "secretId"),
    ("requestParameters", "name"),
    ("additionalEventData", "ARN"),
    ("additionalEventData", "SecretId"),
    ("serviceEventDetails", "secretId"),
]

# The texts of a row between its hour and its secret.
TEXTS = ["recipientAccountId", "awsRegion", "eventName", "errorCode"]

# DuckDB sets memory aside for the largest document; its usual 16 MiB do not do for every log file.
LARGEST = 32 << 20


def files(folder):
    return sorted(glob.glob(os.path.join(folder, "**", "*.json.gz"), recursive=True))


def write(rows):
    sys.stdout.writelines("\t".join(map(str, row)) + "\n" for row in rows)


def duckdb_rows(folder, copies, records, text, places=PLACES):
    """Counts with DuckDB. `records` reads them as `r`; `text` makes SQL that takes a text out of one."""
    import duckdb

    texts = ", ".join(f"coalesce({text(name)}, '') AS {name}" for name in TEXTS)
    places = ", ".join(text(member, key) for member, key in places)
    ours = "ours" if copies else "(SELECT DISTINCT ON (id) * FROM ours)"
    sql = f"""
        WITH records AS ({records}), ours AS (
            SELECT {text("eventTime")}[1:13] AS hour, {texts}, coalesce({places}, '') AS secret,
                   coalesce({text("userIdentity", "arn")}, '') AS caller, {text("eventID")} AS id
            FROM records WHERE {text("eventSource")} = '{SERVICE}'
        )
        SELECT hour, {", ".join(TEXTS)}, secret, caller, count(*) FROM {ours} AS counted GROUP BY ALL
    """
    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    write(connection.execute(sql, [files(folder)]).fetchall())


def duckdb_best(folder, copies):
    """Each record stays text, and is asked for its members."""
    source = f"read_json_auto(?, maximum_object_size={LARGEST}, maximum_depth=2)"
    duckdb_rows(
        folder, copies, f"SELECT unnest(Records) AS r FROM {source}", lambda *path: f"(r->>'$.{'.'.join(path)}')"
    )


def duckdb_objects(folder, copies):
    """Documents as text, and no schema at all."""
    source = f"read_ndjson_objects(?, maximum_object_size={LARGEST})"
    duckdb_rows(
        folder,
        copies,
        f"SELECT unnest(json_extract(json, '$.Records[*]')) AS r FROM {source}",
        lambda *path: f"(r->>'$.{'.'.join(path)}')",
    )


def duckdb_auto(folder, copies):
    """It finds the columns out by itself, but not the ones inside: `arn` beside `aRN` would be an error.

    A column that its sample does not hold is an error too, so the one that the generator never writes is left out.
    """
    source = f"read_json_auto(?, maximum_object_size={LARGEST}, maximum_depth=3)"
    duckdb_rows(
        folder,
        copies,
        f"SELECT unnest(Records) AS r FROM {source}",
        lambda member, key="": f"(r.{member}->>'$" + (f".{key}')" if key else "')"),
        [place for place in PLACES if place[0] != "serviceEventDetails"],
    )


def polars_rows(folder, copies):
    import polars as pl

    text = pl.String
    inner = collections.defaultdict(dict)
    for member, key in PLACES:
        inner[member][key] = text
    inner["userIdentity"]["arn"] = text
    record = dict.fromkeys(TEXTS + ["eventTime", "eventSource", "eventID"], text)
    record |= {member: pl.Struct(keys) for member, keys in inner.items()}
    ours = (
        pl.scan_ndjson(files(folder), schema={"Records": pl.List(pl.Struct(record))})
        .explode("Records")
        .unnest("Records")
        .filter(pl.col("eventSource") == SERVICE)
        .select(
            pl.col("eventTime").str.slice(0, 13).alias("hour"),
            *(pl.col(name).fill_null("") for name in TEXTS),
            pl.coalesce(*(pl.col(member).struct.field(key) for member, key in PLACES)).fill_null("").alias("secret"),
            pl.col("userIdentity").struct.field("arn").fill_null("").alias("caller"),
            "eventID",
        )
    )
    if not copies:
        ours = ours.unique("eventID")
    rows = ours.group_by("hour", *TEXTS, "secret", "caller").len()
    write(rows.collect(engine="streaming").iter_rows())


def clickhouse_rows(folder, copies):
    """ClickHouse in this process (chdb), with the wanted members as a typed tuple: half the time of records as text."""
    import chdb

    inner = collections.defaultdict(list)
    for member, key in PLACES:
        inner[member].append(key)
    inner["userIdentity"].append("arn")
    text = "{} Nullable(String)".format
    members = [text(name) for name in TEXTS + ["eventTime", "eventSource", "eventID"]]
    members += [f"{member} Tuple({', '.join(map(text, keys))})" for member, keys in inner.items()]
    quoted = os.path.realpath(folder).replace("\\", "\\\\").replace("'", "\\'")
    source = f"file('{quoted}/**/*.json.gz', 'JSONEachRow', 'Records Array(Tuple({', '.join(members)}))')"
    member = lambda *path: f"ifNull(r.{'.'.join(path)}, '')"
    texts = ", ".join(f"{member(name)} AS {name}" for name in TEXTS)
    places = ", ".join(f"nullIf({member(*place)}, '')" for place in PLACES)
    ours = "ours" if copies else "(SELECT DISTINCT ON (id) * FROM ours)"
    sql = f"""
        WITH ours AS (
            SELECT substring({member("eventTime")}, 1, 13) AS hour, {texts}, coalesce({places}, '') AS secret,
                   {member("userIdentity", "arn")} AS caller, {member("eventID")} AS id
            FROM (SELECT arrayJoin(Records) AS r FROM {source})
            WHERE {member("eventSource")} = '{SERVICE}'
        )
        SELECT hour, {", ".join(TEXTS)}, secret, caller, count() FROM {ours} GROUP BY ALL
        SETTINGS max_threads = 2 FORMAT TabSeparatedRaw
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(chdb.query(sql).bytes())


def row_of(record):
    """The row of an event, as a tool that parses whole records takes it."""
    secret = ""
    for member, key in PLACES:
        inside = record.get(member)
        if inside and inside.get(key):
            secret = inside[key]
            break
    texts = [record.get(text) or "" for text in TEXTS]
    caller = record["userIdentity"].get("arn") or ""
    return (record["eventTime"][:13], *texts, secret, caller)


def orjson_file(job):
    """The rows of a file: with the id of each, or counted."""
    import orjson

    path, copies = job
    with open(path, "rb") as file:
        records = orjson.loads(gzip.decompress(file.read()))["Records"]
    ours = [record for record in records if record.get("eventSource") == SERVICE]
    if copies:
        return collections.Counter(map(row_of, ours))
    return [(record["eventID"], row_of(record)) for record in ours]


def orjson_rows(folder, copies):
    total = collections.Counter()
    seen = set()
    jobs = [(path, copies) for path in files(folder)]
    with multiprocessing.Pool(2) as pool:
        for found in pool.imap_unordered(orjson_file, jobs, chunksize=8):
            if copies:
                total.update(found)
                continue
            for event, row in found:
                if event not in seen:
                    seen.add(event)
                    total[row] += 1
    write((*row, count) for row, count in total.items())


def jq_rows(folder, copies):
    """The pipe that people write; its stages run side by side."""
    places = " // ".join(f".{member}.{key}" for member, key in PLACES)
    texts = ", ".join(f'(.{text} // "")' for text in TEXTS)
    program = (
        f'.Records[] | select(.eventSource == "{SERVICE}") | '
        f'[.eventID, .eventTime[:13], {texts}, ({places} // ""), (.userIdentity.arn // "")] | @tsv'
    )
    fold = "cut -f2- | sort" if copies else "sort -u | cut -f2- | sort"
    count = r"""uniq -c | sed -E 's/^ *([0-9]+) (.*)$/\2\t\1/'"""
    script = (
        f"find {shlex.quote(folder)} -name '*.json.gz' -print0 | xargs -0 zcat | "
        f"jq -r {shlex.quote(program)} | {fold} | {count}"
    )
    subprocess.run(["bash", "-o", "pipefail", "-c", script], check=True, env={**os.environ, "LC_ALL": "C"})


TOOLS = {
    "duckdb": duckdb_best,
    "duckdb-objects": duckdb_objects,
    "duckdb-auto": duckdb_auto,
    "polars": polars_rows,
    "clickhouse": clickhouse_rows,
    "orjson": orjson_rows,
    "jq": jq_rows,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("folder")
    parser.add_argument("--all-copies", action="store_true", dest="copies")
    asked = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = "2"
    TOOLS[asked.tool](asked.folder, asked.copies)
