//! Which files of a folder are the bill: an export that keeps every delivery holds the same month several times.
//!
//! AWS writes a month to a folder of its own (`BILLING_PERIOD=2026-10`, `20261001-20261101`) and, unless it overwrites,
//! each delivery to a folder below that. The manifest of the month names the files of the newest delivery
//! (<https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html>). Without a manifest that
//! decides, nothing in the rows tells two deliveries apart, so the bill is refused instead of being added up twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{BillError, is_manifest};
use crate::domain::base::month::Month;
use crate::files::bounded::{ValueEnd, whole};

/// The most that a manifest may hold: a line for each file of a delivery.
const LARGEST: u64 = 64 << 20;

/// The files that a manifest names: `reportKeys` in those of legacy reports, `dataFiles` in those of Data Exports.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default, rename = "reportKeys")]
    report_keys: Vec<String>,
    #[serde(default, rename = "dataFiles")]
    data_files: Vec<String>,
}

/// The month of an export that a file belongs to, and the delivery: empty where the export overwrites.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ExportMonth {
    /// The folder of the export.
    export: PathBuf,
    /// The name of the month's folder.
    period: String,
}

/// One month's files by delivery, and its manifests.
#[derive(Default)]
struct Deliveries {
    data: BTreeMap<String, Vec<PathBuf>>,
    /// The manifests of the month itself, not those beside a delivery.
    manifests: Vec<PathBuf>,
}

/// The files to read: of each month of an export the delivery that its manifest names.
///
/// # Errors
/// A month with several deliveries and no manifest that names one of them, or a named file that is not there.
pub(super) fn current(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, BillError> {
    let mut months: BTreeMap<ExportMonth, Deliveries> = BTreeMap::new();
    let mut other = Vec::new();
    for path in files {
        let Some((month, delivery)) = month_and_delivery(&path) else {
            other.push(path);
            continue;
        };
        let month = months.entry(month).or_default();
        if !is_manifest(&path) {
            month.data.entry(delivery).or_default().push(path);
        } else if delivery.is_empty() {
            month.manifests.push(path);
        }
    }
    other.retain(|path| !is_manifest(path));
    for (month, deliveries) in months {
        other.extend(newest(&month, deliveries)?);
    }
    Ok(other)
}

fn newest(month: &ExportMonth, mut deliveries: Deliveries) -> Result<Vec<PathBuf>, BillError> {
    if deliveries.data.len() < 2 {
        return Ok(deliveries.data.into_values().flatten().collect());
    }
    let keys = listed(&deliveries.manifests)?;
    let named: BTreeSet<String> = keys
        .iter()
        .filter_map(|key| Some(month_and_delivery(Path::new(key))?.1))
        .collect();
    let mut named = named.into_iter();
    let (Some(delivery), None) = (named.next(), named.next()) else {
        let here: Vec<_> = deliveries
            .data
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        return Err(BillError::Form {
            path: month.export.clone(),
            why: format!(
                "{} holds {} deliveries of the same month ({}) and no manifest that names one of them; give the folder of \
                 the one that counts",
                super::columns::short(&month.period),
                here.len(),
                here.join(", ")
            ),
        });
    };
    let found = deliveries.data.remove(&delivery).unwrap_or_default();
    let has: BTreeSet<_> = found.iter().filter_map(|path| path.file_name()).collect();
    let missing = keys.iter().find(|key| {
        Path::new(key)
            .file_name()
            .is_some_and(|name| !has.contains(name))
    });
    match missing {
        Some(key) => Err(BillError::Form {
            path: shown(&deliveries.manifests, month),
            why: format!(
                "its manifest names `{}`, which is not there; copy the whole delivery",
                // The name is last in the key, and what is shown of a text is its beginning.
                super::columns::short(key.rsplit('/').next().unwrap_or(key))
            ),
        }),
        None => Ok(found),
    }
}

/// Returns what a message calls the month: its manifest, or else the folder of the export.
fn shown(paths: &[PathBuf], month: &ExportMonth) -> PathBuf {
    let named = paths.first().cloned();
    named.unwrap_or_else(|| month.export.clone())
}

fn listed(manifests: &[PathBuf]) -> Result<Vec<String>, BillError> {
    let mut keys = Vec::new();
    for path in manifests.iter().filter(|path| ends_with_json(path)) {
        let bytes = whole(path, ValueEnd::Json, LARGEST).map_err(|source| BillError::Io {
            path: path.clone(),
            source,
        })?;
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|fault| BillError::Form {
                path: path.clone(),
                why: format!("its manifest is damaged ({fault})"),
            })?;
        keys.extend(manifest.report_keys);
        keys.extend(manifest.data_files);
    }
    Ok(keys)
}

fn ends_with_json(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "json")
}

/// The month and the delivery by a file's path; `None` outside the layout of an export.
fn month_and_delivery(path: &Path) -> Option<(ExportMonth, String)> {
    let folder = path.parent()?;
    let names: Vec<_> = folder.components().collect();
    let text = |at: usize| names[at].as_os_str().to_string_lossy();
    let at = (0..names.len()).rev().find(|at| is_period(&text(*at)))?;
    // Data Exports keeps manifests under `metadata` and the rest under `data`, both in the folder of the export.
    let export = match at.checked_sub(1).map(text).as_deref() {
        Some("data" | "metadata") => at - 1,
        _ => at,
    };
    let delivery: PathBuf = names[at + 1..].iter().collect();
    let month = ExportMonth {
        export: names[..export].iter().collect(),
        period: text(at).into_owned(),
    };
    Some((month, delivery.to_string_lossy().into_owned()))
}

/// The month whose folder holds a path of an export; `None`: the layout does not name one.
pub(super) fn month_of(path: &str) -> Option<Month> {
    let period = path.split('/').rfind(|name| is_period(name))?;
    let text = match period.strip_prefix("BILLING_PERIOD=") {
        Some(text) => text.to_owned(),
        // The year and the month of the first day.
        None => format!("{}-{}", period.get(..4)?, period.get(4..6)?),
    };
    text.parse().ok()
}

/// `BILLING_PERIOD=2026-10` of Data Exports, `20261001-20261101` of legacy reports.
fn is_period(name: &str) -> bool {
    let is_day = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    name.starts_with("BILLING_PERIOD=")
        || name
            .split_once('-')
            .is_some_and(|(from, to)| is_day(from) && is_day(to))
}
