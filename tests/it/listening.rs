//! Every server of a test listens on the loopback alone: whoever else is in the network of a build machine must not reach
//! it.

use std::collections::HashSet;
use std::path::Path;

/// The addresses beside the loopback on which a process listens, as the system writes them; none where the system does not
/// tell (other than Linux).
pub fn beyond_loopback(process: u32) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else {
        return Vec::new();
    };
    let sockets: HashSet<String> = files
        .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
        .filter_map(|target| {
            let name = target.to_string_lossy().into_owned();
            Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let tables = ["tcp", "tcp6"].map(|table| {
        std::fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default()
    });
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|cells| cells.len() > 9 && cells[3] == LISTENING && sockets.contains(cells[9]))
        .map(|cells| cells[1].to_owned())
        .filter(|address| !LOOPBACK.iter().any(|own| address.starts_with(own)))
        .collect()
}

/// The state of a socket that listens.
const LISTENING: &str = "0A";

/// 127.0.0.1, `::1`, and 127.0.0.1 as IPv6, as Linux writes them on a machine with the low byte first.
const LOOPBACK: [&str; 3] = [
    "0100007F:",
    "00000000000000000000000001000000:",
    "0000000000000000FFFF00000100007F:",
];

#[cfg(target_os = "linux")]
#[test]
fn who_listens_for_everybody_is_seen() {
    use std::net::{Ipv4Addr, TcpListener};
    let own = std::process::id();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let hexadecimal = format!(":{:04X}", listener.local_addr().unwrap().port());
    let seen = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    assert!(seen.contains(&hexadecimal), "the table has the listener");
    assert_eq!(beyond_loopback(own), [""; 0], "of all tests that run now");
    let address = "00000000:0016";
    assert!(!LOOPBACK.iter().any(|own| address.starts_with(own)));
}

/// A server that a test opens later, or only on another system, is seen by its source.
#[test]
fn every_listener_of_the_tests_names_the_loopback() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")];
    let mut listeners = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&text);
            // Split, so that this file does not find itself.
            for (open, own) in [
                (concat!("TcpListener::", "bind("), "(Ipv4Addr::LOCALHOST"),
                (concat!("listener.", "bind(("), "\"127.0.0.1\""),
                (concat!("ip_", "address="), "\"127.0.0.1\""),
                (concat!("BIND_", "HOST="), "\"127.0.0.1\""),
            ] {
                for (place, _) in text.match_indices(open) {
                    listeners += 1;
                    let rest = &text[place + open.len()..];
                    assert!(
                        rest.starts_with(own),
                        "{}: {open}{rest:.40}",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(listeners >= 5, "{listeners}");
}
