//! Puts objects into the store: by linking a file where the store is a folder on the same file system, else by its bytes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::RecorderError;
use crate::journal::volume::{Disk, Volume, create_dirs};

/// Where objects go.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// Folder of a local store. Exists.
    pub(crate) objects_dir: Option<PathBuf>,
}

impl Sink {
    /// Puts the object; it survives a power cut when this returns. `file`, if given, holds the same bytes and is never
    /// written again.
    ///
    /// # Errors
    /// [`RecorderError::Store`]; trying again is safe.
    pub(crate) async fn put(
        &self,
        object: &ObjectPath,
        bytes: Bytes,
        file: Option<&Path>,
    ) -> Result<(), RecorderError> {
        if let (Some(root), Some(file)) = (self.objects_dir.clone(), file.map(Path::to_owned)) {
            let target = root.join(object.as_ref());
            let len = bytes.len() as u64;
            // Fails on another file system and on one without links; then the bytes are written as anywhere else.
            if blocking(move || link(&root, &file, &target, len)).await.is_ok() {
                return Ok(());
            }
        }
        self.objects.put(object, bytes.into()).await?;
        Ok(())
    }
}

/// Runs file work off the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(io::Error::other(error)),
    }
}

fn link(root: &Path, file: &Path, target: &Path, len: u64) -> io::Result<()> {
    Disk.sync(&File::open(file)?)?;
    let parent = parent_of(target)?;
    create_dirs(&Disk, root, parent)?;
    match std::fs::hard_link(file, target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // From before a crash: the same file, unless the crash was in the middle of a plain write.
            if std::fs::metadata(target)?.len() != len {
                return Err(error);
            }
        }
        linked => linked?,
    }
    Disk.sync_dir(parent)
}

fn parent_of(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn sink(dir: &Path) -> Sink {
        let objects = object_store::local::LocalFileSystem::new_with_prefix(dir).expect("folder");
        Sink { objects: Arc::new(objects), objects_dir: Some(dir.to_owned()) }
    }

    #[tokio::test]
    async fn a_file_on_the_same_disk_is_linked_and_reads_back_through_the_store() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().expect("tempdir");
        let objects = dir.path().join("objects");
        std::fs::create_dir(&objects).expect("created");
        let file = dir.path().join("0-7.m4s");
        std::fs::write(&file, b"moof").expect("written");
        let sink = sink(&objects);
        let object = ObjectPath::from("c/s/0/7.m4s");
        for _ in 0..2 {
            sink.put(&object, Bytes::from_static(b"moof"), Some(&file)).await.expect("put, and put again");
        }
        assert_eq!(std::fs::metadata(&file).expect("there").nlink(), 2);
        std::fs::remove_file(&file).expect("removed");
        let back = sink.objects.get(&object).await.expect("there").bytes().await.expect("bytes");
        assert_eq!(&back[..], b"moof");
    }

    #[tokio::test]
    async fn an_object_left_torn_by_a_crash_is_replaced_whole() {
        let dir = tempfile::tempdir().expect("tempdir");
        let objects = dir.path().join("objects");
        std::fs::create_dir_all(objects.join("c/s/0")).expect("created");
        std::fs::write(objects.join("c/s/0/7.m4s"), b"mo").expect("written");
        let file = dir.path().join("0-7.m4s");
        std::fs::write(&file, b"moof").expect("written");
        let object = ObjectPath::from("c/s/0/7.m4s");
        sink(&objects).put(&object, Bytes::from_static(b"moof"), Some(&file)).await.expect("put");
        assert_eq!(std::fs::read(objects.join("c/s/0/7.m4s")).expect("there"), b"moof");
    }

    #[tokio::test]
    async fn without_a_folder_the_store_gets_the_bytes() {
        let objects = Arc::new(InMemory::new());
        let sink = Sink { objects: objects.clone(), objects_dir: None };
        let object = ObjectPath::from("c/s/0/7.m4s");
        sink.put(&object, Bytes::from_static(b"moof"), Some(Path::new("/nowhere"))).await.expect("put");
        assert_eq!(objects.get(&object).await.expect("there").bytes().await.expect("bytes"), "moof");
    }
}
