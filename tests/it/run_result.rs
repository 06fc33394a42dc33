//! A run of the real program, and the report that it left behind.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// What a run gave.
pub struct Outcome {
    /// The exit code and the output.
    pub output: Output,
    /// Its report; null if there is none.
    pub report: Value,
}

impl Outcome {
    /// Runs a command of ours whose report goes to `out`.
    pub fn of(command: &mut Command, out: &Path) -> Self {
        Self {
            output: command.output().unwrap(),
            report: report(out),
        }
    }

    /// The exit code; `None`: a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Returns what it said on stderr.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Returns what it printed on stdout.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// The row of a secret, the first of that name.
    pub fn secret(&self, name: &str) -> &Value {
        let secrets = self.report["secrets"].as_array();
        let secrets = secrets.unwrap_or_else(|| panic!("no report: {}", self.said()));
        let mut rows = secrets.iter();
        rows.find(|row| row["name"] == name)
            .unwrap_or_else(|| panic!("no secret {name}: {}", self.said()))
    }

    /// The verdict on a secret with the codes of its reasons: `delete: idle`.
    pub fn verdict(&self, name: &str) -> String {
        verdict(self.secret(name))
    }

    /// The gaps, each as text.
    pub fn gaps(&self) -> Vec<String> {
        let gaps = self.report["gaps"].as_array().unwrap();
        gaps.iter().map(Value::to_string).collect()
    }
}

/// The report in a folder; null if there is none.
pub fn report(folder: &Path) -> Value {
    let bytes = std::fs::read(folder.join("report.json"));
    bytes.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// The codes of a secret's reasons.
pub fn codes(row: &Value) -> Vec<String> {
    let reasons = row["reasons"].as_array().unwrap();
    reasons
        .iter()
        .map(|reason| reason["code"].as_str().unwrap().to_owned())
        .collect()
}

/// The verdict of a secret's row with the codes of its reasons: `delete: idle`.
pub fn verdict(row: &Value) -> String {
    format!(
        "{}: {}",
        row["verdict"].as_str().unwrap(),
        codes(row).join(" ")
    )
}
