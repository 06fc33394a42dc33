//! The paths of a scan: the folder that it writes to, those of `--save` and `--cache`, and the files that it reads.
//!
//! All of it is looked at before the long work begins.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::way_out::helpful;
use crate::cli::{LiveArgs, ScanArgs, TrailSource};
use crate::domain::inventory::secret::day_of;
use crate::files::store::{self, Overwrite};

/// The folder that a scan writes to if none is named.
pub(super) const OUT: &str = "reports/{date}";

/// The folder of a scan: `{date}` and `{month}` are those of now, in UTC. If the folder of a `{date}` holds a scan already,
/// the time is added; and a number, for one of the same second.
pub(super) fn folder(out: &Path, now: Timestamp, again: Overwrite) -> PathBuf {
    let Some(pattern) = out.to_str() else {
        return out.to_owned();
    };
    let day = day_of(now).to_string();
    let pattern = pattern.replace("{month}", &day[..7]);
    let of_day = PathBuf::from(pattern.replace("{date}", &day));
    let is_free = |folder: &PathBuf| !folder.join(store::REPORT).exists();
    if again == Overwrite::Yes || is_free(&of_day) || !pattern.contains("{date}") {
        return of_day;
    }
    let time = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d-%H%M%S");
    let of_second = |number: u32| {
        let date = match number {
            1 => time.to_string(),
            _ => format!("{time}-{number}"),
        };
        PathBuf::from(pattern.replace("{date}", &date))
    };
    let mut number = 1;
    loop {
        let folder = of_second(number);
        if is_free(&folder) {
            return folder;
        }
        number += 1;
    }
}

/// Refuses files and folders that are named and are not there, before anything is written: a mistyped name is no empty
/// trail.
pub(super) fn named_paths_exist(args: &ScanArgs) -> Result<()> {
    let trail = args.trail.iter().filter_map(|source| match source {
        TrailSource::Files(path) => Some(("--trail", path)),
        TrailSource::Bucket(_)
        | TrailSource::LogGroup(_)
        | TrailSource::Athena(_)
        | TrailSource::Trino(_) => None,
    });
    let inventory = args.inventory.iter().map(|path| ("--inventory", path));
    let iam = args.iam.iter().map(|path| ("--iam", path));
    for (option, path) in inventory.chain(iam).chain(trail) {
        if let Err(error) = std::fs::symlink_metadata(path)
            && error.kind() == std::io::ErrorKind::NotFound
        {
            let help = if path.starts_with("s3:") {
                "a bucket is written `s3://BUCKET/PREFIX`; nothing was read or written"
            } else {
                "check the spelling; nothing was read or written"
            };
            return Err(helpful(
                format!(
                    "`{option} {}`: there is no such file or folder",
                    path.display()
                ),
                help,
            ));
        }
    }
    Ok(())
}

/// Makes the folders for `--save` and `--cache`: they must be usable before the long work begins. One that holds an
/// earlier scan is refused for `--save`: its pages would pass for those of this one.
pub(super) fn usable_folders(args: &LiveArgs) -> Result<()> {
    if let Some(folder) = &args.save
        && ["iam", "inventory", "trail"]
            .iter()
            .any(|name| folder.join(name).exists())
    {
        return Err(helpful(
            format!(
                "`--save {}`: the folder holds an earlier scan",
                folder.display()
            ),
            "name another folder, or remove that one",
        ));
    }
    for folder in args.save.iter().chain(&args.cache) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create `{}`", folder.display()))?;
    }
    Ok(())
}
