//! Writes a recording's MP4 to a file.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, pin_mut};

use crate::archive::Archive;
use crate::error::RecorderError;
use crate::key::RecordingKey;
use crate::sink::blocking;

impl Archive {
    /// Writes the MP4 to `path` and returns its length in bytes. `progress` is told bytes written and bytes in all. The
    /// file appears under its name when it is whole and flushed; what was there before is replaced then.
    ///
    /// # Errors
    /// As [`Archive::mp4`], and [`RecorderError::Io`] where the file cannot be written.
    pub async fn export(
        self: &Arc<Self>,
        key: RecordingKey,
        path: &Path,
        progress: impl FnMut(u64, u64),
    ) -> Result<u64, RecorderError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let unfinished = path.with_file_name(name);
        let written = self.write_mp4(key, &unfinished, progress).await;
        let renamed = written.and_then(|total| {
            std::fs::rename(&unfinished, path)?;
            Ok(total)
        });
        if renamed.is_err() {
            let _ = std::fs::remove_file(&unfinished);
        }
        renamed
    }

    async fn write_mp4(
        self: &Arc<Self>,
        key: RecordingKey,
        path: &Path,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<u64, RecorderError> {
        let layout = self.mp4(key).await?;
        let total = layout.total_len;
        let path = path.to_owned();
        let mut file = blocking(move || File::create(path)).await?;
        let pieces = self.mp4_range(key, layout, 0..total)?;
        pin_mut!(pieces);
        let mut written = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            written += piece.len() as u64;
            file = blocking(move || file.write_all(&piece).map(|()| file)).await?;
            progress(written, total);
        }
        blocking(move || file.sync_all()).await?;
        Ok(total)
    }
}
