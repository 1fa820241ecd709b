//! Rows of results, as text while they come and as JSON at the end.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

/// All rows of a run.
#[derive(Default)]
pub struct Report {
    rows: Vec<Value>,
}

impl Report {
    /// Adds a row and prints it.
    pub fn row(&mut self, row: Value) {
        println!("{row}");
        self.rows.push(row);
    }

    /// Writes all rows to `out`, if given.
    pub fn finish(self, out: Option<&Path>) -> anyhow::Result<()> {
        if let Some(out) = out {
            let text = serde_json::to_string_pretty(&json!({ "rows": self.rows }))?;
            fs::write(out, text).with_context(|| format!("{} could not be written", out.display()))?;
        }
        Ok(())
    }
}

/// The value below which the share `p` of `delays` lies, in milliseconds.
#[must_use]
pub fn percentile_ms(delays: &mut [Duration], p: f64) -> Option<f64> {
    if delays.is_empty() {
        return None;
    }
    delays.sort_unstable();
    let at = ((delays.len() - 1) as f64 * p).round() as usize;
    Some((delays[at].as_secs_f64() * 1e6).round() / 1e3)
}

/// Three digits behind the point are as many as these measurements have.
#[must_use]
pub fn round3(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
