//! The query on a real Trino: started here where Java 24 or newer and Maven are installed, with the server from Maven
//! Central, on the loopback alone. Elsewhere the tests say that they looked at nothing.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secretsweep::aws::http::PlainHttp;
use secretsweep::demo::{self, Edition};
use secretsweep::engine::trino::Trino;
use secretsweep::ports::{HttpSender, SqlEngine as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws::world::AthenaWorld;
use crate::aws::{Aws, without_foreign};
use crate::browser::skipped;
use crate::full_trail_vs_reference::write_traps;
use crate::listening::beyond_loopback;
use crate::live::small;
use crate::trail::put;
use crate::world::{day, days_ago, get, gzip, idle, program, role, time, words};

const VERSION: &str = "476";

/// The home of a Java that runs Trino.
fn java() -> Option<PathBuf> {
    let own = std::env::var_os("JAVA_HOME").map(PathBuf::from);
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten();
    let installed = installed.filter_map(|entry| Some(entry.ok()?.path()));
    own.into_iter().chain(installed).find(|home| {
        let run = Command::new(home.join("bin/java")).arg("-version").output();
        run.is_ok_and(|run| {
            let text = String::from_utf8_lossy(&run.stderr);
            let version = text
                .split('"')
                .nth(1)
                .and_then(|version| version.split('.').next());
            version.is_some_and(|version| version.parse::<u32>().is_ok_and(|number| number >= 24))
        })
    })
}

/// The server, unpacked once for each target folder.
fn server() -> Option<PathBuf> {
    if let Err(why) = Command::new("mvn").arg("--version").output() {
        skipped(&format!("Trino needs Maven: {why}"));
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trino-{VERSION}"));
    fs::create_dir_all(&folder).unwrap();
    let guard = File::create(folder.with_extension("lock")).unwrap();
    guard.lock().unwrap();
    let server = folder.join(format!("trino-server-{VERSION}"));
    if folder.join("complete").exists() {
        return Some(server);
    }
    let artifact = format!("io.trino:trino-server:{VERSION}:tar.gz");
    let done = Command::new("mvn")
        .args(["-q", "dependency:copy", &format!("-Dartifact={artifact}")])
        .arg(format!("-DoutputDirectory={}", folder.display()))
        .output()
        .unwrap();
    if !done.status.success() {
        skipped("Maven could not fetch the server of Trino");
        return None;
    }
    let archive = folder.join(format!("trino-server-{VERSION}.tar.gz"));
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .arg("-C")
        .arg(&folder)
        .status();
    assert!(unpacked.unwrap().success());
    fs::remove_file(archive).unwrap();
    for plugin in fs::read_dir(server.join("plugin")).unwrap() {
        let plugin = plugin.unwrap().path();
        if !plugin.ends_with("hive") {
            fs::remove_dir_all(plugin).unwrap();
        }
    }
    fs::write(folder.join("complete"), "").unwrap();
    Some(server)
}

/// A Trino with a folder of files.
struct Server {
    process: Child,
    port: u16,
    /// The folder below `local:///`.
    world: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start() -> Option<Self> {
        let Some(java) = java() else {
            skipped("Trino needs Java 24 or newer");
            return None;
        };
        let server = server()?;
        // Hive takes folders whose name starts with a dot for hidden ones.
        let world = tempfile::Builder::new().prefix("trino-").tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let home = world.path().join("server");
        let etc = home.join("etc");
        let write = |name: &str, lines: &[&str]| put(&etc, name, lines.join("\n").as_bytes());
        let location = world.path().join("files");
        fs::create_dir_all(location.join("metastore")).unwrap();
        write(
            "node.properties",
            &[
                "node.environment=test",
                "node.bind-ip=127.0.0.1",
                "node.internal-address=127.0.0.1",
                &format!("node.data-dir={}", home.join("data").display()),
            ],
        );
        write(
            "config.properties",
            &[
                "coordinator=true",
                "node-scheduler.include-coordinator=true",
                &format!("http-server.http.port={port}"),
                &format!("discovery.uri=http://127.0.0.1:{port}"),
                "web-ui.enabled=false",
                "query.max-memory=1GB",
                "query.max-memory-per-node=1GB",
                "memory.heap-headroom-per-node=400MB",
            ],
        );
        write(
            "catalog/hive.properties",
            &[
                "connector.name=hive",
                "hive.metastore=file",
                "hive.metastore.catalog.dir=local:///metastore",
                "fs.native-local.enabled=true",
                &format!("local.location={}", location.display()),
                "hive.recursive-directories=true",
                "hive.ignore-absent-partitions=true",
            ],
        );
        // Without the launcher: its process is not the one that listens, and it wants a home of its own.
        let process = Command::new(java.join("bin/java"))
            .arg("-cp")
            .arg(server.join("lib/*"))
            .args(["-Xmx2G", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args([
                "--enable-native-access=ALL-UNNAMED",
                "-Djdk.attach.allowAttachSelf=true",
            ])
            .arg(format!("-Dplugin.dir={}", server.join("plugin").display()))
            .arg(format!(
                "-Dconfig={}",
                etc.join("config.properties").display()
            ))
            .arg(format!("-Dnode.data-dir={}", home.join("data").display()))
            .args(["-Dnode.environment=test", "-Dnode.bind-ip=127.0.0.1"])
            .args(["-Dnode.internal-address=127.0.0.1"])
            .arg("io.trino.server.TrinoServer")
            .current_dir(&home)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut server = Self {
            process,
            port,
            world,
            runtime,
        };
        server.wait();
        assert_eq!(beyond_loopback(server.process.id()), [""; 0]);
        Some(server)
    }

    fn http() -> Arc<dyn HttpSender> {
        Arc::new(PlainHttp::new(None, Duration::from_mins(2)).unwrap())
    }

    /// Waits until its log says that it has started; the rest of the log is read so that the server never waits for a
    /// reader.
    fn wait(&mut self) {
        let log = self.process.stderr.take().unwrap();
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let mut before = Vec::new();
        let is_up = lines.by_ref().any(|line| {
            let is_up = line.contains("SERVER STARTED");
            before.push(line);
            is_up
        });
        assert!(is_up, "Trino ended: {}", before.join("\n"));
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Runs the statements that a text holds.
    fn run(&self, text: &str) {
        let address = format!("trino://127.0.0.1:{}/hive.logs.any", self.port);
        let trino = Trino::new(Self::http(), address.parse().unwrap(), "test", None).unwrap();
        for statement in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
            let done = async { trino.run(statement, &mut |_| {}, &|_| Ok(())).await };
            self.runtime.block_on(done).unwrap();
        }
    }

    /// A table over a folder of log files in AWS's layout, defined as `trail-ddl` prints it; gives what `--trail` takes.
    fn table(
        &self,
        name: &str,
        trail: &Path,
        scopes: [&str; 2],
        organization: Option<&str>,
    ) -> String {
        let files = self.world.path().join("files").join(name);
        copy(trail, &files);
        let table = format!("hive.logs.{name}");
        let bucket = format!("local:///{name}");
        let [accounts, regions] = scopes;
        let mut args = vec![
            "trail-ddl",
            "trino",
            "--bucket",
            &bucket,
            "--accounts",
            accounts,
        ];
        args.extend([
            "--regions",
            regions,
            "--table",
            &table,
            "--first-day",
            "2026-01-01",
        ]);
        args.extend(
            organization
                .into_iter()
                .flat_map(|id| ["--organization", id]),
        );
        let printed = program(self.world.path(), &args);
        assert!(printed.status.success(), "{printed:?}");
        self.run(&String::from_utf8(printed.stdout).unwrap());
        format!("trino://127.0.0.1:{}/{table}?day=day:yyyy/MM/dd", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A scan of this folder by this trail; gives its report without the sentences that name the source, and its tables.
fn scanned(
    folder: &Path,
    trail: &str,
    out: &str,
    now: &str,
    more: &[&str],
) -> (Value, Vec<(String, Vec<u8>)>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let command = without_foreign(&mut command);
    scanned_with(command, folder, trail, out, now, more)
}

/// The same by a program that was set up.
fn scanned_with(
    program: &mut Command,
    folder: &Path,
    trail: &str,
    out: &str,
    now: &str,
    more: &[&str],
) -> (Value, Vec<(String, Vec<u8>)>) {
    let mut args = vec![
        "--quiet",
        "scan",
        "--allow-partial",
        "--inventory",
        "inventory",
        "--trail",
        trail,
    ];
    args.extend(["--now", now, "--out", out]);
    args.extend(more);
    let run = program.current_dir(folder).args(args).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let out = folder.join(out);
    let mut report: Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let sentences = report["assumptions"].as_array_mut().unwrap();
    let is_of_source = |text: &str| {
        ["Trino counted", "Athena counted", "The trail is the result"]
            .iter()
            .any(|start| text.starts_with(start))
    };
    sentences.retain(|text| !is_of_source(text.as_str().unwrap()));
    let tables = ["secrets.csv", "readers.csv", "findings.csv", "summary.csv"];
    let tables = tables.map(|name| {
        (
            name.to_owned(),
            fs::read(out.join(name)).unwrap_or_default(),
        )
    });
    (report, tables.into())
}

#[test]
fn an_engine_gives_the_report_that_the_files_give() {
    let Some(server) = Server::start() else {
        return;
    };
    server.run("CREATE SCHEMA hive.logs WITH (location = 'local:///logs')");

    // The example organization.
    let folder = crate::scratch::tempdir().unwrap();
    let edition = Edition::of_day("2026-11-01T00:00:00Z".parse().unwrap());
    demo::write(edition, &mut |name, bytes| {
        put(folder.path(), name, bytes);
        Ok(())
    })
    .unwrap();
    let now = "2026-11-01T00:00:00Z";
    let scopes = [
        "111122223333,444455556666",
        "eu-west-1,eu-central-1,us-east-1",
    ];
    let table = server.table(
        "demo",
        &folder.path().join("trail"),
        scopes,
        Some("o-exampleorg1"),
    );
    let local = scanned(folder.path(), "trail", "local", now, &[]);
    let remote = scanned(folder.path(), &table, "remote", now, &[]);
    assert!(local.0["totals"]["calls"].as_u64().unwrap() > 100_000);
    assert_eq!(local.0["totals"], remote.0["totals"]);
    assert_eq!(local.0, remote.0);
    assert_eq!(local.1, remote.1);

    // The query, run by somebody else.
    let args = [
        "scan",
        "--inventory",
        "inventory",
        "--trail",
        &table,
        "--now",
        now,
        "--print-sql",
    ];
    let printed = program(folder.path(), &args);
    assert!(printed.status.success(), "{printed:?}");
    let sql = String::from_utf8(printed.stdout).unwrap();
    put(folder.path(), "result.csv", &server.csv(&sql));
    let by_hand = scanned(folder.path(), "result.csv", "by-hand", now, &[]);
    assert_eq!(local.0, by_hand.0);

    // A trail with every trap.
    let folder = crate::scratch::tempdir().unwrap();
    write_traps(folder.path());
    let scopes = ["111122223333,444455556666", "eu-west-1,us-east-1"];
    let table = server.table("traps", &folder.path().join("trail"), scopes, None);
    let now = "2026-10-31T00:00:00Z";
    let local = scanned(folder.path(), "trail", "local", now, &["--window", "30d"]);
    let remote = scanned(folder.path(), &table, "remote", now, &["--window", "30d"]);
    assert!(local.0["totals"]["calls"].as_u64().unwrap() > 100);
    assert_eq!(local.0["totals"], remote.0["totals"]);
    assert_eq!(local.0["secrets"], remote.0["secrets"]);
    assert_eq!(local.1, remote.1);

    // The query that Athena receives, run on Trino.
    let by_athena = server.by_athena(folder.path(), now);
    assert_eq!(remote.0["secrets"], by_athena.0["secrets"]);
    assert_eq!(remote.0["totals"], by_athena.0["totals"]);
    assert_eq!(remote.1, by_athena.1);

    // More clients in an hour than the query distinguishes: no call is lost, and that it is so is said.
    let folder = crate::scratch::tempdir().unwrap();
    write_crowd(folder.path());
    let trail = folder.path().join("trail");
    let table = server.table("crowd", &trail, ["111122223333", "us-east-1"], None);
    let now = time(days_ago(0));
    let local = scanned(folder.path(), "trail", "local", &now, &[]);
    let remote = scanned(folder.path(), &table, "remote", &now, &[]);
    assert_eq!(local.0["totals"]["calls"], 1_500);
    assert_eq!(local.0["totals"], remote.0["totals"]);
    let said = remote.0["assumptions"].to_string();
    assert!(
        said.contains("In 1 hour of a reader the calls came from more than 1,000"),
        "{said}"
    );
}

impl Server {
    /// A scan of this folder by an Athena on the loopback, whose queries over the table of traps this server answers. The
    /// columns are those that `trail-ddl athena` defines.
    fn by_athena(&self, folder: &Path, now: &str) -> (Value, Vec<(String, Vec<u8>)>) {
        let printed = program(
            folder,
            &words(
                "trail-ddl athena --bucket s3://any --accounts 111122223333 --regions us-east-1",
            ),
        );
        assert!(printed.status.success(), "{printed:?}");
        let definition = String::from_utf8(printed.stdout).unwrap();
        let (columns, _) = definition.split_once("\n)").unwrap();
        let columns = columns.lines().skip(1).map(|line| {
            let (name, kind) = line.trim().split_once(' ').unwrap();
            (name.to_owned(), kind.trim_end_matches(',').to_owned())
        });
        let port = self.port;
        let engine = move |sql: &str| {
            let address = format!("trino://127.0.0.1:{port}/hive.logs.any");
            let trino = Trino::new(Self::http(), address.parse().unwrap(), "test", None).unwrap();
            // Athena says the names of the columns first.
            let mut rows = vec![names(sql).map(|name| Some(name.to_owned())).collect()];
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let done = async {
                let mut take = |more| rows.extend(more);
                trino.run(sql, &mut take, &|_| Ok(())).await
            };
            runtime.block_on(done).unwrap();
            rows
        };
        let world = AthenaWorld {
            columns: columns.collect(),
            day: "day",
            engine: Some(Box::new(engine)),
            ..AthenaWorld::default()
        };
        let aws = Aws::start(small().athena(world));
        let trail = "athena://hive.logs.traps?workgroup=any";
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        scanned_with(
            aws.on(&mut command),
            folder,
            trail,
            "by-athena",
            now,
            &["--window", "30d"],
        )
    }
}

/// The names of the columns of our query: its last part names every one once.
fn names(sql: &str) -> impl Iterator<Item = &str> {
    let (_, last) = sql.rsplit_once("UNION ALL").unwrap();
    let names = last.lines().filter_map(|line| line.rsplit_once(" AS "));
    names.map(|(_, name)| name.trim_end_matches(','))
}

/// A secret that 1,500 sessions from as many addresses read in one hour.
fn write_crowd(folder: &Path) {
    let inventory = json!({"SecretList": [idle("crowded").accessed(1).entry()]});
    put(folder, "inventory/a.json", inventory.to_string().as_bytes());
    let day = day(days_ago(1)).replace('-', "/");
    let calls = (0..1_500_usize).map(|number| {
        let client = role("app", &format!("web-{number:04}"));
        let address = format!("10.1.{}.{}", number / 250, number % 250);
        get("crowded").by(client).via(&address).record(number)
    });
    let records: Vec<String> = calls.collect();
    let file = format!("{{\"Records\":[{}]}}", records.join(","));
    let path = format!(
        "trail/AWSLogs/111122223333/CloudTrail/us-east-1/{day}/111122223333_CloudTrail_us-east-1_{}T0700Z_a.json.gz",
        day.replace('/', "")
    );
    put(folder, &path, &gzip(file.as_bytes()));
}

impl Server {
    /// The answer to a query as CSV with the names of the columns.
    fn csv(&self, sql: &str) -> Vec<u8> {
        let address = format!("trino://127.0.0.1:{}/hive.logs.any", self.port);
        let trino = Trino::new(Self::http(), address.parse().unwrap(), "test", None).unwrap();
        let mut file = csv::Writer::from_writer(Vec::new());
        file.write_record(names(sql)).unwrap();
        let mut take = |rows: Vec<Vec<Option<String>>>| {
            for row in rows {
                let values = row.into_iter().map(Option::unwrap_or_default);
                file.write_record(values).unwrap();
            }
        };
        let done = async { trino.run(sql, &mut take, &|_| Ok(())).await };
        self.runtime.block_on(done).unwrap();
        file.into_inner().unwrap()
    }
}
